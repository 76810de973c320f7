import { describe, expect, test } from "vitest";
import { TaskState } from "../../sdk/core/task-table.ts";
import { LAMBDA_OFFER } from "./offers.ts";
import { only, Stage, type Told } from "./stage.ts";

/** The assignment that a task was dispatched with. */
const assignmentOf = (told: readonly Told[], task: number): number =>
  only(told, "dispatch").find(({ tasks }) => tasks.includes(task))?.assignment ?? -1;

const outcomes = (told: readonly Told[]) => only(told, "settled").map(({ task, kind }) => [task, kind]);

/** A run's parent waits for a child that runs, and for one that needs that child's result. */
function waiting() {
  const stage = new Stage([LAMBDA_OFFER]);
  const first = stage.run();
  const parent = stage.task(first, { type: "parent" });
  const assignment = assignmentOf(stage.open(first), parent);
  const opens = (count: number, staged = {}) => {
    const nested = stage.scheduler.addRun({ failFast: false, parent });
    return { nested, tasks: stage.tasks(nested, count, { type: "child", ...staged }) };
  };
  const { nested, tasks } = opens(1);
  const [running] = tasks;
  const next = stage.task(nested, { type: "next", after: [running] });
  const running_ = assignmentOf(stage.open(nested, [running, next]), running);
  const parks = (run: number) => stage.step({ type: "parked", assignment, task: parent, run });
  /** Another run wants the parent, too. */
  const joins = () => {
    const run = stage.run();
    stage.scheduler.shareTask(run, parent);
    stage.open(run, []);
    return run;
  };
  const cancels = (run: number, drain: boolean) => stage.step({ type: "cancel", run, drain });
  const childEnds = () => stage.ok(running_, running);
  return {
    stage,
    first,
    parent,
    assignment,
    nested,
    running,
    runningIn: running_,
    next,
    opens,
    parks,
    joins,
    cancels,
    childEnds,
  };
}

describe("a parent whose run is cancelled with `drain`", () => {
  test("ends as cancelled with what was not begun, once what runs has finished", () => {
    const { parks, nested, cancels, first, next, childEnds, running, parent } = waiting();
    parks(nested);
    expect(outcomes(cancels(first, true))).toEqual([[next, "cancelled"]]);
    const told = childEnds();
    expect(outcomes(told)).toEqual([
      [running, "ok"],
      [parent, "cancelled"],
    ]);
    expect(only(told, "kill")).toMatchObject([{ tasks: [parent], reason: "cancelled" }]);
    expect(only(told, "run-ended").map(({ run }) => run)).toEqual([nested, first]);
  });

  test("finishes where all that it runs does", () => {
    const { stage, opens, parks, cancels, first, parent, assignment } = waiting();
    const { nested, tasks } = opens(1);
    const [other] = tasks;
    const inFlight = assignmentOf(stage.open(nested, tasks), other);
    parks(nested);
    cancels(first, true);
    expect(only(stage.ok(inFlight, other), "kill")).toEqual([]);
    expect(stage.scheduler.isCut(nested)).toBe(false);
    expect(outcomes(stage.ok(assignment, parent))).toEqual([[parent, "ok"]]);
  });

  test("ends only when all has finished that it waits for", () => {
    const { stage, opens, parks, nested, cancels, first, childEnds, parent } = waiting();
    const other = opens(1);
    const inFlight = assignmentOf(stage.open(other.nested, other.tasks), other.tasks[0]);
    parks(nested);
    parks(other.nested);
    cancels(first, true);
    expect(only(childEnds(), "kill")).toEqual([]);
    expect(outcomes(stage.ok(inFlight, other.tasks[0]))).toEqual([
      [other.tasks[0], "ok"],
      [parent, "cancelled"],
    ]);
  });

  test("ends where it begins to wait for what was cancelled before", () => {
    const { parks, nested, cancels, first, childEnds, parent, stage } = waiting();
    cancels(first, true);
    childEnds();
    expect(stage.scheduler.isCut(nested)).toBe(true);
    expect(outcomes(parks(nested))).toEqual([[parent, "cancelled"]]);
  });

  test("does not ask for what it has missed to be made again, and ends", () => {
    const { stage, opens, parks, cancels, first, parent } = waiting();
    const { nested, tasks } = opens(1);
    stage.ok(assignmentOf(stage.open(nested, tasks), tasks[0]), tasks[0]);
    cancels(first, true);
    expect(outcomes(stage.step({ type: "lost", runs: [nested], tasks }))).toEqual([[tasks[0], "cancelled"]]);
    expect(outcomes(parks(nested))).toContainEqual([parent, "cancelled"]);
  });
});

