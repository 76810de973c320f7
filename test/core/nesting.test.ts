import { describe, expect, test } from "vitest";
import { TaskState } from "../../sdk/core/task-table.ts";
import { only, Stage } from "./stage.ts";

const MACHINE = {
  service: "local",
  name: "local",
  cpus: 8,
  memoryMb: 8_192,
  gpus: 0,
  resources: {},
  slots: 1,
  pooled: true,
} as const;
const LAMBDA = {
  service: "lambda",
  memoriesMb: [1_769],
  timeoutMs: 900_000,
  ephemeralStorageMb: 512,
  concurrency: 1,
} as const;

/** A parent that runs on the only executor there may be. */
function withParent(failFast = false) {
  const stage = new Stage([MACHINE]);
  const run = stage.run(failFast);
  const parent = stage.task(run, { type: "parent" });
  const [{ lane }] = only(stage.open(run), "start-executors").map(() => ({ lane: stage.scheduler.laneOf(parent) }));
  const ready = (executor: string) => stage.ready(executor, lane);
  const [{ assignment }] = only(ready("a"), "dispatch");
  const nested = (count: number, staged = {}) => {
    const child = stage.scheduler.addRun({ failFast: false, parent });
    return { child, children: stage.tasks(child, count, { type: "child", ...staged }) };
  };
  const park = (child: number) => stage.step({ type: "parked", assignment, task: parent, run: child });
  return { stage, run, parent, assignment, ready, nested, park };
}

describe("an attempt that waits for tasks of its own", () => {
  test("leaves its slot to them, and another executor is started in its executor's place", () => {
    const { stage, nested, park, ready } = withParent();
    const { child, children } = nested(1);
    expect(stage.open(child, children)).toEqual([]);
    expect(park(child)).toEqual([{ type: "start-executors", lane: "local", count: 1 }]);
    expect(only(ready("b"), "dispatch")[0]).toMatchObject({ executor: "b", tasks: children, attempts: [1] });
  });

  test("goes on at once; what is too many then leaves", () => {
    const { stage, parent, nested, park, ready, assignment } = withParent();
    const { child, children } = nested(1);
    stage.open(child, children);
    park(child);
    const [dispatched] = only(ready("b"), "dispatch");
    const ended = stage.ok(dispatched.assignment, children[0]);
    expect(only(ended, "run-ended")).toEqual([{ type: "run-ended", run: child }]);
    expect(only(ended, "stop-executor")).toEqual([{ type: "stop-executor", executor: "b" }]);
    expect(only(stage.ok(assignment, parent), "settled")).toHaveLength(1);
    expect(stage.scheduler.capacityInUse("local")).toBe(0);
  });

  test("is charged and made again when its executor dies; what it runs goes on", () => {
    const { stage, parent, nested, park, ready } = withParent();
    const { child, children } = nested(1);
    stage.open(child, children);
    park(child);
    const [dispatched] = only(ready("b"), "dispatch");
    const told = stage.gone("a", { kind: "executor-lost" });
    expect(only(told, "retry")[0]).toMatchObject({ task: parent, kind: "executor-lost" });
    expect(only(told, "kill")).toEqual([]);
    expect(only(stage.ok(dispatched.assignment, children[0]), "run-ended")).toHaveLength(1);
  });

  test("takes what it runs with it when it is cancelled", () => {
    const { stage, run, parent, nested, park, ready } = withParent();
    const { child, children } = nested(2);
    stage.open(child, children);
    park(child);
    ready("b");
    const told = stage.step({ type: "cancel", run, drain: false, tasks: [parent] });
    expect(only(told, "settled").map(({ task, kind }) => [task, kind])).toEqual([
      [parent, "cancelled"],
      [children[0], "cancelled"],
      [children[1], "cancelled"],
    ]);
    expect(only(told, "kill").map(({ tasks }) => tasks)).toEqual([[parent], [children[0]]]);
  });

  test("starts nothing more in a run that drains, and finishes where it does not wait for that", () => {
    const { stage, run, parent, nested, assignment } = withParent();
    const { child, children } = nested(1);
    stage.open(child, children);
    const told = stage.step({ type: "cancel", run, drain: true });
    expect(only(told, "settled").map(({ task }) => task)).toEqual(children);
    const late = nested(1);
    expect(only(stage.open(late.child, late.children), "settled")).toMatchObject([{ kind: "cancelled" }]);
    expect(only(stage.ok(assignment, parent), "settled")).toMatchObject([{ kind: "ok" }]);
  });

  test("gives back the tasks behind it, free of charge", () => {
    const stage = new Stage([MACHINE]);
    stage.scheduler.learnDuration("short", 0.1);
    const run = stage.run();
    const tasks = stage.tasks(run, 8, { type: "short" });
    stage.open(run);
    const [{ assignment, tasks: batch }] = only(stage.ready("a", stage.scheduler.laneOf(tasks[0])), "dispatch");
    expect(batch.length).toBeGreaterThan(1);
    const child = stage.scheduler.addRun({ failFast: false, parent: batch[0] });
    const children = stage.tasks(child, 1, { type: "child" });
    stage.open(child, children);
    const told = stage.step({ type: "parked", assignment, task: batch[0], run: child });
    expect(only(told, "kill")[0]).toMatchObject({ tasks: batch.slice(1), reason: "taken-back" });
    const dispatched = only(stage.ready("b", stage.scheduler.laneOf(tasks[0])), "dispatch");
    // The child comes first, since somebody waits for it.
    expect(dispatched[0].tasks).toEqual(children);
    expect(batch.slice(1).map((task) => stage.scheduler.tasks.attempt[task])).toEqual(batch.slice(1).map(() => 0));
  });

  test("is refused to wait for itself, over whatever it waits for", () => {
    const { stage, parent, nested, park, ready } = withParent();
    const { child, children } = nested(1);
    stage.open(child, children);
    park(child);
    const [dispatched] = only(ready("b"), "dispatch");
    const inner = stage.scheduler.addRun({ failFast: false, parent: children[0] });
    stage.scheduler.shareTask(inner, parent);
    stage.open(inner, []);
    const told = stage.step({ type: "parked", assignment: dispatched.assignment, task: children[0], run: inner });
    expect(told).toEqual([{ type: "circle", task: children[0], run: inner, path: [children[0], parent, children[0]] }]);
  });
});

