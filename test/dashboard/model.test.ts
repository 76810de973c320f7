import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { filterTasks, NO_FILTER } from "../../dashboard/model/filter.ts";
import { graphOf, MAX_EXPANDED, MAX_SINGLE_TASKS } from "../../dashboard/model/graph.ts";
import { newRunModel, type RunModel, takeIn } from "../../dashboard/model/run-model.ts";
import { sortTasks, tookMs, waitedMs } from "../../dashboard/model/sort.ts";
import { taskTypes } from "../../dashboard/model/task-types.ts";
import { activityOf, barAt, timelineOf } from "../../dashboard/model/timeline.ts";
import type { ToldEvent } from "../../dashboard/model/told-run.ts";
import { measuredOf } from "../../dashboard/model/usage.ts";
import { dispatched, done, driven, failed, modelAfter, retried, toldTasks } from "./told.ts";

/** Two tasks, and one that needs both. */
const THREE = toldTasks([["load"], ["load"], ["sum", 0, 1]]);
const statuses = ({ tasks }: RunModel) => tasks.map(({ status }) => status);
const ended = (at: number): ToldEvent => ({ type: "ended", at });

describe("a run's model", () => {
  test.each<[what: string, events: ToldEvent[], expected: string[]]>([
    ["before anything is told", [], ["pending", "pending", "pending"]],
    ["begins with what is cached", [driven(3, 0, [0])], ["cached", "pending", "pending"]],
    ["runs what is dispatched", [driven(3), dispatched(1, 0)], ["running", "pending", "pending"]],
    ["has results", [driven(3), dispatched(1, 0), done(5, 0, 2)], ["done", "pending", "pending"]],
    ["has results of another run", [driven(3), { type: "done", at: 3, task: 1 }], ["pending", "done", "pending"]],
    ["waits for the next attempt", [driven(3), dispatched(1, 0), retried(3, 0, 1)], ["pending", "pending", "pending"]],
    [
      "fails, and blocks",
      [driven(3), dispatched(1, 0), failed(4, 0), failed(4, 2, 0)],
      ["failed", "pending", "cancelled"],
    ],
    [
      "runs again what was lost",
      [driven(3), dispatched(1, 0), done(2, 0, 1), { type: "reopened", at: 3, task: 0, wasDone: true }],
      ["pending", "pending", "pending"],
    ],
    [
      "is taken over: what is stored is done, the rest is not running any more",
      [driven(3), dispatched(1, 0), dispatched(1, 1), driven(3, 9, [0], 2)],
      ["done", "pending", "pending"],
    ],
  ])("%s", (_, events, expected) => {
    expect(statuses(modelAfter(THREE, ...events))).toEqual(expected);
  });

  test("knows of each attempt how long it waited and took, and what became of it", () => {
    const events = [driven(3), dispatched(10, 0), retried(50, 0, 20), dispatched(170, 0, 2), done(200, 0, 180, 2, 0.5)];
    const [task] = modelAfter(THREE, ...events).tasks;
    expect(task.attempts.map(({ attempt, kind }) => [attempt, kind])).toEqual([
      [1, "user-error"],
      [2, "ok"],
    ]);
    expect(task.attempts.map(tookMs)).toEqual([30, 20]);
    // The second was ready when the pause was over.
    expect(task.attempts.map(waitedMs)).toEqual([20, 30]);
    expect(task.attempts.map(({ costUsd }) => costUsd)).toEqual([undefined, 0.5]);
  });

  test("a task is ready when the last of its dependencies is done", () => {
    const events = [driven(3), dispatched(1, 0), dispatched(1, 1), done(30, 0, 2), done(60, 1, 2), dispatched(65, 2)];
    expect(modelAfter(THREE, ...events).tasks[2].attempts[0].readyAt).toBe(60);
  });

  test("an attempt that a new driver takes over is one attempt", () => {
    const events = [driven(3), dispatched(1, 0), driven(3, 9, [], 2), dispatched(10, 0), done(20, 0, 2)];
    expect(modelAfter(THREE, ...events).tasks[0].attempts).toMatchObject([{ attempt: 1, kind: "ok", dispatchedAt: 1 }]);
  });

  test("nothing stays open when the run has ended", () => {
    const [task] = modelAfter(THREE, driven(3), dispatched(1, 0), ended(7)).tasks;
    expect(task.attempts).toMatchObject([{ kind: "unknown", endedAt: 7 }]);
  });

  test("keeps log lines with their task, and notices with the run", () => {
    const line = { type: "log", at: 2, task: 1, attempt: 1, level: "info", text: "hello" } as const;
    const model = modelAfter(THREE, driven(3), line, { type: "notice", at: 3, text: "slow" });
    expect([model.tasks[1].log, model.notices]).toMatchObject([[{ text: "hello" }], [{ text: "slow" }]]);
  });

  test("is the same however the events come in portions", () => {
    const events = [
      driven(3, 0, [1]),
      dispatched(1, 0),
      retried(3, 0, 1),
      dispatched(110, 0, 2),
      done(120, 0, 112, 2),
      dispatched(121, 2),
      failed(140, 2),
      ended(141),
    ];
    const whole = modelAfter(THREE, ...events);
    fc.assert(
      fc.property(fc.array(fc.nat(events.length), { maxLength: 4 }), (cuts) => {
        const model = newRunModel(THREE);
        const places = [0, ...cuts.sort((a, b) => a - b), events.length];
        for (let i = 1; i < places.length; i++) takeIn(model, events.slice(places[i - 1], places[i]));
        expect({ ...model, version: 0 }).toEqual({ ...whole, version: 0 });
      }),
    );
  });
});

