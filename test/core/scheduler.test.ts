import { describe, expect, test } from "vitest";
import type { Lane } from "../../sdk/core/offer.ts";
import { TaskState } from "../../sdk/core/task-table.ts";
import { FARGATE, FARGATE_SPOT, LAMBDA_OFFER, MACHINE, placementOf } from "./offers.ts";
import { only, Stage, type Told } from "./stage.ts";

const LAMBDA = "lambda 1769 MB";
const ok = (task: number): Told => ({ type: "settled", task, kind: "ok", why: "" });
const ended = (run: number): Told => ({ type: "run-ended", run });
const cancelled = (task: number): Told => ({ type: "settled", task, kind: "cancelled", why: "cancelled" });
const blocked = (task: number, blockedBy: number): Told => ({
  type: "settled",
  task,
  kind: "cancelled",
  why: "a dependency failed",
  blockedBy,
});
const dispatch = (assignment: number, task: number, attempt = 1, lane = LAMBDA): Told => ({
  type: "dispatch",
  assignment,
  lane,
  tasks: [task],
  attempts: [attempt],
});

const onLambda = (options = {}) => new Stage([LAMBDA_OFFER], options);

describe("a run", () => {
  test("without tasks ends at once", () => {
    const stage = onLambda();
    expect(stage.open(stage.run())).toEqual([ended(0)]);
  });

  test("of what is done already ends at once", () => {
    const stage = onLambda();
    const run = stage.run();
    stage.task(run, { state: "skipped" });
    stage.task(run, { state: "done", after: [0] });
    expect(stage.open(run)).toEqual([ended(0)]);
  });

  test("of a diamond runs the root, then both sides, then the top, and ends once", () => {
    const stage = onLambda();
    const run = stage.run();
    const root = stage.task(run);
    const left = stage.task(run, { type: "left", after: [root] });
    const right = stage.task(run, { type: "right", after: [root] });
    const top = stage.task(run, { type: "top", after: [left, right] });
    expect(stage.open(run)).toEqual([dispatch(0, root)]);

    const [settled, ...sides] = stage.ok(0, root);
    expect(settled).toEqual(ok(root));
    expect(sides.map(({ type }) => type)).toEqual(["dispatch", "dispatch"]);
    const [first, second] = only(sides, "dispatch").flatMap(({ tasks }) => tasks);
    expect([first, second].sort()).toEqual([left, right]);

    expect(stage.ok(1, first)).toEqual([ok(first)]);
    expect(stage.ok(2, second)).toEqual([ok(second), dispatch(3, top)]);
    expect(stage.ok(3, top)).toEqual([ok(top), ended(run)]);
    expect(stage.scheduler.inFlight).toBe(0);
  });

  test("starts with what its cached tasks feed", () => {
    const stage = onLambda();
    const run = stage.run();
    const cached = stage.task(run, { state: "done" });
    const top = stage.task(run, { after: [cached] });
    expect(stage.open(run)).toEqual([dispatch(0, top)]);
  });

  test("never has more assignments in flight than its concurrency", () => {
    const stage = onLambda({ concurrency: 2 });
    const run = stage.run();
    stage.tasks(run, 5);
    expect(stage.open(run)).toEqual([dispatch(0, 0), dispatch(1, 1)]);
    expect(stage.ok(0, 0)).toEqual([ok(0), dispatch(2, 2)]);
  });

  test("never uses more than the account's quota, also when that changes", () => {
    const stage = new Stage([{ ...LAMBDA_OFFER, concurrency: 2 }]);
    const run = stage.run();
    stage.tasks(run, 6);
    expect(stage.open(run)).toHaveLength(2);
    expect(stage.step({ type: "limit", group: "lambda", slots: 4 })).toEqual([dispatch(2, 2), dispatch(3, 3)]);
    expect(stage.scheduler.capacityInUse("lambda")).toBe(4);
    stage.step({ type: "limit", group: "lambda", slots: 1 });
    expect(only(stage.ok(0, 0), "dispatch")).toEqual([]);
  });

  test("gives the same commands for the same events", () => {
    const history = () => {
      const stage = onLambda({ seed: 7 });
      const run = stage.run();
      stage.tasks(run, 3, { policy: { retryOn: true } });
      return [stage.open(run), stage.fails(0, 0, { kind: "user-error", retryable: true }), stage.wake()];
    };
    expect(history()).toEqual(history());
  });
});

