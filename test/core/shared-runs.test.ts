import { describe, expect, test } from "vitest";
import { LAMBDA_OFFER, MACHINE, placementOf } from "./offers.ts";
import { only, Stage, type Told } from "./stage.ts";

const ended = (run: number) => ({ type: "run-ended", run });

/** The assignment that a task was dispatched with. */
const assignmentOf = (told: readonly Told[], task: number): number =>
  only(told, "dispatch").find(({ tasks }) => tasks.includes(task))?.assignment ?? -1;

/** A task and what it depends on, of a first run; a second one wants the task as well. */
function shared() {
  const stage = new Stage([LAMBDA_OFFER]);
  const first = stage.run();
  const input = stage.task(first);
  const task = stage.task(first, { after: [input] });
  stage.open(first);
  const second = stage.run();
  stage.scheduler.shareTask(second, task);
  stage.open(second, []);
  return { stage, first, second, input, task };
}

describe("a task that two runs want", () => {
  test("keeps what it depends on when the run that added that is cancelled", () => {
    const { stage, first, second, input, task } = shared();
    expect(stage.step({ type: "cancel", run: first, drain: false })).toEqual([ended(first)]);
    expect(stage.ok(0, input)).toMatchObject([
      { task: input, kind: "ok" },
      { type: "dispatch", tasks: [task] },
    ]);
    expect(stage.ok(1, task)).toMatchObject([{ task, kind: "ok" }, ended(second)]);
  });

  test("keeps an input that is made again when the run that missed it is cancelled", () => {
    const { stage, first, second, input, task } = shared();
    stage.ok(0, input);
    const lost = { kind: "object-lost", lost: [input] } as const;
    expect(only(stage.fails(1, task, lost), "dispatch")).toMatchObject([{ tasks: [input] }]);
    expect(stage.step({ type: "cancel", run: first, drain: false })).toEqual([ended(first)]);
    stage.ok(2, input);
    expect(stage.ok(3, task)).toMatchObject([{ task, kind: "ok" }, ended(second)]);
  });

  test("is made again for the run that goes on, when it is lost to one that was cancelled, too", () => {
    const stage = new Stage([LAMBDA_OFFER]);
    const first = stage.run();
    const second = stage.run();
    const task = stage.task(first);
    stage.scheduler.shareTask(second, task);
    stage.open(first);
    stage.step({ type: "cancel", run: first, drain: true });
    stage.ok(0, task);
    expect(stage.step({ type: "lost", runs: [first, second], tasks: [task] })).toMatchObject([
      { type: "reopened", task },
      { type: "dispatch", tasks: [task] },
    ]);
    expect(stage.ok(1, task)).toMatchObject([{ task, kind: "ok" }, ended(second)]);
  });
});

describe("cancelling one task", () => {
  test("in a run that does not want it changes nothing there", () => {
    const stage = new Stage([LAMBDA_OFFER]);
    const first = stage.run();
    const other = stage.run();
    const task = stage.task(first);
    const own = stage.task(other);
    stage.open(first, [task]);
    stage.open(other, [own]);
    expect(stage.step({ type: "cancel", run: other, tasks: [task], drain: false })).toEqual([]);
    expect(stage.ok(1, own)).toMatchObject([{ task: own, kind: "ok" }, ended(other)]);
    expect(stage.ok(0, task)).toMatchObject([{ task, kind: "ok" }, ended(first)]);
  });

  test("that is skipped changes nothing", () => {
    const stage = new Stage([LAMBDA_OFFER]);
    const run = stage.run();
    const skipped = stage.task(run, { state: "skipped" });
    const task = stage.task(run);
    stage.open(run);
    expect(stage.step({ type: "cancel", run, tasks: [skipped], drain: false })).toEqual([]);
    expect(stage.ok(0, task)).toMatchObject([{ task, kind: "ok" }, ended(run)]);
  });
});

