import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MessageWriter } from "../../runtime/message-writer.ts";
import { type FromExecutor, MessageReader } from "../../sdk/wire/channel.ts";

let folder: string;
let file: string;
let fd: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-messages-"));
  file = join(folder, "outcomes");
  fd = openSync(file, "a");
});

afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

const outcome = (task: number): FromExecutor => ({
  type: "outcome",
  assignment: "1",
  task,
  attempt: 1,
  outcome: { kind: "user-error", seen: "it threw" },
});
const told = () =>
  new MessageReader<FromExecutor>().push(readFileSync(file)).map((message) => ("task" in message ? message.task : -1));
const endOfTurn = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** System calls by which this thread has written something so far. */
const writes = () => Number(/^syscw: (\d+)/m.exec(readFileSync("/proc/thread-self/io", "latin1"))?.[1]);

describe("what an executor tells its supervisor", () => {
  test("is gathered for a turn of the event loop", async () => {
    const writer = new MessageWriter(fd);
    for (const task of [1, 2, 3]) writer.gather(outcome(task));
    expect(told()).toEqual([]);
    await endOfTurn();
    expect(told()).toEqual([1, 2, 3]);
  });

  test("is told at once where that is asked for, and what was gathered before it", async () => {
    const writer = new MessageWriter(fd);
    writer.gather(outcome(1));
    writer.write(outcome(2));
    expect(told()).toEqual([1, 2]);
    writer.gather(outcome(3));
    writer.flush();
    expect(told()).toEqual([1, 2, 3]);
    await endOfTurn();
    expect(told()).toEqual([1, 2, 3]);
  });

  test.runIf(process.platform === "linux")("costs one system call for a hundred outcomes of one turn", async () => {
    const writer = new MessageWriter(fd);
    const before = writes();
    for (let task = 0; task < 100; task++) writer.gather(outcome(task));
    await endOfTurn();
    expect(writes() - before).toBe(1);
    expect(told()).toHaveLength(100);
  });
});
