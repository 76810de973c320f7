import { describe, expect, test } from "vitest";
import { ceilingUsd, startUsd } from "../../sdk/core/attempt-cost.ts";
import type { Lane, Offer } from "../../sdk/core/offer.ts";
import { FARGATE, LAMBDA_OFFER, placementOf } from "./offers.ts";
import { only, Stage } from "./stage.ts";

const [onLambda] = placementOf({ memoryMb: 512 }, [LAMBDA_OFFER]).ladder;
/** What a task may cost that may take ten seconds. */
const EACH_USD = ceilingUsd(onLambda, 10_000, 0);
const ASKED = { memoryMb: 512, timeoutMs: 10_000 };

function bounded(maxCostUsd: number, offer: Offer = [LAMBDA_OFFER]) {
  const stage = new Stage(offer);
  return { stage, run: stage.scheduler.addRun({ failFast: false, maxCostUsd }) };
}

describe("a run that may cost so much", () => {
  test("begins no more than it can pay at the worst, and goes on with what it gets back", () => {
    const { stage, run } = bounded(2.5 * EACH_USD);
    const tasks = tasksOf(stage, run, 4);
    const opened = only(stage.open(run), "dispatch");
    expect(opened.map(({ tasks, reservedUsd }) => [tasks, reservedUsd])).toEqual([
      [[tasks[0]], [EACH_USD]],
      [[tasks[1]], [EACH_USD]],
    ]);
    // It took a second instead of ten.
    const told = stage.step(
      { type: "charged", run, usd: EACH_USD / 10 },
      { type: "attempt-ended", assignment: 0, task: tasks[0], end: { kind: "ok", durationMs: 1_000 } },
    );
    expect(only(told, "dispatch").flatMap(({ tasks }) => tasks)).toContain(tasks[2]);
  });

  test("ends when nothing of it runs any more and the next attempt cannot be paid; what is done stays done", () => {
    const { stage, run } = bounded(1.5 * EACH_USD);
    const [first, second] = tasksOf(stage, run, 2);
    stage.open(run);
    const told = stage.step(
      { type: "charged", run, usd: 1.4 * EACH_USD },
      { type: "attempt-ended", assignment: 0, task: first, end: { kind: "ok", durationMs: 14_000 } },
    );
    const why = "its run may not cost more than maxCostUsd";
    expect(told).toEqual([
      { type: "settled", task: first, kind: "ok", why: "" },
      { type: "budget-spent", run, spentUsd: 1.4 * EACH_USD, neededUsd: EACH_USD },
      { type: "settled", task: second, kind: "cancelled", why },
      { type: "run-ended", run },
    ]);
  });

  test("pays for another try as for the first, and has none that it cannot pay", () => {
    const { stage, run } = bounded(1.5 * EACH_USD);
    const [task] = tasksOf(stage, run, 1);
    stage.open(run);
    stage.step({ type: "charged", run, usd: EACH_USD });
    stage.breaks(0, { kind: "executor-lost" });
    const told = stage.wake();
    expect(only(told, "budget-spent")).toHaveLength(1);
    expect(only(told, "settled")).toMatchObject([{ task, kind: "cancelled" }]);
  });

  test("ends at once where it can pay for nothing, and leaves other runs alone", () => {
    const { stage, run } = bounded(EACH_USD / 2);
    const poor = tasksOf(stage, run, 1);
    const other = stage.run();
    const rich = tasksOf(stage, other, 1);
    expect(stage.open(run, poor).map(({ type }) => type)).toEqual(["budget-spent", "settled", "run-ended"]);
    expect(only(stage.open(other, rich), "dispatch")).toHaveLength(1);
  });

  test("has a container's first minute ready before it asks for one", () => {
    const fargate = placementOf({ executor: "ecs", timeoutMs: 10_000 }, [FARGATE]).ladder[0];
    const start = startUsd(fargate);
    const attempt = ceilingUsd(fargate, 10_000, 0);
    const tasks = (maxCostUsd: number) => {
      const { stage, run } = bounded(maxCostUsd, [FARGATE]);
      stage.tasks(run, 5, { asked: { executor: "ecs", timeoutMs: 10_000 } });
      return { stage, run, told: stage.open(run) };
    };
    expect(only(tasks(start).told, "budget-spent")).toHaveLength(1);
    const { stage, run, told } = tasks(2.5 * (start + attempt));
    expect(only(told, "start-executors").map(({ count }) => count)).toEqual([2]);
    // Once it is there, its minute is spent.
    const begun = stage.step(
      { type: "charged", run, usd: start },
      { type: "executor-ready", executor: "e", lane: fargate },
    );
    expect(only(begun, "dispatch")).toHaveLength(1);
  });
});

