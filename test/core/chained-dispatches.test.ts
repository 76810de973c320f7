import { describe, expect, test } from "vitest";
import type { Lane } from "../../sdk/core/offer.ts";
import { MACHINE, placementOf } from "./offers.ts";
import { only, Stage } from "./stage.ts";

const ONE = [{ ...MACHINE, slots: 1 }];
const [lane] = placementOf({}, ONE).ladder as [Lane];

/** Tasks that each need the one before it, on a machine with one executor. */
function chainOf(length: number, { policies = {}, durationMs = 1 as number | null } = {}) {
  const stage = new Stage(ONE);
  const run = stage.run();
  if (durationMs !== null) stage.scheduler.learnDuration("task", durationMs);
  const tasks: number[] = [];
  for (let n = 0; n < length; n++) {
    const policy = (policies as Record<number, object>)[n] ?? {};
    tasks.push(stage.task(run, { after: tasks.slice(-1), policy }));
  }
  stage.open(run);
  return { stage, run, tasks, dispatched: only(stage.ready("e1", lane), "dispatch") };
}

describe("a chain of short tasks", () => {
  test("goes out at once, each with its first attempt", () => {
    const { stage, tasks, dispatched } = chainOf(4);
    expect(dispatched).toMatchObject([{ tasks, attempts: [1, 1, 1, 1] }]);
    const told = tasks.flatMap((task) => stage.ok(dispatched[0].assignment, task, 1));
    expect(told.map(({ type }) => type)).toEqual([...tasks.map(() => "settled"), "run-ended"]);
  });

  test("goes one by one as long as nobody knows how long its tasks take", () => {
    expect(chainOf(4, { durationMs: null }).dispatched).toMatchObject([{ tasks: [0] }]);
  });

  test("leaves out what must not be begun twice, and what waits for that", () => {
    expect(chainOf(4, { policies: { 2: { maxRetries: 0 } } }).dispatched).toMatchObject([{ tasks: [0, 1] }]);
    expect(chainOf(4, { policies: { 0: { maxRetries: 0 } } }).dispatched).toMatchObject([{ tasks: [0] }]);
  });

  test("goes on behind one that failed and is tried again, at no expense of the others", () => {
    const { stage, dispatched } = chainOf(4, { policies: { 1: { maxRetries: 1, retryOn: true } } });
    const { assignment } = dispatched[0];
    stage.ok(assignment, 0, 1);
    const failed = stage.fails(assignment, 1, { kind: "user-error", retryable: true });
    expect(only(failed, "retry")).toMatchObject([{ task: 1, attempt: 1 }]);
    for (const task of [2, 3]) expect(stage.step({ type: "passed-over", assignment, task })).toEqual([]);
    expect(only(stage.wake(), "dispatch")).toMatchObject([{ tasks: [1, 2, 3], attempts: [2, 1, 1] }]);
  });

  test("fails behind one that failed for good, as blocked by it", () => {
    const { stage, dispatched } = chainOf(3);
    const { assignment } = dispatched[0];
    stage.fails(assignment, 0, { kind: "user-error" });
    const told = [1, 2].flatMap((task) => stage.step({ type: "passed-over", assignment, task }));
    expect(only(told, "settled")).toMatchObject([
      { task: 1, kind: "cancelled", blockedBy: 0 },
      { task: 2, kind: "cancelled", blockedBy: 0 },
    ]);
    expect(only(told, "run-ended")).toHaveLength(1);
  });

  test("is charged to the one that was being executed when its executor died", () => {
    const { stage, dispatched } = chainOf(4);
    stage.ok(dispatched[0].assignment, 0, 1);
    const told = stage.gone("e1", { kind: "executor-lost", culprit: 1 });
    expect(only(told, "retry")).toMatchObject([{ task: 1 }]);
    stage.wake();
    expect(only(stage.ready("e2", lane), "dispatch")).toMatchObject([{ tasks: [1, 2, 3], attempts: [2, 1, 1] }]);
  });

  test("is not charged to what still waited for its input, though it was the last one open", () => {
    const { stage, dispatched } = chainOf(2, { policies: { 0: { retryOn: true } } });
    stage.fails(dispatched[0].assignment, 0, { kind: "user-error", retryable: true });
    expect(only(stage.gone("e1", { kind: "executor-lost" }), "retry")).toEqual([]);
  });

  test("is told that it is throttled once, not for each", () => {
    const { stage, dispatched } = chainOf(4);
    const told = stage.breaks(dispatched[0].assignment, { kind: "throttled" });
    expect(only(told, "retry")).toMatchObject([{ task: 0 }]);
  });

  test("believes what is told late of an attempt that was passed over", () => {
    const { stage, dispatched } = chainOf(2);
    const { assignment } = dispatched[0];
    stage.step({ type: "passed-over", assignment, task: 1 });
    expect(stage.step({ type: "passed-over", assignment, task: 1 })).toEqual([]);
    expect(only(stage.ok(assignment, 1, 1), "settled")).toMatchObject([{ task: 1, kind: "ok" }]);
  });
});

test("a tree goes out in subtrees, and no leaf of them twice", () => {
  const stage = new Stage([{ ...MACHINE, slots: 4 }]);
  const run = stage.run();
  stage.scheduler.learnDuration("task", 0.5);
  let level = stage.tasks(run, 32);
  const all = [...level];
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, at) =>
      stage.task(run, { after: level.slice(2 * at, 2 * at + 2) }),
    );
    all.push(...level);
  }
  const told = [...stage.open(run), ...["e1", "e2", "e3", "e4"].flatMap((executor) => stage.ready(executor, lane))];
  const dispatched: number[] = [];
  let dispatches = 0;
  for (let command = told.shift(); command; command = told.shift()) {
    if (command.type !== "dispatch") continue;
    dispatches += 1;
    dispatched.push(...command.tasks);
    for (const task of command.tasks) told.push(...stage.ok(command.assignment, task, 0.5));
  }
  expect(dispatched.sort((a, b) => a - b)).toEqual(all);
  expect(dispatches).toBeLessThan(all.length / 4);
});