describe("a failed attempt", () => {
  test("in retryOn is tried again after a jittered wait, then with twice the longest wait", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run, { policy: { maxRetries: 2 } });
    stage.open(run);
    const [first, second] = stage.waits(200, 400);
    const failure = { kind: "user-error", retryable: true } as const;
    const why = "the task's own error, in retryOn; retry";
    expect(stage.fails(0, task, failure)).toEqual([
      {
        type: "retry",
        task,
        attempt: 1,
        kind: "user-error",
        delayMs: first,
        lane: LAMBDA,
        why: `${why} 1 of 2`,
      },
    ]);
    expect(stage.scheduler.wakeAt).toBe(first);
    stage.now = first - 1;
    expect(stage.step({ type: "tick" })).toEqual([]);
    stage.now = first;
    expect(stage.step({ type: "tick" })).toEqual([dispatch(1, task, 2)]);
    expect(stage.fails(1, task, failure)).toMatchObject([{ type: "retry", attempt: 2, delayMs: second }]);
    expect(stage.wake()).toEqual([dispatch(2, task, 3)]);
    expect(stage.fails(2, task, failure)).toEqual([
      { type: "settled", task, kind: "user-error", why: "the task's own error, in retryOn; maxRetries 2 used up" },
      ended(run),
    ]);
  });

  test("not in retryOn is final, and blocks all that depends on it, at any distance, and nothing else", () => {
    const stage = onLambda();
    const run = stage.run();
    const bad = stage.task(run, { type: "bad" });
    const good = stage.task(run, { type: "good" });
    const near = stage.task(run, { after: [bad, good] });
    const far = stage.task(run, { after: [near] });
    const free = stage.task(run, { type: "free", after: [good] });
    stage.open(run);
    expect(stage.fails(0, bad, { kind: "user-error" })).toEqual([
      { type: "settled", task: bad, kind: "user-error", why: "the task's own error, not in retryOn" },
      blocked(near, bad),
      blocked(far, bad),
    ]);
    expect(stage.ok(1, good)).toEqual([ok(good), dispatch(2, free)]);
    expect(stage.ok(2, free)).toEqual([ok(free), ended(run)]);
  });

  test("with failFast ends the run: what waits is cancelled, what runs is killed", () => {
    const stage = onLambda({ concurrency: 2 });
    const run = stage.run(true);
    const [bad, running, waiting] = stage.tasks(run, 3);
    stage.open(run);
    expect(stage.fails(0, bad, { kind: "user-error" })).toEqual([
      { type: "settled", task: bad, kind: "user-error", why: "the task's own error, not in retryOn" },
      { type: "kill", assignment: 1, tasks: [running], reason: "cancelled" },
      cancelled(running),
      cancelled(waiting),
      ended(run),
    ]);
    expect(stage.scheduler.inFlight).toBe(0);
  });

  test("with failFast ends its own run only", () => {
    const stage = onLambda();
    const hasty = stage.run(true);
    const patient = stage.run(false);
    const bad = stage.task(hasty);
    const other = stage.task(patient);
    stage.open(hasty, [bad]);
    stage.open(patient, [other]);
    expect(stage.fails(0, bad, { kind: "user-error" })).toMatchObject([{ task: bad }, ended(hasty)]);
    expect(stage.ok(1, other)).toEqual([ok(other), ended(patient)]);
  });

  test("for want of memory goes on at the next larger size at once", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run, { asked: { memoryMb: 512 }, policy: { maxRetries: 0 } });
    expect(stage.open(run)).toEqual([dispatch(0, task, 1, "lambda 512 MB")]);
    expect(stage.fails(0, task, { kind: "out-of-memory" })).toEqual([
      {
        type: "retry",
        task,
        attempt: 1,
        kind: "out-of-memory",
        delayMs: 0,
        lane: "lambda 1024 MB",
        why: "next larger size; free of charge",
      },
      dispatch(1, task, 2, "lambda 1024 MB"),
    ]);
  });

  test("for want of memory on a machine takes more of it the next time", () => {
    const stage = new Stage([{ ...MACHINE, memoryMb: 4_000, pooled: false }]);
    const run = stage.run();
    const [big, other] = stage.tasks(run, 2, { asked: { memoryMb: 2_000 } });
    expect(stage.open(run)).toHaveLength(2);
    // Twice 2,000 MB is all there is: it has to wait for the other.
    expect(only(stage.fails(0, big, { kind: "out-of-memory" }), "dispatch")).toEqual([]);
    expect(stage.ok(1, other)).toEqual([ok(other), dispatch(2, big, 2, "local 4000 MB")]);
  });

  test("at Lambda's own limit of time goes on at ECS, free of charge", () => {
    const stage = new Stage([LAMBDA_OFFER, FARGATE]);
    const run = stage.run();
    const task = stage.task(run, { asked: { memoryMb: 512 }, policy: { maxRetries: 0 } });
    stage.open(run);
    expect(stage.breaks(0, { kind: "timeout", atServiceLimit: true })).toEqual([
      {
        type: "retry",
        task,
        attempt: 1,
        kind: "timeout",
        delayMs: 0,
        lane: "fargate 2 vCPU 11264 MB",
        why: "cut at the service's longest; free of charge",
      },
      { type: "start-executors", lane: "fargate 2 vCPU 11264 MB", count: 1 },
    ]);
  });

  test("at Lambda's own limit of time is charged where there is nothing that allows more", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run, { policy: { maxRetries: 0 } });
    stage.open(run);
    expect(stage.breaks(0, { kind: "timeout", atServiceLimit: true })).toMatchObject([
      { type: "settled", task, kind: "timeout" },
      ended(run),
    ]);
  });

  test("by throttling waits, and halves what may be in flight", () => {
    const stage = onLambda();
    const run = stage.run();
    stage.tasks(run, 8);
    stage.open(run);
    const [wait] = stage.waits(200);
    expect(stage.breaks(0, { kind: "throttled" })).toEqual([
      {
        type: "retry",
        task: 0,
        attempt: 1,
        kind: "throttled",
        delayMs: wait,
        lane: LAMBDA,
        why: "throttled; free of charge",
      },
    ]);
    // Seven in flight were too many: four may be, and one more for each that ends well.
    stage.now = wait;
    expect(only(stage.ok(1, 1), "dispatch")).toEqual([]);
    expect(only(stage.ok(2, 2), "dispatch")).toEqual([dispatch(8, 0, 2)]);
  });
});

test("what a lab may have in flight decides how large batches are, and not only the account's quota", () => {
  const sizes = (concurrency: number) => {
    const stage = new Stage([LAMBDA_OFFER], { concurrency });
    const run = stage.run();
    stage.scheduler.learnDuration("task", 1);
    stage.tasks(run, 80);
    return only(stage.open(run), "dispatch").map(({ tasks }) => tasks.length);
  };
  expect(sizes(1)).toEqual([40]);
  expect(sizes(4).slice(0, 2)).toEqual([10, 12]);
  expect(sizes(1_000).slice(0, 2)).toEqual([1, 1]);
});

