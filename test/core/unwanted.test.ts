import { expect, test } from "vitest";
import { LAMBDA_OFFER } from "./offers.ts";
import { only, Stage, type Told } from "./stage.ts";

const ended = (run: number) => ({ type: "run-ended", run });

/** The assignment that a task was dispatched with. */
const assignmentOf = (told: readonly Told[], task: number): number =>
  only(told, "dispatch").find(({ tasks }) => tasks.includes(task))?.assignment ?? -1;

/**
 * A run with a task that has put something, from an input. Its result was there and is lost, and the run is cancelled
 * while it is made again. A task of another run has a handle on what it has put.
 */
function cancelledProducer(options: { readonly maxCostUsd?: number; readonly maxRetries?: number } = {}) {
  const { maxRetries = 3, maxCostUsd } = options;
  const stage = new Stage([LAMBDA_OFFER]);
  const first = stage.run();
  const input = stage.task(first);
  const producer = stage.task(first, { after: [input], policy: { maxRetries } });
  stage.open(first, [input]);
  const second = stage.scheduler.addRun({ failFast: false, maxCostUsd });
  const taker = stage.task(second, { policy: { maxRetries: 5 } });
  const told = [...stage.open(second, [taker]), ...stage.ok(0, input)];
  stage.ok(assignmentOf(told, producer), producer);
  const cancel = () => stage.step({ type: "cancel", run: first, drain: false });
  const miss = () => stage.fails(assignmentOf(told, taker), taker, { kind: "object-lost", lost: [producer] });
  return { stage, first, second, input, producer, taker, cancel, miss };
}

/** The same when the producer was cancelled, and nobody has missed it yet. */
function unwanted(options: Parameters<typeof cancelledProducer>[0] = {}) {
  const scene = cancelledProducer(options);
  const { stage, first, input, producer } = scene;
  stage.step({ type: "lost", runs: [first], tasks: [input, producer] });
  expect(scene.cancel()).toMatchObject([
    { type: "kill", tasks: [input] },
    { type: "settled", task: input, kind: "cancelled" },
    { type: "settled", task: producer, kind: "cancelled", blockedBy: input },
    ended(first),
  ]);
  return scene;
}

test("what ended since nobody wanted it is made again, inputs first, when a task of another run needs it", () => {
  const { stage, second, input, producer, taker, miss } = unwanted();
  const again = miss();
  expect(again).toMatchObject([
    { type: "retry", task: taker, kind: "object-lost" },
    { type: "reopened", task: producer },
    { type: "reopened", task: input },
    { type: "dispatch", tasks: [input] },
  ]);
  const next = stage.ok(assignmentOf(again, input), input);
  const last = stage.ok(assignmentOf(next, producer), producer);
  expect(stage.ok(assignmentOf(last, taker), taker)).toMatchObject([{ task: taker, kind: "ok" }, ended(second)]);
});

test("it goes on for each run that needs it", () => {
  const { stage, second, input, producer, taker, miss } = unwanted();
  const third = stage.run();
  const other = stage.task(third);
  const begun = stage.open(third, [other]);
  const again = miss();
  const lost = { kind: "object-lost", lost: [producer] } as const;
  expect(only(stage.fails(assignmentOf(begun, other), other, lost), "reopened")).toEqual([]);
  expect(stage.step({ type: "cancel", run: second, drain: false })).toMatchObject([
    { type: "settled", task: taker, kind: "cancelled" },
    ended(second),
  ]);
  const next = stage.ok(assignmentOf(again, input), input);
  const last = stage.ok(assignmentOf(next, producer), producer);
  expect(stage.ok(assignmentOf(last, other), other)).toMatchObject([{ task: other, kind: "ok" }, ended(third)]);
});

test("it ends once more with the last run that needed it, and may be opened once more", () => {
  const { stage, second, input, producer, taker, miss } = unwanted();
  const third = stage.run();
  const other = stage.task(third);
  const begun = stage.open(third, [other]);
  miss();
  expect(stage.step({ type: "cancel", run: second, drain: false })).toMatchObject([
    { type: "kill", tasks: [input] },
    { type: "settled", task: input, kind: "cancelled" },
    { type: "settled", task: producer, kind: "cancelled", blockedBy: input },
    { type: "settled", task: taker, kind: "cancelled", blockedBy: input },
    ended(second),
  ]);
  const lost = { kind: "object-lost", lost: [producer] } as const;
  expect(only(stage.fails(assignmentOf(begun, other), other, lost), "reopened")).toMatchObject([
    { task: producer },
    { task: input },
  ]);
});

test("a run that is cancelled itself has nothing made again", () => {
  const { stage, second, taker, miss } = unwanted();
  expect(stage.step({ type: "cancel", run: second, drain: true })).toEqual([]);
  expect(miss()).toMatchObject([{ type: "settled", task: taker, kind: "object-lost" }, ended(second)]);
});

test("what was cancelled itself stays so", () => {
  const { stage, first, second, producer, taker, miss } = cancelledProducer();
  stage.step({ type: "lost", runs: [first], tasks: [producer] });
  stage.step({ type: "cancel", run: first, tasks: [producer], drain: false });
  expect(miss()).toMatchObject([
    { type: "retry", task: taker },
    { type: "settled", task: taker, kind: "cancelled", blockedBy: producer },
    ended(second),
  ]);
});

