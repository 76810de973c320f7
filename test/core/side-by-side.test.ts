import { describe, expect, test } from "vitest";
import type { LambdaOffer, Lane } from "../../sdk/core/offer.ts";
import { tasksAtOnce } from "../../sdk/core/side-by-side.ts";
import { placementOf } from "./offers.ts";
import { only, Stage, type StagedTask } from "./stage.ts";

const WIDE: readonly LambdaOffer[] = [
  {
    service: "lambda",
    memoriesMb: [3_538],
    timeoutMs: 900_000,
    ephemeralStorageMb: 512,
    concurrency: 100,
  },
];
const [lane] = placementOf({ numCpus: 1 }, WIDE).ladder as [Lane];
const SHORT: StagedTask = { asked: { numCpus: 1 } };

/** A stage on which tasks of the type are known to be short, and to use so much memory. */
function known(peakMemoryMb: number | undefined, count = 8, staged: StagedTask = SHORT) {
  const stage = new Stage(WIDE, { concurrency: 1 });
  stage.scheduler.learnDuration("task", 10);
  if (peakMemoryMb !== undefined) stage.scheduler.sizing.learnPeak("task", peakMemoryMb);
  const run = stage.run();
  const tasks = stage.tasks(run, count, staged);
  const [dispatch] = only(stage.open(run), "dispatch");
  return { stage, tasks, dispatch: dispatch as NonNullable<typeof dispatch> };
}

describe("as many run at once as have", () => {
  test("the vCPUs that they ask for", () => {
    expect(tasksAtOnce(lane, { cpus: 1, peakMemoryMb: 100 })).toBe(2);
    expect(tasksAtOnce(lane, { cpus: 2, peakMemoryMb: 100 })).toBe(1);
    expect(tasksAtOnce({ ...lane, cpus: 64 }, { cpus: 1, peakMemoryMb: 1 })).toBe(16);
  });

  test("the memory that was seen of their kind, and one where none was", () => {
    expect(tasksAtOnce(lane, { cpus: 1, peakMemoryMb: 1_415 })).toBe(2);
    expect(tasksAtOnce(lane, { cpus: 1, peakMemoryMb: 1_416 })).toBe(1);
    expect(tasksAtOnce(lane, { cpus: 1, peakMemoryMb: undefined })).toBe(1);
  });

  test("no GPU, no runtime environment, and no machine of their own", () => {
    const appetite = { cpus: 1, peakMemoryMb: 100 };
    expect(tasksAtOnce({ ...lane, gpus: 1 }, appetite)).toBe(1);
    expect(tasksAtOnce({ ...lane, runtimeEnv: "env" }, appetite)).toBe(1);
    expect(tasksAtOnce({ ...lane, service: "local" }, appetite)).toBe(1);
  });
});

describe("a dispatch", () => {
  test("of tasks that run at once holds as many for each", () => {
    expect(known(undefined).dispatch).not.toHaveProperty("atOnce");
    expect(known(100).dispatch).toMatchObject({ atOnce: 2, tasks: [0, 1, 2, 3] });
    // Half of the 100 ms of each are the deviation of a duration that was measured once.
    expect(known(100, 400).dispatch.tasks).toHaveLength(10);
    expect(known(undefined, 400).dispatch.tasks).toHaveLength(5);
  });

  test("of what may not be begun twice has one", () => {
    expect(known(100, 8, { ...SHORT, policy: { maxRetries: 0 } }).dispatch).not.toHaveProperty("atOnce");
  });
});

describe("memory that several had", () => {
  test("and that ran out says nothing about the size: nobody is charged, and each goes alone", () => {
    const { stage, dispatch } = known(100, 2);
    expect(dispatch).toMatchObject({ tasks: [0, 1], atOnce: 2 });
    const told = stage.breaks(dispatch.assignment, { kind: "out-of-memory" });
    expect(only(told, "retry")).toEqual([]);
    const [alone] = only(told, "dispatch");
    expect(alone).toMatchObject({ tasks: [0], attempts: [1] });
    expect(alone).not.toHaveProperty("atOnce");
    expect(stage.scheduler.sizing.knows("task")).toBe(false);
    // Alone it has had all of the memory.
    expect(only(stage.breaks(alone?.assignment ?? -1, { kind: "out-of-memory" }), "retry")).toMatchObject([
      { task: 0 },
    ]);
    expect(stage.scheduler.sizing.knows("task")).toBe(true);
  });

  test("is all its own of one that nobody was beside", () => {
    const { stage, dispatch } = known(100, 1);
    expect(dispatch).toMatchObject({ tasks: [0], atOnce: 2 });
    const told = stage.breaks(dispatch.assignment, { kind: "out-of-memory" });
    expect(only(told, "retry")).toMatchObject([{ task: 0 }]);
    expect(stage.scheduler.sizing.knows("task")).toBe(true);
  });

  test("takes the one along that was told of, and leaves the others where they are", () => {
    const { stage, dispatch } = known(100);
    const { assignment } = dispatch;
    expect(stage.fails(assignment, 1, { kind: "out-of-memory", crowded: true })).toEqual([]);
    expect(stage.scheduler.tasks.apart[1]).toBe(1);
    expect(stage.scheduler.sizing.knows("task")).toBe(false);
    expect(stage.scheduler.isAwaited(assignment, 0)).toBe(true);
  });
});

test("one that waits for tasks of its own has its executor to itself, also of what stands before it", () => {
  const { stage, dispatch } = known(100, 4);
  const { assignment } = dispatch;
  stage.step({ type: "asks", assignment, task: 1 });
  const child = stage.scheduler.addRun({ failFast: false, parent: 1 });
  const task = stage.task(child);
  stage.open(child, [task]);
  const [kill] = only(stage.step({ type: "parked", assignment, task: 1, run: child }), "kill");
  expect(kill).toMatchObject({ assignment, tasks: dispatch.tasks.filter((each) => each !== 1), reason: "taken-back" });
});
