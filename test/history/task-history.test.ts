import { describe, expect, test } from "vitest";
import { summarise } from "../../sdk/history/summary.ts";
import { taskHistories } from "../../sdk/history/task-history.ts";
import { timeSpent } from "../../sdk/history/time-spent.ts";
import type { ChronicleEvent } from "../../sdk/wire/chronicle.ts";
import { blocked, dispatched, done, driven, failed, planOf, retried, usage } from "./told.ts";

const chain = planOf(["a"], ["b", [0]], ["c", [1]]);

describe("the history of a task", () => {
  test("says when it could begin, what each attempt came to, and where the time went", () => {
    const [a, b, c] = taskHistories(chain, [
      driven(1_000, { wanted: [0, 1, 2], cached: [0] }),
      dispatched(1_100, 1),
      retried(1_300, 1, 1_150, 50),
      dispatched(1_400, 1, 2),
      done(1_530, 1, usage(1_420, 1_520), { attempt: 2 }),
      dispatched(1_600, 2),
    ]);
    expect([a.status, b.status, c.status]).toEqual(["cached", "done", "running"]);
    expect(b.attempts).toMatchObject([
      { attempt: 1, kind: "executor-lost", readyAt: 1_000, dispatchedAt: 1_100, why: "this machine", decided: "again" },
      { attempt: 2, kind: "ok", readyAt: 1_350, pauseMs: 50, dispatchedAt: 1_400, startedAt: 1_420, endedAt: 1_520 },
    ]);
    expect(timeSpent(b.attempts)).toEqual({
      queueMs: 100,
      failedMs: 200,
      betweenMs: 100,
      startMs: 20,
      loadMs: 1,
      runMs: 97,
      storeMs: 2,
    });
    // It waited for its input, not for an executor.
    expect(c.attempts[0]).toMatchObject({ readyAt: 1_530, dispatchedAt: 1_600 });
    expect(c.attempts[0].kind).toBeUndefined();
  });

  test("has two attempts at once, where there was a second one beside the first", () => {
    const why = "second attempt because the first has taken 3 s";
    const beside: ChronicleEvent = { ...dispatched(4_000, 0, 2, "f"), why, beside: true } as ChronicleEvent;
    const outrun = { attempt: 1, kind: "cancelled", lane: "local", executor: "e", startedAt: 1_010, endedAt: 4_600 };
    const ended = { type: "beside-ended", at: 4_600, task: 0, last: { ...outrun, seen: "at work", decided: "ended" } };
    const events: ChronicleEvent[] = [driven(1_000, { wanted: [0] }), dispatched(1_010, 0), beside];
    expect(taskHistories(planOf(["a"]), events)[0].attempts.map(({ kind }) => kind)).toEqual([undefined, undefined]);
    events.push(ended as ChronicleEvent, done(4_601, 0, usage(4_100, 4_600), { attempt: 2, executor: "f" }));
    const [a] = taskHistories(planOf(["a"]), events);
    expect(a).toMatchObject({
      status: "done",
      attempts: [
        { attempt: 1, kind: "cancelled", endedAt: 4_600 },
        { attempt: 2, kind: "ok", why, readyAt: 4_000, dispatchedAt: 4_000, executor: "f" },
      ],
    });
    // It did not wait for an executor all the while that the first one ran.
    expect(timeSpent(a.attempts).betweenMs).toBe(0);
  });

  test("tells what failed from what was blocked, and what nothing needed", () => {
    const plan = planOf(["a"], ["b"], ["c", [0, 1]]);
    const events = [driven(0, { wanted: [1, 2] }), dispatched(1, 1), failed(5, 1, 2), blocked(5, 2, 1)];
    const [a, b, c] = taskHistories(plan, events);
    expect([a.status, b.status, c.status]).toEqual(["not-needed", "failed", "cancelled"]);
    expect(c.failure?.blockedBy).toBe(1);
    expect(c.attempts).toEqual([]);
  });

  test("goes on with the next driver: attempts that it takes over are the same, others are new", () => {
    const plan = planOf(["a"], ["b"], ["c"]);
    const events: ChronicleEvent[] = [
      driven(0, { wanted: [0, 1, 2] }),
      dispatched(1, 0, 1, "x"),
      dispatched(1, 1, 1, "y"),
      dispatched(1, 2, 1, "z"),
      done(8, 2, usage(2, 7)),
      driven(20, { wanted: [0, 1, 2], cached: [2], epoch: 2 }),
      dispatched(21, 0, 1, "x"),
      dispatched(22, 1, 1, "w"),
      done(30, 0, usage(2, 29), { executor: "x" }),
      done(31, 1, usage(23, 30), { executor: "w" }),
    ];
    const [a, b, c] = taskHistories(plan, events);
    expect(a.attempts).toMatchObject([{ dispatchedAt: 1, executor: "x", kind: "ok" }]);
    expect(b.attempts).toMatchObject([
      { executor: "y", kind: "unknown" },
      { executor: "w", kind: "ok", readyAt: 20 },
    ]);
    expect([c.status, c.attempts.length, c.settledAt]).toEqual(["done", 1, 8]);
  });

  test("keeps an attempt for which no executor was found", () => {
    const [a] = taskHistories(planOf(["a"]), [driven(0, { wanted: [0] }), retried(9, 0, 9, 5), dispatched(20, 0, 2)]);
    expect(a.attempts).toMatchObject([
      { attempt: 1, kind: "executor-lost" },
      { attempt: 2, readyAt: 14 },
    ]);
    expect(a.attempts[0].dispatchedAt).toBeUndefined();
  });

  test("of a result that was lost begins again", () => {
    const events: ChronicleEvent[] = [
      driven(0, { wanted: [0], cached: [0] }),
      { type: "reopened", at: 5, task: 0, wasDone: true },
      dispatched(6, 0),
      done(9, 0, usage(6, 8)),
    ];
    expect(taskHistories(planOf(["a"]), events)).toMatchObject([{ status: "done", wasReopened: true }]);
  });

  test("that was ended for want of interest begins again, and nothing was lost", () => {
    const reopened = { type: "reopened", at: 5, task: 0, wasDone: false, failed: "cancelled" } as const;
    const events: ChronicleEvent[] = [driven(0, { wanted: [0] }), reopened, dispatched(6, 0), done(9, 0, usage(6, 8))];
    expect(taskHistories(planOf(["a"]), events)).toMatchObject([{ status: "done", wasReopened: false }]);
  });
});