describe("types of tasks", () => {
  test("count, and sum what attempts took and cost", () => {
    const model = modelAfter(
      THREE,
      driven(3),
      dispatched(0, 0),
      done(10, 0, 0, 1, 0.25),
      dispatched(0, 1),
      retried(5, 1, 0),
    );
    const [load, sum] = taskTypes(model);
    expect(load).toMatchObject({ name: "load", total: 2, medianMs: 10, busyMs: 15, costUsd: 0.25, peakMemoryMb: 30 });
    expect(load.counts).toMatchObject({ done: 1, pending: 1 });
    expect(sum).toMatchObject({ total: 1, retries: 0, medianMs: undefined, costUsd: undefined });
  });
});

describe("the filter", () => {
  const model = modelAfter(THREE, driven(3), dispatched(0, 0), retried(5, 0, 0), dispatched(110, 0, 2), failed(120, 1));
  test.each([
    [{}, [0, 1, 2]],
    [{ text: "LOAD i:" }, [0, 1]],
    [{ text: "user-error" }, [1]],
    [{ statuses: new Set(["running", "failed"] as const) }, [0, 1]],
    [{ type: "sum" }, [2]],
    [{ retriedOnly: true }, [0]],
    [{ type: "sum", text: "load" }, []],
  ])("%j", (filter, expected) => {
    expect(filterTasks(model, { ...NO_FILTER, ...filter }).map(({ position }) => position)).toEqual(expected);
  });

  test("sorts, with what is equal in the order of the run", () => {
    const sorted = (by: "status" | "attempts" | "order", isDescending: boolean) =>
      sortTasks(model.tasks, { by, isDescending }).map(({ position }) => position);
    expect(sorted("attempts", true)).toEqual([0, 1, 2]);
    expect(sorted("attempts", false)).toEqual([2, 1, 0]);
    expect(sorted("status", false)).toEqual([1, 0, 2]);
    expect(sorted("order", true)).toEqual([2, 1, 0]);
  });
});