describe("an attempt on Lambda that waits too long", () => {
  test("is suspended without a charge, and made again when all has ended", () => {
    const stage = new Stage([LAMBDA]);
    const run = stage.run();
    const parent = stage.task(run, { type: "parent", policy: { maxRetries: 1 } });
    const [{ assignment }] = only(stage.open(run), "dispatch");
    const child = stage.scheduler.addRun({ failFast: false, parent });
    const children = stage.tasks(child, 2, { type: "child" });
    stage.open(child, children);
    // The invocation goes on counting, but never takes the last slot from what it waits for.
    const [first] = only(stage.step({ type: "parked", assignment, task: parent, run: child }), "dispatch");
    expect(first.tasks).toEqual([children[0]]);
    stage.step({ type: "suspended", assignment, task: parent });
    expect(stage.scheduler.tasks.state[parent]).toBe(TaskState.Suspended);
    const [second] = only(stage.ok(first.assignment, children[0]), "dispatch");
    expect(second.tasks).toEqual([children[1]]);
    const [resumed] = only(stage.ok(second.assignment, children[1]), "dispatch");
    expect(resumed).toMatchObject({ tasks: [parent], attempts: [2] });
    expect(only(stage.fails(resumed.assignment, parent, { kind: "executor-lost" }), "retry")).toHaveLength(1);
  });

  test("is made again at once when all has ended meanwhile", () => {
    const stage = new Stage([LAMBDA]);
    const run = stage.run();
    const parent = stage.task(run);
    const [{ assignment }] = only(stage.open(run), "dispatch");
    expect(only(stage.step({ type: "suspended", assignment, task: parent }), "dispatch")[0]).toMatchObject({
      tasks: [parent],
      attempts: [2],
    });
  });
});
