import { expect, test } from "vitest";
import type { Lane } from "../../sdk/core/offer.ts";
import { MACHINE, placementOf } from "./offers.ts";
import { only, Stage } from "./stage.ts";

const ONE = [{ ...MACHINE, slots: 1 }];
const [lane] = placementOf({}, ONE).ladder as [Lane];

test("a task that kills its executor without a mark is told from the one that waited behind it", () => {
  const stage = new Stage(ONE);
  const run = stage.run();
  stage.scheduler.learnDuration("task", 1);
  const [killer, innocent] = stage.tasks(run, 2);
  stage.open(run);
  expect(only(stage.ready("e1", lane), "dispatch")).toMatchObject([{ tasks: [killer] }, { tasks: [innocent] }]);
  expect(only(stage.gone("e1", { kind: "executor-lost" }), "retry")).toEqual([]);
  // From now on each has an executor to itself: the next death has one name.
  expect(only(stage.ready("e2", lane), "dispatch")).toMatchObject([{ tasks: [killer] }]);
  expect(only(stage.gone("e2", { kind: "executor-lost" }), "retry")).toMatchObject([{ task: killer }]);
});

test("an executor's end is its only task's, also while an input of that is being made again", () => {
  const stage = new Stage([{ ...MACHINE, slots: 2 }]);
  const run = stage.run();
  const input = stage.task(run);
  const needy = stage.task(run, { after: [input], policy: { maxRetries: 1 } });
  stage.open(run);
  const lane = stage.scheduler.laneOf(input);
  const [{ assignment }] = only(stage.ready("e1", lane), "dispatch");
  const [{ executor }] = only(stage.ok(assignment, input), "dispatch");
  stage.step({ type: "lost", runs: [run], tasks: [input] });
  expect(only(stage.gone(executor as string, { kind: "executor-lost" }), "retry")).toMatchObject([{ task: needy }]);
});

test("a task that needs more memory does not wait behind one of its kind that needs less", () => {
  const machine = [{ ...MACHINE, slots: 2, memoryMb: 2_500 }];
  const stage = new Stage(machine);
  const run = stage.run();
  stage.scheduler.learnDuration("task", 1);
  stage.scheduler.sizing.recall("task", [[10, 1_000]]);
  const [small, large] = stage.tasks(run, 2, { asked: { memoryMb: 1_000 } });
  stage.scheduler.tasks.paramBytes[large] = 1_000;
  stage.open(run);
  // Both at once would be 3,000 MB: it takes what it needs when the other has given it back, and not before.
  const [first, ...more] = only(stage.ready("e1", lane), "dispatch");
  expect([first.tasks, more]).toEqual([[small], []]);
  expect(only(stage.ok(first.assignment, small, 1), "dispatch")).toMatchObject([
    { tasks: [large], lane: "local 2000 MB" },
  ]);
});

test("starts that fail are nobody's end as long as one executor of the pool is at work", () => {
  const stage = new Stage([{ ...MACHINE, slots: 2 }]);
  const run = stage.run();
  const [working, waiting] = stage.tasks(run, 2);
  stage.open(run);
  const dispatched = stage.ready("e1", lane);
  for (let times = 0; times < 6; times++) {
    expect(only(stage.step({ type: "start-failed", lane, count: 1, kind: "start-failed" }), "settled")).toEqual([]);
    stage.wake();
  }
  const [{ assignment }] = only(dispatched, "dispatch");
  expect(only(stage.ok(assignment, working), "dispatch")).toMatchObject([{ tasks: [waiting], executor: "e1" }]);
});

test("what needs a lost result fails once where that needs something which has failed for good", () => {
  const stage = new Stage([{ ...MACHINE, slots: 2 }]);
  const run = stage.run();
  const root = stage.task(run, { policy: { maxRetries: 0 } });
  const data = stage.task(run, { after: [root], state: "done" });
  const model = stage.task(run, { after: [data] });
  stage.open(run);
  const begun = only([...stage.ready("e1", lane), ...stage.ready("e2", lane)], "dispatch");
  const assignmentOf = (task: number) => begun.find(({ tasks }) => tasks.includes(task))?.assignment as number;
  stage.fails(assignmentOf(root), root, { kind: "user-error" });
  const told = stage.fails(assignmentOf(model), model, { kind: "object-lost", lost: [data] });
  expect(only(told, "settled").map(({ task, kind }) => [task, kind])).toEqual([
    [data, "cancelled"],
    [model, "cancelled"],
  ]);
  expect(only(told, "run-ended")).toHaveLength(1);
});
