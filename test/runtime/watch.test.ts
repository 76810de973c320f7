import { once } from "node:events";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEADLINE_GRACE_MS, judge, notice, WatchBoard, type Watched } from "../../runtime/watch.ts";

const MB = 2 ** 20;
/** Some time, in milliseconds since the epoch. */
const NOW = 1.8e12;
const watched = (changes: Partial<Watched> = {}): Watched => ({
  deadline: 0,
  memoryLimitBytes: 0,
  task: 7,
  attempt: 2,
  ...changes,
});

describe("judging an executor", () => {
  test("lets it be while nothing is wrong, and while it has no limits", () => {
    expect(judge(watched(), 1e15, 1e15, false)).toBeUndefined();
    const limited = watched({ deadline: 1_000, memoryLimitBytes: 100 * MB });
    expect(judge(limited, 1_000, 100 * MB, false)).toBeUndefined();
  });

  test("ends an attempt past its deadline, after a grace for those that heard of it", () => {
    const limited = watched({ deadline: 1_000 });
    expect(judge(limited, 1_000 + DEADLINE_GRACE_MS, 0, false)).toBeUndefined();
    expect(judge(limited, 1_001 + DEADLINE_GRACE_MS, 0, false)).toEqual({
      kind: "timeout",
      task: 7,
      attempt: 2,
      seen: "still running after its timeoutMs",
    });
  });

  test("ends one above its memory, and says how much that was", () => {
    expect(judge(watched({ memoryLimitBytes: 100 * MB }), 0, 131 * MB, false)).toEqual({
      kind: "out-of-memory",
      task: 7,
      attempt: 2,
      seen: "131 MB in use, 100 MB allowed",
    });
  });

  test("calls it memory where both are over: another size helps, more time does not", () => {
    const limited = watched({ deadline: 1, memoryLimitBytes: 100 * MB });
    expect(judge(limited, 1e9, 200 * MB, false)?.kind).toBe("out-of-memory");
  });

  test("ends whatever nobody waits for, at work or not", () => {
    for (const task of [7, -1]) {
      expect(judge(watched({ task }), 0, 0, true)).toMatchObject({
        kind: "orphaned",
        seen: "the lab's process is gone",
      });
    }
  });
});

describe("noticing that memory runs out", () => {
  test("comes before the end, to an attempt that has a limit", () => {
    const limited = watched({ memoryLimitBytes: 100 * MB });
    expect(notice(limited, 84 * MB)).toBeUndefined();
    expect(notice(limited, 85 * MB)).toBe("memory is running out");
    expect(notice(watched(), 1e15)).toBeUndefined();
    expect(notice({ ...limited, task: -1 }, 99 * MB)).toBeUndefined();
  });

  test("always comes before judgement", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 10_000 }), (used, limit) => {
        const limited = watched({ memoryLimitBytes: limit });
        if (judge(limited, 0, used, false)) expect(notice(limited, used)).toBeDefined();
      }),
    );
  });
});

describe("the board that is shared", () => {
  test("is read by whoever has its memory", () => {
    const board = new WatchBoard();
    const elsewhere = new WatchBoard(board.buffer);
    board.begin({ deadline: 5_000, memoryLimitBytes: 64 * MB, task: 3, attempt: 1 }, 0, 10 * MB);
    expect(elsewhere.read()).toEqual({ deadline: 5_000, memoryLimitBytes: 64 * MB, task: 3, attempt: 1 });
    board.end();
    expect(elsewhere.read()).toMatchObject({ deadline: 0, memoryLimitBytes: 0, task: -1 });
  });

  test("keeps the highest memory since the attempt began, and forgets that of the one before", () => {
    const board = new WatchBoard();
    board.begin(watched(), 0, 10);
    for (const bytes of [30, 20]) board.noteMemory(bytes);
    expect(board.peakMemoryBytes).toBe(30);
    board.begin(watched(), 0, 12);
    expect(board.peakMemoryBytes).toBe(12);
  });

  test.each([
    ["nothing runs", {}, 0, 200],
    ["memory is limited", { memoryLimitBytes: MB }, 0, 50],
    ["memory was limited a moment ago", { memoryLimitBytes: MB }, 900, 50],
    ["the user has said how often", { pollMs: 20 }, 0, 20],
    ["the attempt is out of time before that", { deadline: NOW + 100 - DEADLINE_GRACE_MS }, 0, 101],
    ["the attempt is out of time", { deadline: NOW - 10_000 }, 0, 1],
  ])("the next look, when %s", (_, changes, later, ms) => {
    const board = new WatchBoard();
    const attempt = watched(changes);
    board.begin(attempt, NOW, 0);
    if (later > 0) board.end();
    expect(board.restMs(NOW + later)).toBe(ms);
  });

  test("memory that is limited ends a long rest at once", async () => {
    const board = new WatchBoard();
    const watcher = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       const rest = new Int32Array(workerData, 56, 1);
       Atomics.store(rest, 0, 1);
       parentPort.postMessage("resting");
       parentPort.postMessage(Atomics.wait(rest, 0, 1, 60_000));`,
      { eval: true, workerData: board.buffer },
    );
    const told: string[] = [];
    watcher.on("message", (word: string) => {
      told.push(word);
      if (word === "resting") board.begin(watched({ memoryLimitBytes: MB }), NOW, 0);
    });
    await once(watcher, "exit");
    expect(told[1]).toMatch(/^(ok|not-equal)$/);
  });
});