describe("the timeline", () => {
  test("has a line for each executor, more where attempts overlap, and few for invocations", () => {
    const model = modelAfter(
      toldTasks(Array.from({ length: 6 }, () => ["t"] as const)),
      driven(6),
      dispatched(0, 0, 1, "a"),
      dispatched(0, 1, 1, "a"),
      dispatched(0, 2, 1, "request-1", "lambda 1769 MB"),
      done(10, 2, 0),
      dispatched(20, 3, 1, "request-2", "lambda 1769 MB"),
    );
    // What is told at the end names the executor again.
    Object.assign(model.tasks[2].attempts[0], { lane: "lambda 1769 MB", executor: "request-1" });
    const { rows, to, attempts } = timelineOf(model, 50);
    expect(rows.map(({ lane, executor, isFirst }) => [lane, executor, isFirst])).toEqual([
      ["lambda 1769 MB", "", true],
      ["local", "a", true],
      ["local", "a", false],
    ]);
    expect([to, attempts, rows[0].bars.length]).toEqual([50, 4, 2]);
    expect(barAt(rows[0], 5, 0)?.task.position).toBe(2);
    expect(barAt(rows[0], 15, 2)).toBeUndefined();
    expect(barAt(rows[0], 18, 3)?.task.position).toBe(3);
  });

  test("counts at no moment less than nothing, and all of it once", () => {
    const span = fc.tuple(fc.nat(1_000), fc.nat(300), fc.nat(300));
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 30 }), (spans) => {
        const tasks = toldTasks(spans.map(() => ["t"] as const));
        const events = spans.flatMap(([at, wait, run], task) => [
          dispatched(at, task, 1, `e${task}`),
          done(at + wait + run, task, at + wait),
        ]);
        const { working, waiting } = activityOf(timelineOf(modelAfter(tasks, driven(spans.length), ...events), 0), 50);
        expect(Math.min(...working, ...waiting)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...working, ...waiting)).toBeLessThanOrEqual(spans.length);
      }),
    );
  });
});

describe("the graph", () => {
  test("shows few tasks one by one", () => {
    const { nodes, edges, isAggregated } = graphOf(modelAfter(THREE, driven(3)), new Set());
    expect([nodes.length, isAggregated]).toEqual([3, false]);
    expect(edges).toEqual([
      { from: "task 0", to: "task 2", count: 1 },
      { from: "task 1", to: "task 2", count: 1 },
    ]);
  });

  test("shows many by type, and of an expanded type those that tell most", () => {
    const many = MAX_SINGLE_TASKS + 5;
    const tasks = toldTasks([
      ...Array.from({ length: many }, () => ["work"] as const),
      ["sum", ...Array.from({ length: many }, (_, i) => i)],
      ["sum", many],
    ]);
    const model = modelAfter(tasks, driven(many + 2), dispatched(0, many - 1), failed(5, many - 1));
    const folded = graphOf(model, new Set());
    expect(folded.nodes.map(({ id, total, isRecursive }) => [id, total, isRecursive])).toEqual([
      ["type work", many, false],
      ["type sum", 2, true],
    ]);
    expect(folded.edges).toEqual([{ from: "type work", to: "type sum", count: many }]);
    const { nodes } = graphOf(model, new Set(["work"]));
    expect(nodes.length).toBe(MAX_EXPANDED + 2);
    expect(nodes.some(({ id }) => id === `task ${many - 1}`)).toBe(true);
  });
});

test("of many measured attempts a chart gets some, and all of the task that is looked at", () => {
  const tasks = toldTasks(Array.from({ length: 100 }, () => ["t"] as const));
  const events = tasks.kind.flatMap((_, task) => [dispatched(task, task), done(task + 5, task, task)]);
  const measured = measuredOf(modelAfter(tasks, driven(100), ...events), "t", 33, 10);
  expect(measured.length).toBeLessThanOrEqual(12);
  expect(measured.filter(({ isOwn }) => isOwn)).toMatchObject([{ startedAt: 33, runMs: 5 }]);
});