describe("what ends several attempts at once", () => {
  /** An executor with a batch of short tasks on it, and another behind that. */
  function batched(count = 8, policy = {}) {
    const stage = new Stage([{ ...MACHINE, slots: 1 }]);
    const run = stage.run();
    stage.scheduler.learnDuration("task", 1);
    const tasks = stage.tasks(run, count, { policy });
    expect(stage.open(run)).toEqual([{ type: "start-executors", lane: "local", count: 1 }]);
    const [lane] = placementOf({}, [{ ...MACHINE, slots: 1 }]).ladder as [Lane];
    return { stage, run, tasks, lane, dispatched: stage.ready("e1", lane) };
  }

  test("short tasks share a dispatch, and the next waits beside it", () => {
    expect(batched().dispatched).toEqual([
      { type: "dispatch", assignment: 0, lane: "local", executor: "e1", tasks: [0, 1, 2, 3], attempts: [1, 1, 1, 1] },
      { type: "dispatch", assignment: 1, lane: "local", executor: "e1", tasks: [4, 5], attempts: [1, 1] },
    ]);
  });

  test("is charged to the culprit alone; the others are begun anew as if nothing had been", () => {
    const { stage, lane } = batched();
    stage.ok(0, 0, 1);
    const [wait] = stage.waits(200);
    expect(stage.gone("e1", { kind: "executor-lost", culprit: 1 })).toEqual([
      {
        type: "retry",
        task: 1,
        attempt: 1,
        kind: "executor-lost",
        delayMs: wait,
        lane: "local",
        why: "the executor was lost; retry 1 of 3",
      },
      { type: "start-executors", lane: "local", count: 1 },
    ]);
    const [again] = only(stage.ready("e2", lane), "dispatch");
    expect(new Set(again.attempts)).toEqual(new Set([1]));
    expect(again.tasks).not.toContain(1);
  });

  test("without a culprit is charged to nobody, but then each of them goes alone", () => {
    const { stage, lane } = batched();
    expect(stage.gone("e1", { kind: "executor-lost" })).toEqual([{ type: "start-executors", lane: "local", count: 1 }]);
    // Those that were still in the queue are above suspicion.
    const seen: Told[] = stage.ready("e2", lane);
    for (let assignment = 2; stage.scheduler.inFlight > 0; assignment++) {
      const tasks = only(seen, "dispatch").find((told) => told.assignment === assignment)?.tasks ?? [];
      for (const task of tasks) seen.push(...stage.ok(assignment, task, 1));
    }
    const batches = only(seen, "dispatch").map(({ tasks }) => tasks);
    for (const suspect of [0, 1, 2, 3, 4, 5]) expect(batches).toContainEqual([suspect]);
    expect(seen.at(-1)).toEqual(ended(0));
    expect(only(seen, "retry")).toEqual([]);
  });

  test("is charged to a task that was alone", () => {
    const { stage } = batched(1);
    expect(stage.gone("e1", { kind: "executor-lost" })).toMatchObject([
      { type: "retry", task: 0, kind: "executor-lost" },
    ]);
  });

  test("on purpose is nobody's fault: all are begun anew, together", () => {
    const { stage, lane, dispatched } = batched();
    expect(stage.gone("e1")).toEqual([{ type: "start-executors", lane: "local", count: 1 }]);
    const again = only(stage.ready("e2", lane), "dispatch");
    expect(again.map(({ tasks }) => tasks.length)).toEqual(
      only(dispatched, "dispatch").map(({ tasks }) => tasks.length),
    );
  });

  test("by eviction is free for all of them", () => {
    const { stage } = batched(4);
    const told = stage.gone("e1", { kind: "spot-interruption", culprit: 1 });
    expect(only(told, "retry")).toMatchObject(
      [0, 1, 2].map((task) => ({ task, kind: "spot-interruption", delayMs: 0, why: "evicted; free of charge" })),
    );
  });

  test("on Lambda ends the invocation's attempts, not those of others", () => {
    const stage = onLambda();
    const run = stage.run();
    const [a, b] = stage.tasks(run, 2);
    stage.open(run);
    expect(only(stage.breaks(0, { kind: "executor-lost" }), "retry")).toMatchObject([{ task: a }]);
    expect(stage.ok(1, b)).toEqual([ok(b)]);
  });

  test("tells the same death twice without effect", () => {
    const { stage } = batched();
    stage.gone("e1", { kind: "executor-lost", culprit: 0 });
    expect(stage.gone("e1", { kind: "executor-lost", culprit: 0 })).toEqual([]);
    expect(stage.breaks(0, { kind: "executor-lost" })).toEqual([]);
  });

  test("never happens to tasks with maxRetries 0: they share nothing and wait behind nothing", () => {
    const stage = new Stage([{ ...MACHINE, slots: 1 }]);
    const run = stage.run();
    stage.scheduler.learnDuration("task", 1);
    stage.tasks(run, 8, { policy: { maxRetries: 0 } });
    stage.open(run);
    const [lane] = placementOf({}, [MACHINE]).ladder;
    expect(stage.ready("e1", lane)).toEqual([{ ...dispatch(0, 0, 1, "local"), executor: "e1" }]);
    expect(stage.ok(0, 0, 1)).toEqual([ok(0), { ...dispatch(1, 1, 1, "local"), executor: "e1" }]);
  });
});

