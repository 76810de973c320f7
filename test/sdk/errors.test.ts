import { inspect } from "node:util";
import {
  CodecError,
  InfeasibleError,
  InvalidTaskError,
  LabError,
  LabOptionError,
  RunError,
  type Task,
  TaskCancelledError,
  TaskError,
} from "stratolab";
import { describe, expect, test } from "vitest";
import { add, flaky, huge, throwing } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

/** The error of a run that has to fail. */
async function failed(bench: LabBench, ...tasks: Task<unknown>[]): Promise<RunError> {
  const error = await bench
    .lab()
    .runTasks(tasks)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RunError);
  return error as RunError;
}

describe("error classes", () => {
  test("have their names and are LabErrors, so that one catch is enough", () => {
    const classes = {
      CodecError,
      InfeasibleError,
      InvalidTaskError,
      LabOptionError,
      RunError,
      TaskError,
      TaskCancelledError,
    };
    for (const [name, ErrorClass] of Object.entries(classes)) {
      expect(ErrorClass.name).toBe(name);
      expect(ErrorClass.prototype).toBeInstanceOf(LabError);
    }
    expect(new LabOptionError("m", { cause: 1 })).toMatchObject({
      name: "LabOptionError",
      kind: "invalid-option",
      cause: 1,
    });
    expect(new InvalidTaskError("cycle", "m")).toMatchObject({ name: "InvalidTaskError", kind: "cycle" });
  });
});

describe("the error of a run", () => {
  test("tells of the first failure, and holds all of them and every result there is", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const bad = throwing({ what: "error" });
    const blocked = add({ a: bad, b: 1, file });
    const below = add({ a: blocked, b: 1, file });
    const error = await failed(bench, below, add({ a: 1, b: 1, file }), blocked);

    expect(error).toMatchObject({ name: "RunError", kind: "user-error", results: [undefined, 2, undefined] });
    expect(error.message).toBe(
      `run ${error.runId}: throwing({ what: 'error' }): user-error after 1 attempt: OddError: odd (${error.failures[0].attempts[0].decided}) (and 2 more tasks without a result; see failures)`,
    );
    expect(error.cause).toBe(error.failures[0]);
    expect(error.failures.map(({ task }) => task)).toEqual([bad, below, blocked]);
    expect(error.failures.slice(1).map(({ blockedBy }) => blockedBy)).toEqual([bad, bad]);
    expect(error.failures[1]).toBeInstanceOf(TaskCancelledError);
    expect(error.failures[1]).toMatchObject({ kind: "cancelled", attempts: [], logTail: [] });
    expect(error.failures[1].message).toContain("was not run: it depends on throwing({ what: 'error' }), which failed");
  });

  test("is printed with its first failure and what that threw, not with all the others", async () => {
    await using bench = new LabBench();
    const error = await failed(bench, throwing({ what: "error" }), throwing({ what: "text" }));
    const printed = inspect(error);
    expect(printed).toContain("OddError: odd");
    expect(printed).toContain("TypeError: inside");
    expect(printed).not.toContain("just text");
    expect(printed.length).toBeLessThan(6_000);
  });
});

describe("the failure of a task", () => {
  test("has the task, its kind, its last words, and the evidence of each attempt", async () => {
    await using bench = new LabBench();
    const task = flaky({ every: true });
    const [failure] = (await failed(bench, task)).failures;
    expect(failure).toMatchObject({ name: "TaskError", kind: "user-error", blockedBy: undefined });
    expect(failure.task).toBe(task);
    expect(failure.attempts).toMatchObject([
      { attempt: 1, kind: "user-error", lane: "inline", seen: "OddError: attempt 1" },
      { attempt: 2, kind: "user-error", lane: "inline", seen: "OddError: attempt 2" },
    ]);
    for (const { costUsd, startedAt, endedAt, decided, peakMemoryMb } of failure.attempts) {
      expect(costUsd).toBe(0);
      expect(endedAt).toBeGreaterThanOrEqual(startedAt);
      expect(decided).not.toBe("");
      expect(peakMemoryMb).toBeGreaterThan(0);
    }
    expect(failure.attempts[1].startedAt).toBeGreaterThanOrEqual(failure.attempts[0].endedAt);
  });

  test("has the last log lines", async () => {
    await using bench = new LabBench();
    const [failure] = (await failed(bench, throwing({ what: "error" }))).failures;
    expect(failure.logTail).toEqual(["about to throw"]);
  });

  test("has what the task threw as its cause: class, message, and causes", async () => {
    await using bench = new LabBench();
    const [{ cause }] = (await failed(bench, throwing({ what: "error" }))).failures;
    expect(cause).toBeInstanceOf(Error);
    expect(cause).toMatchObject({ name: "OddError", message: "odd", cause: { name: "TypeError", message: "inside" } });
  });

  test("has a stack that leads into the task's source", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ runner: "local", concurrency: 1 });
    const [outcome] = await lab.start([throwing({ what: "error" })]).settled();
    expect(outcome).toMatchObject({ status: "rejected", reason: { cause: { name: "OddError" } } });
    expect(inspect(outcome)).toMatch(/at .*fixtures[\\/]lab-tasks\.ts:\d+:\d+/);
  });

  test.each([
    ["text", "Error: just text"],
    ["nothing", "Error: undefined"],
    ["circular", "Error: holds a function"],
    ["bare", "Error: [Object: null prototype] {}"],
  ] as const)("tells of what is no error, or none that can be sent, too: %s", async (what, seen) => {
    await using bench = new LabBench();
    const [failure] = (await failed(bench, throwing({ what }))).failures;
    expect(failure.attempts.map((attempt) => attempt.seen)).toEqual([seen]);
    expect(failure.cause).toBeInstanceOf(Error);
  });

  test("cuts messages that nobody would read to their end", async () => {
    await using bench = new LabBench();
    const error = await failed(bench, throwing({ what: "long" }));
    expect(error.message.length).toBeLessThan(5_000);
  });
});

describe("tasks that nothing can run", () => {
  test("are named before anything runs, with the nearest that would do", async () => {
    await using bench = new LabBench();
    const fine = add({ a: 1, b: 2, file: bench.file });
    const error = await bench
      .lab()
      .runTasks([fine, huge()])
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InfeasibleError);
    expect(error).toMatchObject({ kind: "infeasible", tasks: [{ name: "huge" }] });
    expect((error as Error).message).toMatch(
      /^task huge\(\): no executor can run { memoryMb: 1099511627776 }; .* falls short: memoryMb 1099511627776 > \d+$/,
    );
    expect(bench.lines()).toEqual([]);
  });
});
