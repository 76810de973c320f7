import { describe, expect, test, vi } from "vitest";
import { writeLogLine, writeSign } from "../../runtime/log-lines.ts";
import { OutputReader } from "../../runtime/output-reader.ts";

const speaker = { runId: "r", task: 3, attempt: 2 };

/** What a reader tells of lines, in order. */
function reading() {
  const told: unknown[] = [];
  const reader = new OutputReader({
    onLog: ({ level, text, task }) => told.push(`${task} ${level} ${text}`),
    onOutput: (line, from) => told.push(`? ${from} ${line}`),
    onError: () => {},
  });
  const read = (text: string, from: "stdout" | "stderr" = "stdout") => reader.read(text.replace(/\n$/, ""), from);
  return { told, reader, read };
}

describe("output of an executor", () => {
  test("is put down to the attempt that speaks, by stream, and to nobody outside of it", () => {
    const { told, read } = reading();
    read("early");
    read(writeSign({ speaks: speaker }));
    read("of a child");
    read("unannounced there", "stderr");
    read(writeSign({ speaks: speaker }), "stderr");
    read("of a child, too", "stderr");
    read(writeSign({ silent: 1 }));
    read("late");
    expect(told).toEqual([
      "? stdout early",
      "3 info of a child",
      "? stderr unannounced there",
      "3 error of a child, too",
      "? stdout late",
    ]);
  });

  test("without a line end does not swallow what comes behind it", () => {
    const { told, read } = reading();
    read(writeSign({ speaks: speaker }));
    read(`half a line${writeLogLine({ ...speaker, level: "warn", text: "a log line" })}`);
    read(`the other half${writeSign({ silent: 1 })}`);
    read("a\u001eb");
    expect(told).toEqual(["3 info half a line", "3 warn a log line", "3 info the other half", "? stdout a\u001eb"]);
  });

  test("is read before the outcome of its attempt is told, and outcomes stay in order", () => {
    const { told, reader, read } = reading();
    reader.afterSpeech(0, () => told.push("outcome 0"));
    reader.afterSpeech(1, () => told.push("outcome 1"));
    reader.afterSpeech(0, () => told.push("outcome 2"));
    read(writeSign({ silent: 1 }));
    expect(told).toEqual(["outcome 0"]);
    read(writeSign({ silent: 1 }), "stderr");
    expect(told).toEqual(["outcome 0", "outcome 1", "outcome 2"]);
  });

  test("that was closed is not waited for long, nor when the executor is gone", () => {
    vi.useFakeTimers();
    const { told, reader } = reading();
    reader.afterSpeech(1, () => told.push("closed"));
    vi.advanceTimersByTime(1_000);
    reader.afterSpeech(2, () => told.push("gone"));
    reader.end();
    vi.useRealTimers();
    expect(told).toEqual(["closed", "gone"]);
  });
});