describe("a task that two runs want", () => {
  function shared() {
    const stage = onLambda();
    const first = stage.run();
    const task = stage.task(first);
    stage.open(first, [task]);
    const second = stage.run();
    stage.scheduler.shareTask(second, task);
    expect(stage.open(second, [])).toEqual([]);
    return { stage, first, second, task };
  }

  test("runs once, and ends both", () => {
    const { stage, first, second, task } = shared();
    expect(stage.ok(0, task)).toEqual([ok(task), ended(first), ended(second)]);
  });

  test("fails both", () => {
    const { stage, first, second, task } = shared();
    expect(stage.fails(0, task, { kind: "user-error" })).toMatchObject([
      { type: "settled", task, kind: "user-error" },
      ended(first),
      ended(second),
    ]);
  });

  test("goes on for the second when the first is cancelled", () => {
    const { stage, first, second, task } = shared();
    expect(stage.step({ type: "cancel", run: first, drain: false })).toEqual([ended(first)]);
    expect(stage.ok(0, task)).toEqual([ok(task), ended(second)]);
  });

  test("goes on for the first when the second is cancelled", () => {
    const { stage, first, second, task } = shared();
    expect(stage.step({ type: "cancel", run: second, drain: false })).toEqual([ended(second)]);
    expect(stage.ok(0, task)).toEqual([ok(task), ended(first)]);
  });

  test("is killed when both are cancelled", () => {
    const { stage, first, second, task } = shared();
    stage.step({ type: "cancel", run: first, drain: false });
    expect(stage.step({ type: "cancel", run: second, drain: false })).toEqual([
      { type: "kill", assignment: 0, tasks: [task], reason: "cancelled" },
      cancelled(task),
      ended(second),
    ]);
  });

  test("is retried as long as one of them is not cancelled", () => {
    const { stage, first, task } = shared();
    stage.step({ type: "cancel", run: first, drain: true });
    expect(stage.fails(0, task, { kind: "executor-lost" })).toMatchObject([{ type: "retry", task }]);
  });

  test("that is settled already is waited for by nobody", () => {
    const { stage, task } = shared();
    stage.ok(0, task);
    const third = stage.run();
    stage.scheduler.shareTask(third, task);
    expect(stage.open(third, [])).toEqual([ended(third)]);
  });
});

describe("cancelling a run", () => {
  test("kills what runs, and drops what waits, is ready, or is in backoff", () => {
    const stage = onLambda({ concurrency: 2 });
    const run = stage.run();
    const [running, backoff, ready] = stage.tasks(run, 3);
    const waiting = stage.task(run, { after: [running] });
    stage.open(run);
    stage.fails(1, backoff, { kind: "executor-lost" });
    expect(stage.step({ type: "cancel", run, drain: false })).toEqual([
      { type: "kill", assignment: 0, tasks: [running], reason: "cancelled" },
      cancelled(running),
      blocked(waiting, running),
      cancelled(backoff),
      { type: "kill", assignment: 2, tasks: [ready], reason: "cancelled" },
      cancelled(ready),
      ended(run),
    ]);
    expect(stage.scheduler.inFlight).toBe(0);
    // The timer of the backoff rings for nobody.
    expect(stage.wake()).toEqual([]);
  });

  test("with drain lets what runs finish, and starts nothing more", () => {
    const stage = onLambda({ concurrency: 1 });
    const run = stage.run();
    const [running, ready] = stage.tasks(run, 2);
    stage.open(run);
    expect(stage.step({ type: "cancel", run, drain: true })).toEqual([cancelled(ready)]);
    expect(stage.ok(0, running)).toEqual([ok(running), ended(run)]);
  });

  test("with drain does not try again what fails meanwhile", () => {
    const stage = onLambda({ concurrency: 1 });
    const run = stage.run();
    const [running] = stage.tasks(run, 2);
    stage.open(run);
    stage.step({ type: "cancel", run, drain: true });
    expect(stage.breaks(0, { kind: "executor-lost" })).toEqual([
      { type: "settled", task: running, kind: "executor-lost", why: "the run was cancelled" },
      ended(run),
    ]);
  });

  test("a second time, without drain, stops what was left to finish", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    expect(stage.step({ type: "cancel", run, drain: true })).toEqual([]);
    expect(stage.step({ type: "cancel", run, drain: false })).toEqual([
      { type: "kill", assignment: 0, tasks: [task], reason: "cancelled" },
      cancelled(task),
      ended(run),
    ]);
  });

  test("in one task leaves the others alone, but for those that depend on it", () => {
    const stage = onLambda();
    const run = stage.run();
    const [one, other] = stage.tasks(run, 2);
    const above = stage.task(run, { after: [one] });
    stage.open(run);
    expect(stage.step({ type: "cancel", run, tasks: [one], drain: false })).toEqual([
      { type: "kill", assignment: 0, tasks: [one], reason: "cancelled" },
      cancelled(one),
      blocked(above, one),
    ]);
    expect(stage.ok(1, other)).toEqual([ok(other), ended(run)]);
  });

  test("after its end changes nothing", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    stage.ok(0, task);
    expect(stage.step({ type: "cancel", run, drain: false })).toEqual([]);
  });
});

