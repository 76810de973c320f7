import { describe, expect, test } from "vitest";
import type { Offer } from "../../sdk/core/offer.ts";
import { SPECULATION } from "../../sdk/core/speculate.ts";
import { LAMBDA_OFFER, MACHINE } from "./offers.ts";
import { only, Stage, type StagedTask, type Told } from "./stage.ts";

const WHY = /^second attempt because the first has taken 2 s, and 95 % of 10 others took 1 s at most$/;

/** Two executors here; ten tasks of a second are done, the next one takes longer. */
function straggling(
  staged: StagedTask = {},
  options: { speculation?: typeof SPECULATION } = { speculation: SPECULATION },
) {
  const stage = new Stage([{ ...MACHINE, slots: 2 }] as Offer, options);
  const run = stage.run();
  const tasks = stage.tasks(run, 11, { policy: { maxRetries: 1 }, ...staged });
  stage.open(run, tasks);
  const lane = stage.scheduler.laneOf(tasks[0]);
  let told = [...stage.ready("e1", lane), ...stage.ready("e2", lane)];
  const slow = tasks[10];
  for (const task of tasks.slice(0, 10)) {
    const { assignment } = dispatchOf(told, task);
    told = [...told, ...stage.ok(assignment, task)];
  }
  const { assignment: first, executor } = dispatchOf(told, slow);
  return { stage, run, slow, first, firstAt: executor as string };
}

function dispatchOf(told: readonly Told[], task: number) {
  const found = only(told, "dispatch").find(({ tasks }) => tasks.includes(task));
  if (!found) throw new Error(`task ${task} was not dispatched`);
  return found;
}

/** Moves the clock by so much, with every tick that is wanted on the way. */
function passes(stage: Stage, ms: number): Told[] {
  const until = stage.now + ms;
  const told: Told[] = [];
  while ((stage.scheduler.wakeAt ?? Number.POSITIVE_INFINITY) <= until) told.push(...stage.wake());
  stage.now = until;
  return told;
}

function second(staged?: StagedTask) {
  const setting = straggling(staged);
  const told = only(passes(setting.stage, 10_000), "dispatch");
  expect(told).toHaveLength(1);
  return { ...setting, told: told[0], second: told[0].assignment, secondAt: told[0].executor as string };
}

describe("an attempt that takes longer than nearly all others of its kind", () => {
  test("is given a second one, on another executor, with the reason", () => {
    const { told, slow, stage } = second();
    expect(told).toMatchObject({ tasks: [slow], attempts: [2], beside: expect.stringMatching(WHY) });
    // Not one more, however long they take.
    expect(passes(stage, 10 ** 7)).toEqual([]);
    expect(stage.scheduler.wakeAt).toBeUndefined();
  });

  test.each<[string, StagedTask]>([
    ["must not be begun twice", { policy: { maxRetries: 0 } }],
    ["says so", { policy: { maxRetries: 1, speculate: false } }],
  ])("is not, where its task %s", (_, staged) => {
    expect(passes(straggling(staged).stage, 10 ** 7)).toEqual([]);
  });

  test("is not where that is switched off, or as long as others wait", () => {
    expect(passes(straggling({}, {}).stage, 10 ** 7)).toEqual([]);
    const { stage, run, slow } = straggling();
    const more = stage.tasks(run, 2, { type: "other" });
    const [{ assignment }] = only(stage.open(run, more), "dispatch");
    expect(only(passes(stage, 10_000), "dispatch")).toEqual([]);
    // The executor is given to the one that waits, and then to the straggler.
    const next = only(stage.ok(assignment, more[0]), "dispatch");
    expect(next).toMatchObject([{ tasks: [more[1]] }]);
    const after = [...stage.ok(next[0].assignment, more[1]), ...passes(stage, 10_000)];
    expect(only(after, "dispatch")).toMatchObject([{ tasks: [slow], beside: expect.any(String) }]);
  });

  test("is not where a second one is dear beside what the run has cost, or more than it may cost", () => {
    const onLambda = (maxCostUsd?: number) => {
      const stage = new Stage([LAMBDA_OFFER], { speculation: SPECULATION });
      const run = stage.scheduler.addRun({ failFast: false, maxCostUsd });
      for (let each = 0; each < 10; each++) {
        const [done] = stage.tasks(run, 1, { asked: { timeoutMs: 2_000 } });
        const [{ assignment }] = only(stage.open(run, [done]), "dispatch");
        stage.ok(assignment, done);
      }
      const slow = stage.tasks(run, 1, { asked: { timeoutMs: 60_000 } });
      stage.open(run, slow);
      const seconds = (usd: number) => {
        stage.step({ type: "charged", run, usd });
        return only(passes(stage, 10_000), "dispatch").length;
      };
      return seconds;
    };
    expect(onLambda()(0.0001)).toBe(0);
    expect(onLambda()(0.01)).toBe(1);
    expect(onLambda(1)(0.01)).toBe(1);
    expect(onLambda(0.01)(0.00999)).toBe(0);
  });
});