describe("what tasks run in a run that may cost so much", () => {
  function nested(maxCostUsd: number, policy: { maxRetries?: number } = {}) {
    const { stage, run } = bounded(maxCostUsd);
    const [parent] = stage.tasks(run, 1, { type: "parent", asked: ASKED, policy });
    stage.open(run, [parent]);
    const child = stage.scheduler.addRun({ failFast: false, parent });
    const children = tasksOf(stage, child, 3);
    const parked = () => stage.step({ type: "parked", assignment: 0, task: parent, run: child });
    return { stage, run, parent, child, children, parked };
  }

  test("is paid from its purse", () => {
    const { stage, child, children, parked } = nested(3.5 * EACH_USD);
    expect(only(stage.open(child, children), "dispatch")).toHaveLength(2);
    expect(only(parked(), "dispatch")).toHaveLength(0);
    const told = stage.step(
      { type: "charged", run: child, usd: EACH_USD / 10 },
      { type: "attempt-ended", assignment: 1, task: children[0], end: { kind: "ok", durationMs: 1_000 } },
    );
    expect(only(told, "dispatch").map(({ tasks }) => tasks)).toEqual([[children[2]]]);
  });

  test("has what was reserved for the attempt that waits, when that is suspended", () => {
    const { stage, run, parent, child, children, parked } = nested(1.5 * EACH_USD);
    expect(stage.open(child, children)).toEqual([]);
    expect(parked()).toEqual([]);
    const told = stage.step({ type: "suspended", assignment: 0, task: parent });
    expect(only(told, "dispatch").map(({ tasks }) => tasks)).toEqual([[children[0]]]);
    stage.ok(1, children[0]);
    stage.ok(2, children[1]);
    const resumed = stage.ok(3, children[2]);
    expect(only(resumed, "dispatch").map(({ tasks }) => tasks)).toEqual([[parent]]);
    expect(only(stage.ok(4, parent), "run-ended")).toEqual([{ type: "run-ended", run }]);
  });

  test("is not waited for by one that keeps its own: the run is spent, and what waits for the rest ends with it", () => {
    const { stage, run, parent, child, children, parked } = nested(1.5 * EACH_USD, { maxRetries: 0 });
    expect(stage.open(child, children)).toEqual([]);
    const told = parked();
    expect(only(told, "budget-spent").map((each) => each.run)).toEqual([run]);
    expect(only(told, "settled").map(({ task }) => task)).toEqual([...children, parent]);
    expect(only(told, "run-ended").map((each) => each.run)).toEqual([child, run]);
    expect(only(told, "kill")).toMatchObject([{ tasks: [parent], reason: "cancelled" }]);
  });

  test("finishes where it has begun, also for one that is suspended, when the run is spent", () => {
    const { stage, run, parent, child, children, parked } = nested(2.5 * EACH_USD);
    stage.open(child, children);
    parked();
    stage.step({ type: "suspended", assignment: 0, task: parent });
    // Two run, and have cost all that there is.
    const [first, second] = [children[0], children[1]];
    stage.step({ type: "charged", run: child, usd: 2.5 * EACH_USD });
    stage.ok(1, first);
    const told = stage.ok(2, second);
    expect(only(told, "budget-spent").map((each) => each.run)).toEqual([run]);
    expect(only(told, "settled").map(({ task, kind }) => [task, kind])).toEqual([
      [second, "ok"],
      [children[2], "cancelled"],
      [parent, "cancelled"],
    ]);
    expect(only(told, "run-ended").map((each) => each.run)).toEqual([child, run]);
  });
});

const tasksOf = (stage: Stage, run: number, count: number) => stage.tasks(run, count, { asked: ASKED });

describe("what costs nothing", () => {
  test("is begun whatever a run may cost", () => {
    const lane: Lane = { name: "local", service: "local", group: "local", cpus: 1, gpus: 0, spot: false };
    expect([ceilingUsd(lane, 10 ** 9, 10), startUsd(lane)]).toEqual([0, 0]);
  });
});