describe("lost results", () => {
  test("are made again, with all that was skipped for their sake, before those that need them", () => {
    const stage = onLambda();
    const run = stage.run();
    const raw = stage.task(run, { type: "raw", state: "skipped" });
    const data = stage.task(run, { type: "data", state: "done", after: [raw] });
    const model = stage.task(run, { type: "model", after: [data], policy: { maxRetries: 0 } });
    expect(stage.open(run)).toEqual([dispatch(0, model)]);
    expect(stage.fails(0, model, { kind: "object-lost", lost: [data] })).toEqual([
      {
        type: "retry",
        task: model,
        attempt: 1,
        kind: "object-lost",
        delayMs: 0,
        lane: LAMBDA,
        why: "an input was lost; its producer runs again",
      },
      { type: "reopened", task: data },
      { type: "reopened", task: raw },
      dispatch(1, raw),
    ]);
    expect(stage.ok(1, raw)).toEqual([ok(raw), dispatch(2, data)]);
    expect(stage.ok(2, data)).toEqual([ok(data), dispatch(3, model, 2)]);
    expect(stage.ok(3, model)).toEqual([ok(model), ended(run)]);
  });

  test("are made once, however many miss them", () => {
    const stage = onLambda();
    const run = stage.run();
    const data = stage.task(run, { type: "data", state: "done" });
    const [a, b] = stage.tasks(run, 2, { after: [data] });
    stage.open(run);
    expect(only(stage.fails(0, a, { kind: "object-lost", lost: [data] }), "reopened")).toEqual([
      { type: "reopened", task: data },
    ]);
    const second = stage.fails(1, b, { kind: "object-lost", lost: [data] });
    expect([only(second, "reopened"), only(second, "dispatch")]).toEqual([[], []]);
    const told = stage.ok(2, data);
    expect(only(told, "dispatch")).toHaveLength(2);
  });

  test("hold back what had not begun, and let what runs go on", () => {
    const stage = onLambda({ concurrency: 2 });
    const run = stage.run();
    const data = stage.task(run, { type: "data", state: "done" });
    const [a, b, c] = stage.tasks(run, 3, { after: [data] });
    stage.open(run);
    expect(only(stage.fails(0, a, { kind: "object-lost", lost: [data] }), "dispatch")).toEqual([dispatch(2, data)]);
    expect(stage.scheduler.tasks.state[c]).toBe(TaskState.Waiting);
    expect(stage.ok(1, b)).toEqual([ok(b)]);
    expect(only(stage.ok(2, data), "dispatch")).toHaveLength(2);
  });

  test("that cannot be made again fail those that need them", () => {
    const stage = onLambda();
    const run = stage.run();
    const data = stage.task(run, { type: "data", state: "done" });
    const model = stage.task(run, { type: "model", after: [data] });
    stage.open(run);
    stage.fails(0, model, { kind: "object-lost", lost: [data] });
    expect(stage.fails(1, data, { kind: "user-error" })).toEqual([
      { type: "settled", task: data, kind: "user-error", why: "the task's own error, not in retryOn" },
      blocked(model, data),
      ended(run),
    ]);
  });

  test("that an attempt in flight misses as well block it when its producer has failed for good", () => {
    const stage = onLambda();
    const run = stage.run();
    const data = stage.task(run, { type: "data", state: "done" });
    const [a, b] = stage.tasks(run, 2, { after: [data] });
    stage.open(run);
    stage.fails(0, a, { kind: "object-lost", lost: [data] });
    stage.fails(2, data, { kind: "user-error" });
    expect(stage.fails(1, b, { kind: "object-lost", lost: [data] })).toMatchObject([
      { type: "retry", task: b },
      blocked(b, data),
      ended(run),
    ]);
  });

  test("are given up after ten times", () => {
    const stage = onLambda();
    const run = stage.run();
    const data = stage.task(run, { type: "data", state: "done" });
    const model = stage.task(run, { type: "model", after: [data] });
    stage.open(run);
    let assignment = 0;
    for (let times = 0; times < 10; times++) {
      expect(only(stage.fails(assignment++, model, { kind: "object-lost", lost: [data] }), "reopened")).toHaveLength(1);
      stage.ok(assignment++, data);
    }
    expect(stage.fails(assignment, model, { kind: "object-lost", lost: [data] })).toEqual([
      { type: "settled", task: model, kind: "object-lost", why: "its inputs were lost 11 times" },
      ended(run),
    ]);
  });

  test("that are none of its inputs are waited for, and what was waited for in vain blocks it", () => {
    const stage = onLambda();
    const first = stage.run();
    const putter = stage.task(first, { type: "putter", state: "done" });
    stage.open(first);
    const second = stage.run();
    const [a, b] = stage.tasks(second, 2);
    stage.open(second, [a, b]);
    const lost = { kind: "object-lost", lost: [putter] } as const;
    expect(only(stage.fails(0, a, lost), "dispatch")).toEqual([dispatch(2, putter)]);
    expect(only(stage.fails(1, b, lost), "dispatch")).toEqual([]);
    expect(stage.ok(2, putter)).toMatchObject([ok(putter), { type: "dispatch" }, { type: "dispatch" }]);
    expect(stage.ok(4, a)).toEqual([ok(a)]);
    // Lost once more: it stands among what the task depends on, once.
    const dispatched = only(stage.fails(3, b, lost), "dispatch");
    expect(dispatched).toEqual([dispatch(5, putter, 2)]);
    expect(stage.fails(5, putter, { kind: "user-error" })).toMatchObject([
      { type: "settled", task: putter, kind: "user-error" },
      blocked(b, putter),
      ended(second),
    ]);
  });

  test("that are none of its inputs are made again for whoever waits for it, also when the first run is cancelled", () => {
    const stage = onLambda();
    const first = stage.run();
    const putter = stage.task(first, { state: "done" });
    stage.open(first);
    const second = stage.run();
    const task = stage.task(second);
    stage.open(second, [task]);
    stage.fails(0, task, { kind: "object-lost", lost: [putter] });
    const third = stage.run();
    stage.scheduler.shareTask(third, task);
    stage.open(third, []);
    expect(stage.step({ type: "cancel", run: second, drain: false })).toEqual([ended(second)]);
    stage.ok(1, putter);
    expect(stage.ok(2, task)).toEqual([ok(task), ended(third)]);
  });

  test("that are none of its inputs block it once where what they need has failed for good", () => {
    const stage = onLambda();
    const run = stage.run();
    const raw = stage.task(run, { type: "raw", state: "done" });
    const putter = stage.task(run, { type: "putter", state: "done", after: [raw] });
    const first = stage.task(run, { after: [raw] });
    const second = stage.task(run);
    stage.open(run);
    stage.fails(0, first, { kind: "object-lost", lost: [raw] });
    stage.fails(2, raw, { kind: "user-error" });
    expect(stage.fails(1, second, { kind: "object-lost", lost: [putter] })).toMatchObject([
      { type: "retry", task: second },
      { type: "reopened", task: putter },
      blocked(putter, raw),
      blocked(second, raw),
      ended(run),
    ]);
  });

  test("that the task has put itself let it begin again", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    expect(only(stage.fails(0, task, { kind: "object-lost", lost: [task] }), "dispatch")).toEqual([
      dispatch(1, task, 2),
    ]);
    expect(stage.ok(1, task)).toEqual([ok(task), ended(run)]);
  });

  test("that only what waits for the task could make again are lost for good", () => {
    const stage = onLambda();
    const run = stage.run();
    const data = stage.task(run);
    const after = stage.task(run, { after: [data] });
    stage.open(run);
    expect(stage.fails(0, data, { kind: "object-lost", lost: [after] })).toMatchObject([
      { type: "settled", task: data, kind: "object-lost", why: "no task can make again what was lost" },
      blocked(after, data),
      ended(run),
    ]);
    const other = stage.run();
    const parent = stage.task(other);
    stage.open(other, [parent]);
    const nested = stage.scheduler.addRun({ failFast: false, parent });
    const child = stage.task(nested);
    stage.open(nested, [child]);
    stage.step({ type: "parked", assignment: 1, task: parent, run: nested });
    expect(only(stage.fails(2, child, { kind: "object-lost", lost: [parent] }), "settled")).toMatchObject([
      { task: child, kind: "object-lost", why: "no task can make again what was lost" },
    ]);
    expect(stage.ok(1, parent)).toEqual([ok(parent), ended(other)]);
  });

  test("that nobody can name let the attempt begin again at once", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    expect(only(stage.fails(0, task, { kind: "object-lost", lost: [] }), "dispatch")).toEqual([dispatch(1, task, 2)]);
  });

  test("that a run finds out about at its very end open it again", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run, { state: "done" });
    expect(stage.open(run)).toEqual([ended(run)]);
    expect(stage.step({ type: "lost", runs: [run], tasks: [task] })).toEqual([
      { type: "reopened", task },
      dispatch(0, task),
    ]);
    expect(stage.ok(0, task)).toEqual([ok(task), ended(run)]);
  });

  test("that several runs miss are lost once: the attempt that makes them again is not given up for it", () => {
    const stage = onLambda();
    const runs = [stage.run(), stage.run()];
    const task = stage.task(runs[0], { state: "done" });
    for (const run of runs) stage.open(run);
    for (let assignment = 0; assignment < 10; assignment++) {
      const told = runs.flatMap((run) => stage.step({ type: "lost", runs: [run], tasks: [task] }));
      expect(told).toEqual([{ type: "reopened", task }, dispatch(assignment, task, assignment + 1)]);
      stage.ok(assignment, task);
    }
    expect(only(stage.step({ type: "lost", runs, tasks: [task] }), "settled")).toMatchObject([
      { task, kind: "object-lost", why: "its result was lost 11 times" },
    ]);
    expect(stage.scheduler.inFlight).toBe(0);
  });

  test("of what no executor can run are infeasible", () => {
    const stage = onLambda();
    const run = stage.run();
    const nowhere = stage.scheduler.addShape({
      type: "gpu",
      placement: { ladder: [], onDemandLadder: [], reason: "", uses: {} },
      policy: { maxRetries: 3, retryOn: false, maxOomRetries: 3 },
    });
    const task = stage.scheduler.addTask(run, nowhere, "done");
    stage.open(run);
    expect(stage.step({ type: "lost", runs: [run], tasks: [task] })).toEqual([
      { type: "reopened", task },
      {
        type: "settled",
        task,
        kind: "infeasible",
        why: "its stored result is lost, and no executor can run it",
      },
      ended(run),
    ]);
  });
});