test("an attempt whose input is being made again is given no second one, which would only miss it", () => {
  const { stage, slow, run } = straggling();
  const { tasks } = stage.scheduler;
  tasks.pending[slow] = 1;
  expect(only(passes(stage, 10_000), "dispatch")).toEqual([]);
  tasks.pending[slow] = 0;
  stage.step({ type: "charged", run, usd: 0 });
  expect(only(passes(stage, 10_000), "dispatch")).toMatchObject([{ tasks: [slow] }]);
});

describe("of two attempts", () => {
  const kinds = (told: readonly Told[]) => told.map(({ type }) => type);

  test("the first result counts, and the other one is ended", () => {
    for (const winner of ["first", "second"] as const) {
      const setting = second();
      const { stage, slow } = setting;
      const loser = winner === "first" ? setting.second : setting.first;
      const told = stage.ok(setting[winner], slow);
      expect(told).toMatchObject([
        { type: "kill", assignment: loser, tasks: [slow], reason: "superseded" },
        { type: "settled", task: slow, kind: "ok" },
        { type: "run-ended" },
      ]);
      // What is still heard of it changes nothing, and is charged to nobody.
      expect(stage.breaks(loser, { kind: "cancelled" })).toEqual([]);
      expect(stage.ok(loser, slow)).toEqual([]);
      expect(stage.scheduler.inFlight).toBe(0);
    }
  });

  test("one that fails changes nothing while the other goes on", () => {
    for (const loser of ["first", "second"] as const) {
      const setting = second();
      const { stage, slow } = setting;
      const winner = loser === "first" ? setting.second : setting.first;
      expect(stage.fails(setting[loser], slow, { kind: "user-error" })).toEqual([
        { type: "goes-on", task: slow, assignment: setting[loser], kind: "user-error" },
      ]);
      expect(kinds(stage.ok(winner, slow))).toEqual(["settled", "run-ended"]);
    }
  });

  test("the one that is left gets no other: its end is what counts", () => {
    const { stage, first, second: other, slow } = second();
    stage.fails(first, slow, { kind: "timeout" });
    expect(passes(stage, 10 ** 7)).toEqual([]);
    expect(only(stage.fails(other, slow, { kind: "timeout" }), "retry")).toMatchObject([{ task: slow }]);
  });

  test("both lost are one retry; an executor that was stopped on purpose is nobody's fault", () => {
    const { stage, firstAt, secondAt, slow } = second();
    expect(kinds(stage.gone(firstAt, { kind: "executor-lost" }))).toEqual(["goes-on"]);
    const retried = only(stage.gone(secondAt, { kind: "executor-lost" }), "retry");
    expect(retried).toMatchObject([
      { task: slow, kind: "executor-lost", why: expect.stringContaining("retry 1 of 1") },
    ]);

    const stopped = second();
    expect(stopped.stage.gone(stopped.secondAt)).toEqual([]);
    expect(kinds(stopped.stage.ok(stopped.first, stopped.slow))).toEqual(["settled", "run-ended"]);
  });

  test("both are ended when their task is cancelled", () => {
    const { stage, run, first, second: other } = second();
    const killed = only(stage.step({ type: "cancel", run, drain: false }), "kill");
    expect(killed.map(({ assignment, reason }) => [assignment, reason])).toEqual([
      [first, "cancelled"],
      [other, "cancelled"],
    ]);
    expect(stage.scheduler.inFlight).toBe(0);
  });

  test("the one that runs tasks is the only one from then on, and its kind has no second ones any more", () => {
    const { stage, first, second: other, slow } = second();
    const told = stage.step({ type: "asks", assignment: other, task: slow });
    expect(told).toMatchObject([{ type: "kill", assignment: first, reason: "superseded" }]);
    expect(stage.scheduler.isAwaited(other, slow)).toBe(true);
    expect(passes(stage, 10 ** 7)).toEqual([]);
  });

  test.each(["first", "second"] as const)(
    "the %s is suspended before it was heard that it runs tasks: the other goes on",
    (which) => {
      const { stage, slow, ...both } = second();
      const other = which === "first" ? both.second : both.first;
      expect(only(stage.step({ type: "suspended", assignment: both[which], task: slow }), "dispatch")).toEqual([]);
      expect(stage.scheduler.isAwaited(other, slow)).toBe(true);
      expect(passes(stage, 10 ** 7)).toEqual([]);
      expect(only(stage.ok(other, slow), "settled")).toMatchObject([{ task: slow, kind: "ok" }]);
      expect(stage.scheduler.inFlight).toBe(0);
    },
  );
});

test("of a batch, what has ended is not ended again", () => {
  const stage = new Stage([{ ...MACHINE, slots: 1 }] as Offer);
  const run = stage.run();
  const tasks = stage.tasks(run, 8);
  stage.scheduler.learnDuration("task", 1);
  stage.open(run, tasks);
  const [{ assignment, tasks: batch }] = only(stage.ready("e", stage.scheduler.laneOf(tasks[0])), "dispatch");
  expect(batch.length).toBeGreaterThan(1);
  expect(stage.ok(assignment, batch[0], 1)).toEqual([{ type: "settled", task: batch[0], kind: "ok", why: "" }]);
});
