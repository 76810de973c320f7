import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { Terminal } from "@xterm/headless";
import { describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../sdk/driver/progress-events.ts";
import { barProgress } from "../../sdk/progress/bars.ts";
import { lineProgress } from "../../sdk/progress/lines.ts";
import { RunTally } from "../../sdk/progress/tally.ts";
import { duration, harmless } from "../../sdk/progress/text.ts";

type Started = ProgressEvent & { type: "run-started" };
type Rest<E> = E extends ProgressEvent ? Omit<E, "runId" | "at"> & { at?: number } : never;

const runId = "r1";
const START: Started = {
  type: "run-started",
  runId,
  runner: "local",
  at: 0,
  types: [
    { name: "load", total: 1, cached: 1 },
    { name: "train", total: 10, cached: 2 },
  ],
};
const event = (rest: Rest<ProgressEvent>): ProgressEvent => ({ runId, at: 1_000, ...rest }) as ProgressEvent;
const task = "train({ seed: 1 })";
const started = (count = 1, at = 1_000) => event({ type: "task-started", name: "train", count, at });
const done = (at = 1_000) => event({ type: "task-done", name: "train", at });
const retried = event({
  type: "task-retried",
  name: "train",
  task,
  attempt: 2,
  kind: "out-of-memory",
  seen: "300 MB in use",
  why: "the next size",
  delayMs: 1_500,
  lane: "lambda 512 MB",
});
const failed = (kind: "timeout" | "cancelled", ran: boolean) =>
  event({ type: "task-failed", name: "train", task, kind, message: `${task}: ${kind}`, ran });
const log = (text: string, level: "info" | "warn" = "info") => event({ type: "log", name: "train", task, level, text });

describe("the tally of a run", () => {
  const tally = (...events: ProgressEvent[]) => {
    const run = new RunTally(START);
    for (const each of events) run.add(each);
    return run;
  };

  test("counts what was found in the cache as done", () => {
    const run = tally();
    expect([run.sum("total"), run.sum("done"), run.sum("cached"), run.sum("running")]).toEqual([11, 3, 3, 0]);
  });

  test("follows tasks from their start to their end, by type", () => {
    const run = tally(started(4), done(), retried, failed("timeout", true), failed("cancelled", false));
    expect(run.types.get("train")).toEqual({
      name: "train",
      total: 10,
      cached: 2,
      done: 3,
      running: 1,
      failed: 1,
      cancelled: 1,
      retried: 1,
    });
    expect(run.types.get("load")).toMatchObject({ done: 1, running: 0 });
  });

  test("takes back what has to be done again, and takes in what was not needed before", () => {
    const reopened = (name: string, wasDone: boolean) => event({ type: "task-reopened", name, wasDone });
    const run = tally(reopened("load", true), reopened("train", false));
    expect([run.types.get("load")?.done, run.types.get("train")?.total]).toEqual([0, 11]);
  });

  test("takes back what was ended for want of interest and is made again", () => {
    const reopened = (was: "timeout" | "cancelled") =>
      event({ type: "task-reopened", name: "train", wasDone: false, failed: was });
    const run = tally(failed("timeout", false), failed("cancelled", false), reopened("cancelled"));
    expect(run.types.get("train")).toMatchObject({ total: 10, failed: 1, cancelled: 0 });
    run.add(reopened("timeout"));
    expect(run.types.get("train")).toMatchObject({ total: 10, failed: 0, cancelled: 0 });
  });

  test("tells what it has cost, and will cost once each type that is left was measured, now or before", () => {
    const cost = (usd: number, name?: string) => event({ type: "cost", usd, ...(name === undefined ? {} : { name }) });
    const run = tally(cost(0.5));
    expect([run.costUsd, run.expectedUsd(), run.describeCost()]).toEqual([0.5, undefined, ", $0.50"]);
    for (const each of [started(2), cost(0.25, "train"), done()]) run.add(each);
    // Seven more like the one that is done.
    expect(run.describeCost()).toBe(", $0.75 of about $2.50");
    const types = [{ name: "train", total: 10, cached: 2, expectedUsd: 0.8 }];
    expect(new RunTally({ ...START, types }).describeCost()).toBe(", $0 of about $0.80");
    expect(tally(done()).describeCost()).toBe("");
  });

  test("tells how long it will take once enough is done to tell, and not when all is", () => {
    const run = tally(started(8));
    expect(run.remainingMs(1_000)).toBeUndefined();
    run.add(done());
    expect(run.remainingMs(2_000)).toBe(14_000);
    for (let i = 0; i < 7; i++) run.add(done());
    expect(run.remainingMs(9_000)).toBeUndefined();
  });
});

describe("progress as lines", () => {
  const lines = (...events: ProgressEvent[]) => {
    const written: string[] = [];
    const tell = lineProgress((line) => written.push(line));
    for (const each of events) tell(each);
    return written;
  };

  test("says what there is to do, what goes wrong, and how it ended", () => {
    const end = event({ type: "run-ended", at: 12_000 });
    const ok = Array.from({ length: 6 }, () => done());
    expect(
      lines(START, started(8), log("epoch 1"), log("slow", "warn"), retried, failed("timeout", true), ...ok, end),
    ).toEqual([
      "run r1 on local: 1 load (1 cached), 10 train (2 cached)",
      "train({ seed: 1 }) epoch 1",
      "train({ seed: 1 }) warn: slow",
      "retry train({ seed: 1 }), attempt 2: out-of-memory: 300 MB in use; the next size, in 1.5 s on lambda 512 MB",
      "failed train({ seed: 1 }): timeout",
      "run r1: 1/1 load, 1 cached; 8/10 train, 2 cached, 1 retried, 1 failed (12 s, about 2.0 s left)",
    ]);
  });

  test("says why there is a second attempt, which counts no task twice", () => {
    const second = event({ type: "second-attempt", name: "train", task, attempt: 2, why: "it hangs", lane: "local" });
    const end = event({ type: "run-ended", at: 12_000 });
    const [, why, last] = lines(START, started(1), second, ...Array.from({ length: 8 }, () => done()), end);
    expect(why).toBe("train({ seed: 1 }): it hangs, on local");
    expect(last).toBe("run r1: 1/1 load, 1 cached; 10/10 train, 2 cached (12 s)");
  });

  test("says of a long run what runs longest and what that uses", async () => {
    const written: string[] = [];
    const tell = lineProgress((line) => written.push(line));
    const attempt = { name: "train", task, attempt: 2, lane: "local", executor: "3f9ac1-0", since: 1_000 };
    const usage = { cpuPercent: 98, memoryMb: 412, peakMemoryMb: 515 };
    tell(START);
    tell(event({ type: "running", attempts: [{ ...attempt, ...usage }, attempt], at: 35_000 }));
    await null;
    expect(written.slice(2)).toEqual([
      "  train({ seed: 1 }), attempt 2 on local …9ac1-0: 34 s, CPU 98 %, 412 MB (peak 515 MB)",
      "  train({ seed: 1 }), attempt 2 on local …9ac1-0: 34 s",
    ]);
  });

  test("counts those that never ran instead of naming each", () => {
    const end = event({ type: "run-ended", at: 1_000 });
    const [, last] = lines(
      { ...START, types: [{ name: "train", total: 2, cached: 0 }] },
      failed("cancelled", false),
      failed("cancelled", false),
      end,
    );
    expect(last).toBe("run r1: 0/2 train, 2 not run (1.0 s)");
  });

  test("says how far a long run is, every ten seconds at most", async () => {
    const written: string[] = [];
    const tell = lineProgress((line) => written.push(line));
    for (const each of [START, started(8), done(9_000), done(11_000), started(2, 11_000), done(12_000), done(22_000)]) {
      tell(each);
      await null;
    }
    expect(written.slice(1)).toEqual([
      expect.stringMatching(
        /^run r1: 1\/1 load, 1 cached; 4\/10 train, 2 cached, \d running \(11 s, about 33 s left\)$/,
      ),
      expect.stringMatching(/^run r1: .* 6\/10 train, .* \(22 s, about 22 s left\)$/),
    ]);
  });

  test("keeps runs apart, and tells of a run of nothing", () => {
    const other: Started = { ...START, runId: "r2", types: [] };
    const written = lines(START, other, { type: "run-ended", runId: "r2", at: 0 }, event({ type: "run-ended" }));
    expect(written[1]).toBe("run r2 on local: nothing to do");
    expect(written.at(-1)).toMatch(/^run r1: /);
  });

  test("shows text of tasks that a terminal would obey as what it is", () => {
    expect(lines(START, log("\u001b[2Jgone\rover\u0007"))[1]).toBe("train({ seed: 1 }) \\x1b[2Jgone\\x0dover\\x07");
    expect(harmless("tab\tline\nend \u009b1m é 語")).toBe("tab\tline\nend \\x9b1m é 語");
  });
});

describe("progress as bars", () => {
  test("stands at the bottom of the terminal, log lines above it, and stays when the run is over", async () => {
    const terminal = new Terminal({ cols: 100, rows: 20, allowProposedApi: true, convertEol: true });
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 20 });
    stream.on("data", (piece: Buffer) => terminal.write(piece));
    const screen = async () => {
      await new Promise<void>((resolve) => terminal.write("", resolve));
      const rows = Array.from(
        { length: 20 },
        (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? "",
      );
      return rows.filter(Boolean);
    };

    const tell = barProgress(stream as never);
    for (const each of [START, started(3), log("epoch 1"), done(), log("epoch 2")]) tell(each);
    while ((await screen()).length < 5) await sleep(10);
    expect(await screen()).toEqual([
      "train({ seed: 1 }) epoch 1",
      "train({ seed: 1 }) epoch 2",
      expect.stringMatching(/^run r1 on local {2}/),
      expect.stringMatching(/^ {2}load {3}█{24} {2}1\/1 {2}1 cached$/),
      expect.stringMatching(/^ {2}train {2}█{7}░{17} {3}3\/10 {2}2 running {2}2 cached$/),
    ]);

    tell(event({ type: "run-ended", at: 61_000 }));
    const over = await screen();
    expect(over.length).toBe(5);
    expect(over[2]).toBe("run r1 on local  1 min 1 s");
  });
});