describe("attempts that nobody waits for any more", () => {
  test("are as good as any when their result comes late, and the one in flight is stopped", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    stage.breaks(0, { kind: "executor-lost" });
    expect(stage.wake()).toEqual([dispatch(1, task, 2)]);
    expect(stage.ok(0, task)).toEqual([
      { type: "kill", assignment: 1, tasks: [task], reason: "superseded" },
      ok(task),
      ended(run),
    ]);
    expect(stage.scheduler.inFlight).toBe(0);
    // What the stopped one says afterwards changes nothing.
    expect(stage.ok(1, task)).toEqual([]);
    expect(stage.fails(1, task, { kind: "cancelled" })).toEqual([]);
  });

  test("end the wait for the next one when their result comes in time for that", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run);
    stage.open(run);
    stage.breaks(0, { kind: "executor-lost" });
    expect(stage.ok(0, task)).toEqual([ok(task), ended(run)]);
    expect(stage.wake()).toEqual([]);
  });

  test("harm nobody when they fail late", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run, { policy: { maxRetries: 1 } });
    stage.open(run);
    stage.breaks(0, { kind: "executor-lost" });
    stage.wake();
    expect(stage.fails(0, task, { kind: "user-error" })).toEqual([]);
    expect(stage.breaks(0, { kind: "executor-lost" })).toEqual([]);
    expect(stage.ok(1, task)).toEqual([ok(task), ended(run)]);
  });

  test("do not bring a task back that was given up", () => {
    const stage = onLambda();
    const run = stage.run();
    const task = stage.task(run, { policy: { maxRetries: 0 } });
    stage.open(run);
    stage.breaks(0, { kind: "executor-lost" });
    expect(stage.ok(0, task)).toEqual([]);
    expect(stage.scheduler.tasks.state[task]).toBe(TaskState.Failed);
  });

  test("tell the same result twice without effect", () => {
    const stage = onLambda();
    const run = stage.run();
    const [a, b] = stage.tasks(run, 2);
    stage.open(run);
    expect(stage.ok(0, a)).toEqual([ok(a)]);
    expect(stage.ok(0, a)).toEqual([]);
    expect(stage.ok(1, b)).toEqual([ok(b), ended(run)]);
  });
});