describe("a parent that another run wants", () => {
  test.each([true, false])("goes on with what it runs when the first run is cancelled (drain: %s)", (drain) => {
    const { stage, parks, nested, joins, cancels, first, next, childEnds, assignment, parent } = waiting();
    parks(nested);
    const second = joins();
    expect(cancels(first, drain)).toEqual([{ type: "run-ended", run: first }]);
    const last = assignmentOf(childEnds(), next);
    expect(only(stage.ok(last, next), "run-ended")).toEqual([{ type: "run-ended", run: nested }]);
    expect(stage.scheduler.isCut(nested)).toBe(false);
    expect(only(stage.ok(assignment, parent), "run-ended")).toEqual([{ type: "run-ended", run: second }]);
  });

  test("since the first was cancelled is made again, and runs what was cancelled anew", () => {
    const { stage, parks, nested, joins, cancels, first, childEnds, opens, parent, assignment } = waiting();
    parks(nested);
    cancels(first, true);
    const second = joins();
    const told = childEnds();
    expect(only(told, "kill")).toMatchObject([{ assignment, tasks: [parent], reason: "made-again" }]);
    // What ran has finished: the next attempt is none of the first run's.
    expect(only(told, "run-ended").map(({ run }) => run)).toEqual([nested, first]);
    const [again] = only(told, "dispatch");
    expect(again).toMatchObject({ tasks: [parent], attempts: [2] });
    const anew = opens(1);
    const child = assignmentOf(stage.open(anew.nested, anew.tasks), anew.tasks[0]);
    stage.step({ type: "parked", assignment: again.assignment, task: parent, run: anew.nested });
    expect(outcomes(stage.ok(child, anew.tasks[0]))).toEqual([[anew.tasks[0], "ok"]]);
    const ended = stage.ok(again.assignment, parent);
    expect(outcomes(ended)).toEqual([[parent, "ok"]]);
    expect(only(ended, "run-ended").map(({ run }) => run)).toEqual([second]);
  });

  test("is made again where it begins to wait for what had ended as cancelled before that run", () => {
    const { parks, nested, joins, cancels, first, childEnds, parent } = waiting();
    cancels(first, true);
    childEnds();
    joins();
    const told = parks(nested);
    expect(only(told, "kill")).toMatchObject([{ tasks: [parent], reason: "made-again" }]);
    expect(only(told, "dispatch")).toMatchObject([{ tasks: [parent], attempts: [2] }]);
  });

  test("is made again though it was suspended meanwhile", () => {
    const { stage, parks, nested, joins, cancels, first, childEnds, assignment, parent } = waiting();
    parks(nested);
    cancels(first, true);
    stage.step({ type: "suspended", assignment, task: parent });
    expect(stage.scheduler.tasks.state[parent]).toBe(TaskState.Suspended);
    joins();
    expect(only(childEnds(), "dispatch")).toMatchObject([{ tasks: [parent], attempts: [2] }]);
  });

  test("has what it runs tried again, as if it had never been cancelled", () => {
    const { stage, opens, parks, joins, cancels, first, parent, assignment } = waiting();
    const { nested, tasks } = opens(1);
    const inFlight = assignmentOf(stage.open(nested, tasks), tasks[0]);
    parks(nested);
    cancels(first, true);
    joins();
    const told = stage.breaks(inFlight, { kind: "throttled" });
    expect(only(told, "retry")).toMatchObject([{ task: tasks[0] }]);
    const again = assignmentOf(stage.wake(), tasks[0]);
    expect(only(stage.ok(again, tasks[0]), "kill")).toEqual([]);
    expect(outcomes(stage.ok(assignment, parent))).toEqual([[parent, "ok"]]);
  });

  test("goes on at any distance: what its children run is wanted again, too", () => {
    const { stage, running, runningIn, parks, nested, joins, cancels, first } = waiting();
    const deeper = stage.scheduler.addRun({ failFast: false, parent: running });
    const [deep] = stage.tasks(deeper, 1);
    const inFlight = assignmentOf(stage.open(deeper, [deep]), deep);
    stage.step({ type: "parked", assignment: runningIn, task: running, run: deeper });
    parks(nested);
    cancels(first, true);
    joins();
    expect(only(stage.breaks(inFlight, { kind: "throttled" }), "retry")).toMatchObject([{ task: deep }]);
  });

  test("ends with the last of them, though the first one drains", () => {
    const { parks, nested, joins, cancels, first, next, childEnds, running, parent } = waiting();
    cancels(first, true);
    const second = joins();
    parks(nested);
    expect(next).toBeGreaterThan(running);
    expect(outcomes(cancels(second, true))).toEqual([]);
    expect(outcomes(childEnds())).toEqual([
      [running, "ok"],
      [parent, "cancelled"],
    ]);
  });
});