test("bars keep to the terminal, with a hundred task types and long params", async () => {
  const written: string[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 60, rows: 12 });
  stream.on("data", (piece: Buffer) => written.push(stripVTControlCharacters(String(piece))));
  const tell = barProgress(stream as never);
  const types = Array.from({ length: 100 }, (_, i) => ({ name: `type${i}`, total: 1_000, cached: 0 }));
  tell({ ...START, types });
  tell(event({ type: "task-started", name: "type77", count: 3 }));
  const attempt = { name: "type77", task: `type77(${"x".repeat(200)})`, attempt: 1, lane: "local", since: 0 };
  tell(event({ type: "running", attempts: Array(20).fill(attempt) }));
  while (!written.some((text) => text.includes("type77"))) await sleep(10);
  const rows = (written.find((text) => text.includes("type77")) ?? "").trimEnd().split("\n");
  expect(rows.length).toBeLessThan(12);
  expect(rows.some((row) => /and 93 more task types/.test(row))).toBe(true);
  expect(rows.every((row) => row.length <= 60)).toBe(true);
  tell(event({ type: "run-ended" }));
});

test("durations are said as one says them", () => {
  const said = [0, 440, 9_940, 9_999, 59_499, 59_999, 200_000, 3_599_999, 7_500_000].map(duration);
  expect(said).toEqual([
    "0.0 s",
    "0.4 s",
    "9.9 s",
    "10 s",
    "59 s",
    "1 min 0 s",
    "3 min 20 s",
    "1 h 0 min",
    "2 h 5 min",
  ]);
});