describe("the summary of a run", () => {
  const run = { id: "r", startedAt: 0, endedAt: 300 } as never;

  test("sums up by type, and finds the slowest tasks and the critical path", () => {
    const plan = planOf(["load"], ["train", [0]], ["train", [0]], ["best", [1, 2]]);
    const events = [
      driven(0, { wanted: [0, 1, 2, 3] }),
      dispatched(10, 0),
      done(60, 0, usage(10, 60)),
      dispatched(60, 1),
      dispatched(60, 2),
      retried(100, 1, 60, 0),
      dispatched(100, 1, 2),
      done(160, 1, usage(100, 160), { attempt: 2, lane: "lambda 1 MB", costUsd: 0.5 }),
      done(90, 2, usage(60, 90)),
      dispatched(160, 3),
      done(165, 3, usage(160, 165)),
    ];
    const { types, slowest, criticalPath, elapsedMs } = summarise({ run, plan, events, manifest: {} as never });
    expect(elapsedMs).toBe(300);
    expect(types.map(({ name }) => name)).toEqual(["load", "train", "best"]);
    expect(types[1]).toEqual({
      name: "train",
      total: 2,
      done: 2,
      cached: 0,
      failed: 0,
      cancelled: 0,
      running: 0,
      pending: 0,
      retried: 1,
      attempts: 3,
      duration: { totalMs: 130, medianMs: 40, p95Ms: 60 },
      queue: { totalMs: 0, medianMs: 0, p95Ms: 0 },
      peakMemoryMb: 40,
      bytesIn: 20,
      bytesOut: 40,
      cpuMs: 2,
      spent: { queueMs: 0, startMs: 0, loadMs: 2, runMs: 84, storeMs: 4, failedMs: 40, betweenMs: 0 },
      executors: 1,
      lanes: { local: 2, "lambda 1 MB": 1 },
      costUsd: 0.5,
    });
    expect(types[0].queue.medianMs).toBe(10);
    expect(types[0]).not.toHaveProperty("costUsd");
    expect(slowest.map(({ position, durationMs, attempts }) => [position, durationMs, attempts])).toEqual([
      [1, 100, 2],
      [0, 50, 1],
      [2, 30, 1],
      [3, 5, 1],
    ]);
    expect(criticalPath.durationMs).toBe(155);
    expect(criticalPath.tasks.map(({ task }) => task)).toEqual([
      "load({ id: 0 })",
      "train({ id: 1 })",
      "best({ id: 3 })",
    ]);
  });

  test("of a run in which nothing happened is empty", () => {
    const events = [driven(0, { wanted: [0], cached: [0] })];
    const { types, slowest, criticalPath } = summarise({ run, plan: planOf(["a"]), events, manifest: {} as never });
    expect(types).toMatchObject([{ cached: 1, attempts: 0, duration: { medianMs: 0 }, lanes: {} }]);
    expect([slowest, criticalPath]).toEqual([[], { durationMs: 0, tasks: [] }]);
  });
});