describe("a child that a third run wants", () => {
  test("goes on for that run, and its parent ends as cancelled", () => {
    const { stage, parks, nested, cancels, first, next, childEnds, running, parent } = waiting();
    parks(nested);
    const third = stage.run();
    stage.scheduler.shareTask(third, next);
    stage.open(third, []);
    expect(outcomes(cancels(first, true))).toEqual([[parent, "cancelled"]]);
    const told = childEnds();
    expect(outcomes(told)).toEqual([[running, "ok"]]);
    const ended = stage.ok(assignmentOf(told, next), next);
    expect(outcomes(ended)).toEqual([[next, "ok"]]);
    expect(only(ended, "run-ended")).toEqual([{ type: "run-ended", run: third }]);
  });

  test("is run again by a parent that yet another run wants", () => {
    const { stage, cancels, first, parks, nested, joins, running, parent } = waiting();
    const third = stage.run();
    stage.scheduler.shareTask(third, running);
    stage.open(third, []);
    cancels(first, true);
    joins();
    expect(only(parks(nested), "dispatch")).toMatchObject([{ tasks: [parent], attempts: [2] }]);
  });
});

describe("what a task leaves behind when it is done", () => {
  function left() {
    const stage = waiting();
    const { nested, assignment, parent } = stage;
    const second = stage.joins();
    stage.stage.ok(assignment, parent);
    return { ...stage, second, nested };
  }

  test("goes on for the run that still has an interest in it, and ends with that", () => {
    const { cancels, first, second, running, next } = left();
    expect(outcomes(cancels(first, false))).toEqual([]);
    expect(outcomes(cancels(second, false))).toEqual([
      [running, "cancelled"],
      [next, "cancelled"],
    ]);
  });

  test("may finish what runs when that drains", () => {
    const { cancels, first, second, next, childEnds, running } = left();
    cancels(first, true);
    expect(outcomes(cancels(second, true))).toEqual([[next, "cancelled"]]);
    expect(outcomes(childEnds())).toEqual([[running, "ok"]]);
  });

  test("is left on, when the task that ran that one is done", () => {
    const { stage, first, parent, assignment, running, runningIn, cancels, next } = waiting();
    const deeper = stage.scheduler.addRun({ failFast: false, parent: running });
    const [deep] = stage.tasks(deeper, 1);
    stage.open(deeper, [deep]);
    const told = stage.ok(runningIn, running);
    stage.ok(assignmentOf(told, next), next);
    stage.ok(assignment, parent);
    expect(outcomes(cancels(first, false))).toEqual([[deep, "cancelled"]]);
  });
});

test("tasks that would wait for each other end with the run that wanted one of them", () => {
  const { stage, first, parent, running, runningIn, cancels, nested } = waiting();
  const circle = stage.scheduler.addRun({ failFast: false, parent: running });
  stage.scheduler.shareTask(circle, parent);
  stage.open(circle, []);
  // Nobody waits yet, so that there is no circle to be found.
  const told = cancels(first, false);
  expect(outcomes(told).map(([task]) => task)).toEqual(expect.arrayContaining([parent, running]));
  expect(only(told, "kill").map(({ assignment }) => assignment)).toContain(runningIn);
  expect(only(told, "run-ended").map(({ run }) => run)).toEqual(expect.arrayContaining([first, nested, circle]));
});

test("a task that runs itself is nobody else's wish: as its run drains, nothing is begun for it, and it is not retried", () => {
  const { stage, first, parent, assignment, cancels } = waiting();
  cancels(first, true);
  const again = stage.scheduler.addRun({ failFast: false, parent });
  const child = stage.task(again, { type: "child" });
  stage.scheduler.shareTask(again, parent);
  expect(outcomes(stage.open(again, [child]))).toEqual([[child, "cancelled"]]);
  expect(outcomes(stage.breaks(assignment, { kind: "executor-lost" }))).toContainEqual([parent, "executor-lost"]);
  expect(only(stage.step({ type: "tick" }), "dispatch")).toEqual([]);
});
