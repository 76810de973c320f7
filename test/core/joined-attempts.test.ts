import { describe, expect, test } from "vitest";
import { LAMBDA_OFFER } from "./offers.ts";
import { only, Stage } from "./stage.ts";

/** Two tasks of known duration that a third one waits for, out at the same time. */
function pairOf({ policy = {}, maxCostUsd }: { policy?: object; maxCostUsd?: number } = {}) {
  const stage = new Stage([LAMBDA_OFFER], { batch: { targetMs: 100, maxTasks: 1, fanIns: true } });
  const run = stage.scheduler.addRun({ failFast: false, maxCostUsd });
  stage.scheduler.learnDuration("task", 10);
  const inputs = stage.tasks(run, 2, { policy });
  const [sum] = stage.tasks(run, 1, { after: inputs, policy });
  const dispatched = only(stage.open(run), "dispatch");
  const met = (assignment: number, attempt = 1) => stage.step({ type: "fan-in", assignment, task: sum, attempt });
  return { stage, run, inputs, sum, dispatched, met };
}

describe("a task that several executors bring the inputs of", () => {
  test("is named to each of them", () => {
    const { dispatched, sum } = pairOf();
    expect(dispatched.map(({ fanIns }) => fanIns)).toEqual([[{ task: sum, attempt: 1 }], [{ task: sum, attempt: 1 }]]);
  });

  test("is not named where its run has a bound on its cost", () => {
    expect(pairOf({ maxCostUsd: 1 }).dispatched.map(({ fanIns }) => fanIns)).toEqual([undefined, undefined]);
  });

  test("belongs to the one that goes on with it, and is dispatched nowhere else", () => {
    const { stage, inputs, sum, met } = pairOf();
    const [first, last] = inputs;
    expect(only(stage.ok(0, first, 10), "dispatch")).toEqual([]);
    expect(met(1)).toEqual([{ type: "joined", assignment: 1, lane: expect.any(String), task: sum, attempt: 1 }]);
    expect(only(stage.ok(1, last, 10), "dispatch")).toEqual([]);
    expect(only(met(1), "kill")).toEqual([]);
    expect(stage.ok(1, sum, 10).map(({ type }) => type)).toEqual(["settled", "run-ended"]);
    expect(stage.scheduler.inFlight).toBe(0);
  });

  test("is done also where it is heard of before its inputs", () => {
    const { stage, inputs, sum, met } = pairOf();
    met(1);
    expect(only(stage.ok(1, sum, 10), "settled")).toMatchObject([{ task: sum, kind: "ok" }]);
    stage.ok(1, inputs[1], 10);
    expect(stage.ok(0, inputs[0], 10).map(({ type }) => type)).toEqual(["settled", "run-ended"]);
  });

  test("is dispatched where nobody goes on with it", () => {
    const { stage, inputs, sum } = pairOf();
    stage.ok(0, inputs[0], 10);
    expect(only(stage.ok(1, inputs[1], 10), "dispatch")).toMatchObject([{ tasks: [sum], attempts: [1] }]);
  });

  test("is left by whoever goes on with it when it is elsewhere by then, or nowhere", () => {
    const { stage, inputs, sum, met } = pairOf();
    stage.ok(0, inputs[0], 10);
    expect(only(met(1, 2), "kill")).toMatchObject([{ assignment: 1, tasks: [sum], reason: "superseded" }]);
    const cancelled = pairOf();
    cancelled.stage.step({ type: "cancel", run: cancelled.run, tasks: [cancelled.sum], drain: false });
    expect(only(cancelled.met(1), "kill")).toMatchObject([{ tasks: [cancelled.sum] }]);
  });

  test("is held responsible for its executor's end, though not all of its inputs are heard of", () => {
    const { stage, inputs, sum, met } = pairOf({ policy: { maxRetries: 1 } });
    met(1);
    stage.ok(1, inputs[1], 10);
    expect(only(stage.breaks(1, { kind: "executor-lost" }), "retry")).toMatchObject([{ task: sum, attempt: 1 }]);
    // It waits for what the driver does not know to be there.
    stage.wake();
    expect(only(stage.ok(0, inputs[0], 10), "dispatch")).toMatchObject([{ tasks: [sum], attempts: [2] }]);
  });
});