test("what needs something that has failed for good fails with that, and not for want of interest", () => {
  const { stage, first, second, input, producer, taker, miss } = cancelledProducer();
  const made = stage.step({ type: "lost", runs: [first], tasks: [input, producer] });
  stage.fails(assignmentOf(made, input), input, { kind: "user-error" });
  expect(miss()).toMatchObject([
    { type: "retry", task: taker },
    { type: "settled", task: taker, kind: "cancelled", blockedBy: input },
    ended(second),
  ]);
  expect(stage.scheduler.isReopenedFor(second, producer)).toBe(false);
});

test("an attempt that failed when its run was cancelled says no more than that: its retries count anew", () => {
  const { stage, first, second, producer, taker, miss } = cancelledProducer({ maxRetries: 1 });
  const died = { kind: "executor-lost" } as const;
  const made = stage.step({ type: "lost", runs: [first], tasks: [producer] });
  stage.breaks(assignmentOf(made, producer), died);
  const retried = stage.wake();
  stage.step({ type: "cancel", run: first, drain: true });
  expect(stage.breaks(assignmentOf(retried, producer), died)).toMatchObject([
    { type: "settled", task: producer, kind: "executor-lost", why: "the run was cancelled" },
    ended(first),
  ]);
  const again = miss();
  expect(only(stage.breaks(assignmentOf(again, producer), died), "retry")).toMatchObject([{ task: producer }]);
  const last = stage.ok(assignmentOf(stage.wake(), producer), producer);
  expect(stage.ok(assignmentOf(last, taker), taker)).toMatchObject([{ task: taker, kind: "ok" }, ended(second)]);
});

test("who needs it pays for it, within its own bound", () => {
  const { stage, second, input, producer, taker, miss } = unwanted({ maxCostUsd: 1 });
  stage.step({ type: "charged", run: second, usd: 1 });
  expect(miss()).toMatchObject([
    { type: "retry", task: taker },
    { type: "reopened", task: producer },
    { type: "reopened", task: input },
    { type: "budget-spent", run: second },
    { type: "settled", task: input, kind: "cancelled" },
    { type: "settled", task: producer, kind: "cancelled", blockedBy: input },
    { type: "settled", task: taker, kind: "cancelled", blockedBy: input },
    ended(second),
  ]);
});

test("a result that needs what ended so is made again with it", () => {
  const stage = new Stage([LAMBDA_OFFER]);
  const [first, second] = [stage.run(), stage.run()];
  const input = stage.task(first);
  const task = stage.task(first, { after: [input] });
  stage.scheduler.shareTask(second, task);
  stage.open(first, [input]);
  stage.open(second, []);
  const told = stage.ok(0, input);
  expect(stage.ok(assignmentOf(told, task), task)).toMatchObject([{ task, kind: "ok" }, ended(first), ended(second)]);
  stage.step({ type: "lost", runs: [first], tasks: [input] });
  stage.step({ type: "cancel", run: first, drain: false });
  expect(stage.step({ type: "lost", runs: [second], tasks: [task] })).toMatchObject([
    { type: "reopened", task },
    { type: "reopened", task: input },
    { type: "dispatch", tasks: [input] },
  ]);
});

test("a run that has ended waits for it again when it shares it", () => {
  const stage = new Stage([LAMBDA_OFFER]);
  const [first, second] = [stage.run(), stage.run()];
  const task = stage.task(first);
  stage.scheduler.shareTask(second, task);
  stage.open(first, [task]);
  expect(stage.ok(0, task)).toMatchObject([{ task, kind: "ok" }, ended(first), ended(second)]);
  stage.step({ type: "lost", runs: [first], tasks: [task] });
  stage.step({ type: "cancel", run: first, drain: false });
  stage.scheduler.shareTask(second, task);
  expect(stage.scheduler.hasEnded(second)).toBe(false);
  expect(stage.step({ type: "tick" })).toMatchObject([
    { type: "reopened", task },
    { type: "dispatch", tasks: [task] },
  ]);
});

test("two tasks that miss what the other one's run has ended do not wait for each other", () => {
  const stage = new Stage([LAMBDA_OFFER]);
  const [first, second] = [stage.run(), stage.run()];
  const task = stage.task(second);
  stage.scheduler.shareTask(first, task);
  const middle = stage.task(first, { after: [task] });
  const producer = stage.task(first, { after: [middle] });
  stage.open(second, [task]);
  stage.open(first, []);
  const one = stage.ok(0, task);
  const two = stage.ok(assignmentOf(one, middle), middle);
  stage.ok(assignmentOf(two, producer), producer);
  const made = stage.step({ type: "lost", runs: [second], tasks: [task] });
  stage.step({ type: "lost", runs: [first], tasks: [middle, producer] });
  stage.step({ type: "cancel", run: first, drain: false });
  expect(stage.scheduler.isReopenedFor(second, producer)).toBe(true);
  expect(stage.fails(assignmentOf(made, task), task, { kind: "object-lost", lost: [producer] })).toMatchObject([
    { type: "settled", task, kind: "object-lost" },
    ended(second),
  ]);
});