describe("a run that was cancelled and drains", () => {
  test("does not begin again what was taken back without blame", () => {
    const stage = new Stage([MACHINE]);
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    stage.ready("e1", placementOf({}, [MACHINE]).ladder[0]);
    stage.step({ type: "cancel", run, drain: true });
    expect(stage.gone("e1")).toMatchObject([{ type: "settled", task, kind: "cancelled" }, ended(run)]);
  });

  test("does not make a lost result again", () => {
    const stage = new Stage([LAMBDA_OFFER]);
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    stage.step({ type: "cancel", run, drain: true });
    expect(stage.ok(0, task)).toMatchObject([{ task, kind: "ok" }, ended(run)]);
    expect(stage.step({ type: "lost", runs: [run], tasks: [task] })).toMatchObject([
      { type: "reopened", task },
      { type: "settled", task, kind: "cancelled" },
      ended(run),
    ]);
  });
});

describe("a lost result", () => {
  test("whose task depends on one that has failed since then blocks those that need it", () => {
    const stage = new Stage([LAMBDA_OFFER]);
    const run = stage.run();
    const input = stage.task(run);
    const middle = stage.task(run, { after: [input] });
    const one = stage.task(run, { after: [input] });
    stage.open(run);
    const told = stage.ok(0, input);
    stage.ok(assignmentOf(told, middle), middle);
    stage.fails(assignmentOf(told, one), one, { kind: "object-lost", lost: [input] });
    expect(stage.fails(3, input, { kind: "user-error" })).toMatchObject([
      { task: input, kind: "user-error" },
      { task: one, blockedBy: input },
      ended(run),
    ]);
    expect(stage.step({ type: "lost", runs: [run], tasks: [middle] })).toMatchObject([
      { type: "reopened", task: middle },
      { type: "settled", task: middle, kind: "cancelled", blockedBy: input },
      ended(run),
    ]);
  });

  test("does not cut short the wait of a task that was to be tried again later", () => {
    const stage = new Stage([LAMBDA_OFFER]);
    const run = stage.run();
    const input = stage.task(run);
    const [waiting, other] = stage.tasks(run, 2, { after: [input] });
    stage.open(run);
    const told = stage.ok(0, input);
    stage.breaks(assignmentOf(told, waiting), { kind: "throttled" });
    const again = stage.fails(assignmentOf(told, other), other, { kind: "object-lost", lost: [input] });
    const back = stage.ok(assignmentOf(again, input), input);
    expect(assignmentOf(back, waiting)).toBe(-1);
    expect(assignmentOf(stage.wake(), waiting)).toBeGreaterThan(0);
  });
});

test("a result that is gone each time it is asked for is given up", () => {
  const stage = new Stage([LAMBDA_OFFER]);
  const run = stage.run();
  const task = stage.task(run);
  stage.open(run);
  let told: Told[] = [];
  for (let times = 0; times <= 10; times++) {
    stage.ok(times, task);
    told = stage.step({ type: "lost", runs: [run], tasks: [task] });
  }
  expect(told).toMatchObject([
    { type: "reopened", task },
    { type: "settled", task, kind: "object-lost", why: "its result was lost 11 times" },
    ended(run),
  ]);
});

test("inputs that are lost are not made again for a task that has lost another one for good", () => {
  const stage = new Stage([LAMBDA_OFFER]);
  const run = stage.run();
  const [bad, good] = stage.tasks(run, 2);
  const task = stage.task(run, { after: [bad, good] });
  const other = stage.task(run, { after: [bad] });
  stage.open(run);
  stage.ok(0, bad);
  const told = [...stage.ok(1, good)];
  const again = stage.fails(2, other, { kind: "object-lost", lost: [bad] });
  stage.fails(assignmentOf(again, bad), bad, { kind: "user-error" });
  expect(stage.fails(assignmentOf(told, task), task, { kind: "object-lost", lost: [bad, good] })).toMatchObject([
    { type: "retry", task },
    { type: "settled", task, blockedBy: bad },
    ended(run),
  ]);
});

test("a task that waits to be tried again ends with the last run that goes on, though one that drains wants it", () => {
  const stage = new Stage([LAMBDA_OFFER]);
  const draining = stage.run();
  const task = stage.task(draining);
  stage.open(draining);
  stage.step({ type: "cancel", run: draining, drain: true });
  const goingOn = stage.run();
  stage.scheduler.shareTask(goingOn, task);
  stage.open(goingOn, []);
  expect(only(stage.breaks(0, { kind: "throttled" }), "retry")).toMatchObject([{ task }]);
  expect(stage.step({ type: "cancel", run: goingOn, drain: true })).toMatchObject([
    { type: "settled", task, kind: "cancelled" },
    ended(draining),
    ended(goingOn),
  ]);
});