describe("executors that are started", () => {
  const spotAndNot = [FARGATE_SPOT, FARGATE];
  const SPOT = "fargate spot 1 vCPU 2048 MB";
  const ON_DEMAND = "fargate 1 vCPU 2048 MB";
  const [spotLane] = placementOf({ executor: "ecs" }, spotAndNot).ladder;

  test("are one for each task while nothing is known of them, up to what there may be", () => {
    const stage = new Stage([{ ...FARGATE, maxEcsTasks: 3 }]);
    const run = stage.run();
    stage.tasks(run, 5);
    expect(stage.open(run)).toEqual([{ type: "start-executors", lane: ON_DEMAND, count: 3 }]);
  });

  test("are no more than there is work for, of tasks known to be short", () => {
    const stage = new Stage(spotAndNot);
    const run = stage.run();
    stage.scheduler.learnDuration("task", 1_000);
    stage.tasks(run, 90);
    // 90 s of work: an executor each half minute.
    expect(stage.open(run)).toEqual([{ type: "start-executors", lane: SPOT, count: 3 }]);
  });

  test("take the next task when they are done with one", () => {
    const stage = new Stage([{ ...FARGATE, maxEcsTasks: 1 }]);
    const run = stage.run();
    stage.tasks(run, 2);
    stage.open(run);
    const [lane] = placementOf({ executor: "ecs" }, [FARGATE]).ladder;
    expect(stage.ready("e1", lane)).toEqual([{ ...dispatch(0, 0, 1, ON_DEMAND), executor: "e1" }]);
    expect(stage.ok(0, 0)).toEqual([ok(0), { ...dispatch(1, 1, 1, ON_DEMAND), executor: "e1" }]);
  });

  test("and refused for want of capacity are asked for again after a pause, and nobody is judged", () => {
    const stage = new Stage([FARGATE_SPOT]);
    const run = stage.run();
    stage.tasks(run, 1);
    stage.open(run);
    const waits = stage.waits(1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000);
    for (const wait of waits) {
      const before = stage.now;
      expect(stage.step({ type: "start-failed", lane: spotLane, count: 1, kind: "throttled" })).toEqual([]);
      expect(stage.scheduler.wakeAt).toBe(before + wait);
      // Launches are slower from then on, so that the pause may not be all there is to wait for.
      const atOnce = stage.wake();
      expect(atOnce.length > 0 ? atOnce : stage.wake()).toEqual([{ type: "start-executors", lane: SPOT, count: 1 }]);
    }
  });

  test("and evicted three times before they took work are given up for On-Demand", () => {
    const stage = new Stage(spotAndNot);
    const run = stage.run();
    const task = stage.task(run, { asked: { executor: "ecs" } });
    stage.open(run);
    const eviction = { type: "start-failed", lane: spotLane, count: 1, kind: "spot-interruption" } as const;
    for (let times = 0; times < 2; times++) {
      expect(stage.step(eviction)).toEqual([]);
      expect(stage.wake()).toEqual([{ type: "start-executors", lane: SPOT, count: 1 }]);
    }
    const [retry] = stage.step(eviction);
    expect(retry).toMatchObject({ type: "retry", task, kind: "spot-interruption", delayMs: 0, lane: ON_DEMAND });
  });

  describe("and were started at once with others", () => {
    const eviction = (count = 1) =>
      ({ type: "start-failed", lane: spotLane, count, kind: "spot-interruption" }) as const;
    const five = () => {
      const stage = new Stage(spotAndNot);
      const run = stage.run();
      const tasks = stage.tasks(run, 5, { asked: { executor: "ecs" } });
      expect(stage.open(run)).toEqual([{ type: "start-executors", lane: SPOT, count: 5 }]);
      // However long that takes: what comes of the others is waited for, and nothing more is started.
      for (let times = 0; times < 4; times++) expect(stage.step(eviction())).toEqual([]);
      for (let times = 0; times < 4; times++) expect(stage.wake()).toEqual([]);
      return { stage, tasks };
    };

    test("are not given up as long as one may still come", () => {
      const { stage, tasks } = five();
      expect(stage.ready("e1", spotLane)).toMatchObject([{ type: "dispatch", executor: "e1" }, { count: 4 }]);
      expect(stage.step(eviction(4))).toEqual([]);
      expect(tasks.every((task) => stage.scheduler.tasks.state[task] !== TaskState.Failed)).toBe(true);
    });

    test("are given up with the last of them", () => {
      const { stage, tasks } = five();
      expect(only(stage.step(eviction()), "retry")).toMatchObject(
        tasks.map((task) => ({ task, kind: "spot-interruption", lane: ON_DEMAND })),
      );
    });

    test("are given up for what happened before, when the last of them is throttled", () => {
      const { stage, tasks } = five();
      const throttle = { type: "start-failed", lane: spotLane, count: 1, kind: "throttled" } as const;
      expect(only(stage.step(throttle), "retry")).toMatchObject(
        tasks.map((task) => ({ task, kind: "spot-interruption", lane: ON_DEMAND })),
      );
    });
  });

  test("and fail to start four times in a row are given up for On-Demand", () => {
    const stage = new Stage(spotAndNot);
    const run = stage.run();
    const task = stage.task(run, { asked: { executor: "ecs" } });
    expect(stage.open(run)).toEqual([{ type: "start-executors", lane: SPOT, count: 1 }]);
    const failure = { type: "start-failed", lane: spotLane, count: 1, kind: "start-failed" } as const;
    for (let times = 0; times < 3; times++) {
      expect(stage.step(failure)).toEqual([]);
      expect(stage.wake()).toEqual([{ type: "start-executors", lane: SPOT, count: 1 }]);
    }
    const [retry, ...rest] = stage.step(failure);
    expect(retry).toMatchObject({ type: "retry", task, kind: "start-failed", lane: ON_DEMAND });
    expect(rest).toEqual([]);
    expect(stage.wake()).toEqual([{ type: "start-executors", lane: ON_DEMAND, count: 1 }]);
  });

  test("and fail to start four times in a row fail the tasks where there is nothing else", () => {
    const stage = new Stage([FARGATE]);
    const run = stage.run();
    const tasks = stage.tasks(run, 2);
    stage.open(run);
    const [lane] = placementOf({ executor: "ecs" }, [FARGATE]).ladder;
    const failure = { type: "start-failed", lane, count: 2, kind: "start-failed" } as const;
    for (let times = 0; times < 3; times++) {
      stage.step(failure);
      stage.wake();
    }
    expect(stage.step(failure)).toEqual([
      ...tasks.map((task) => ({ type: "settled", task, kind: "start-failed", why: "could not be started 4 times" })),
      ended(run),
    ]);
  });

  test("and start at last are forgiven what failed before", () => {
    const stage = new Stage([FARGATE]);
    const run = stage.run();
    stage.tasks(run, 2);
    stage.open(run);
    const [lane] = placementOf({ executor: "ecs" }, [FARGATE]).ladder;
    const failure = { type: "start-failed", lane, count: 1, kind: "start-failed" } as const;
    for (let round = 0; round < 3; round++) {
      for (let times = 0; times < 3; times++) {
        expect(only(stage.step(failure), "settled")).toEqual([]);
        stage.wake();
      }
      stage.ready(`e${round}`, lane);
      stage.gone(`e${round}`);
    }
    expect(stage.scheduler.tasks.state[0]).not.toBe(TaskState.Failed);
  });

  test("and are evicted three times are replaced On-Demand, at the same size", () => {
    const stage = new Stage(spotAndNot);
    const run = stage.run();
    const task = stage.task(run, { asked: { executor: "ecs" }, policy: { maxRetries: 0 } });
    stage.open(run);
    for (const id of ["e1", "e2"]) {
      stage.ready(id, spotLane);
      expect(stage.gone(id, { kind: "spot-interruption", culprit: task })).toMatchObject([
        { type: "retry", task, lane: SPOT, why: "evicted; free of charge" },
        { type: "start-executors", lane: SPOT, count: 1 },
      ]);
    }
    stage.ready("e3", spotLane);
    expect(stage.gone("e3", { kind: "spot-interruption", culprit: task })).toMatchObject([
      { type: "retry", task, lane: ON_DEMAND, why: "evicted 3 times; now On-Demand" },
      { type: "start-executors", lane: ON_DEMAND, count: 1 },
    ]);
  });

  test("give their place to another size that needs it, when they idle", () => {
    const offer = [{ ...FARGATE, maxEcsTasks: 1 }];
    const stage = new Stage(offer);
    const run = stage.run();
    const small = stage.task(run, { type: "small" });
    const large = stage.task(run, { type: "large", asked: { memoryMb: 8_000 }, after: [small] });
    stage.open(run);
    stage.ready("small", placementOf({ executor: "ecs" }, offer).ladder[0]);
    const LARGE = "fargate 1 vCPU 8192 MB";
    expect(stage.ok(0, small)).toEqual([
      ok(small),
      { type: "stop-executor", executor: "small" },
      { type: "start-executors", lane: LARGE, count: 1 },
    ]);
    // That it is gone now was known already.
    expect(stage.gone("small")).toEqual([]);
    expect(stage.ready("large", placementOf({ memoryMb: 8_000 }, offer).ladder[0])).toEqual([
      { ...dispatch(1, large, 1, LARGE), executor: "large" },
    ]);
  });

  test("are left alone when they are busy, whoever wants their place", () => {
    const offer = [{ ...FARGATE, maxEcsTasks: 1 }];
    const stage = new Stage(offer);
    const run = stage.run();
    stage.task(run, { type: "small" });
    stage.task(run, { type: "large", asked: { memoryMb: 8_000 } });
    expect(stage.open(run)).toEqual([{ type: "start-executors", lane: ON_DEMAND, count: 1 }]);
    expect(only(stage.ready("small", placementOf({ executor: "ecs" }, offer).ladder[0]), "stop-executor")).toEqual([]);
    expect(only(stage.ok(0, 0), "stop-executor")).toEqual([{ type: "stop-executor", executor: "small" }]);
  });
});

describe("an attempt that another driver has begun", () => {
  test("is awaited instead of being made again, and counts against the service's limit", () => {
    const stage = new Stage([{ ...LAMBDA_OFFER, concurrency: 2 }]);
    const run = stage.run();
    const [a, b, c] = stage.tasks(run, 3);
    const adopted = stage.scheduler.adopt(a, 2, LAMBDA);
    expect(adopted?.lane.name).toBe(LAMBDA);
    expect(stage.open(run)).toEqual([dispatch(1, b)]);
    expect(
      stage.step({
        type: "attempt-ended",
        assignment: adopted?.assignment ?? -1,
        task: a,
        end: { kind: "ok", durationMs: 5 },
      }),
    ).toEqual([ok(a), dispatch(2, c)]);
  });

  test("that fails is followed by the next one", () => {
    const stage = onLambda();
    const run = stage.run();
    const [a] = stage.tasks(run, 1);
    const adopted = stage.scheduler.adopt(a, 2, LAMBDA);
    expect(stage.open(run)).toEqual([]);
    const told = stage.step({
      type: "assignment-failed",
      assignment: adopted?.assignment ?? -1,
      end: { kind: "executor-lost" },
    });
    expect(told).toMatchObject([{ type: "retry", task: a, attempt: 2, kind: "executor-lost" }]);
  });

  test("is none where the task waits for another, or no lane of it has that name", () => {
    const stage = onLambda();
    const run = stage.run();
    const [a] = stage.tasks(run, 1);
    const [b] = stage.tasks(run, 1, { after: [a] });
    expect(stage.scheduler.adopt(b, 1, LAMBDA)).toBeUndefined();
    expect(stage.scheduler.adopt(a, 1, "the moon")).toBeUndefined();
    expect(stage.open(run)).toEqual([dispatch(0, a)]);
  });
});
