import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/scripts.ts";
import {
  careful,
  careless,
  fibonacci,
  many,
  ouroboros,
  planner,
  punctual,
  slow,
  starter,
  total,
  tree,
  useRef,
  waiting,
} from "./fixtures/nested-tasks.ts";
import { countOf, failureOf, linesOf, nestingLab, newFile } from "./nested-suite.ts";

const storage = mkdtempSync(join(tmpdir(), "nested-store-"));

describe("on local processes", () => {
  test("two executors run a recursion ten deep, and no task twice", async () => {
    await using lab = nestingLab({ storage, concurrency: 2 });
    expect(await lab.runTask(fibonacci({ n: 10, salt: 1 }))).toBe(55);
    const [run] = await lab.runs();
    expect(run.counts).toMatchObject({ total: 11, done: 11, cached: 0, running: 0 });
    // What tasks have run is cached like any task.
    expect(await lab.isCached(fibonacci({ n: 7, salt: 1 }))).toBe(true);
  });

  test("a parent killed while it waits is tried again, and what it runs is not", async () => {
    await using lab = nestingLab({ storage, concurrency: 2 });
    const file = newFile();
    const run = lab.start([waiting({ file, ms: 1_500, count: 1 })]);
    await eventually(() => countOf(file, "slow") === 1, 10_000, "the child's start");
    const [, , pid] = linesOf(file).find(([word]) => word === "parent") as string[];
    process.kill(Number(pid), "SIGKILL");
    const [outcome] = await run.settled();
    expect(outcome).toMatchObject({ kind: "ok", value: 0 });
    expect(outcome.attempts.map(({ kind }) => kind)).toEqual(["executor-lost", "ok"]);
    expect([countOf(file, "parent"), countOf(file, "slow")]).toEqual([2, 1]);
  });

  test("to cancel a parent cancels what it runs", async () => {
    await using lab = nestingLab({ storage, concurrency: 3 });
    const file = newFile();
    const parent = waiting({ file, ms: 60_000, count: 2 });
    const run = lab.start([parent]);
    await eventually(() => countOf(file, "slow") === 2, 10_000, "the children's start");
    await lab.cancel(parent);
    const [outcome] = await run.settled();
    expect(outcome.kind).toBe("cancelled");
    // Their executors are free again: other work is not kept waiting by them.
    expect(await lab.runTask(total({ values: [1, 2] }))).toBe(3);
  });

  test("a parent that two runs want goes on for one when the other is cancelled with drain", async () => {
    await using lab = nestingLab({ storage, concurrency: 2 });
    const file = newFile();
    const parent = waiting({ file, ms: 800, count: 3 });
    const [first, second] = [lab.start([parent]), lab.start([parent])];
    // Two run, the third waits for a place.
    await eventually(() => countOf(file, "slow") === 2, 10_000, "two children's start");
    await first.cancel({ drain: true });
    expect((await first.settled())[0].kind).toBe("cancelled");
    expect(await second.results()).toEqual([3]);
    expect([countOf(file, "parent"), countOf(file, "slow"), countOf(file, "done")]).toEqual([1, 3, 3]);
  });

  test("a parent that is wanted again while its run drains runs what was cancelled anew, and is not told of it", async () => {
    await using lab = nestingLab({ storage, concurrency: 2 });
    const file = newFile();
    const parent = waiting({ file, ms: 1_500, count: 3 });
    const first = lab.start([parent]);
    await eventually(() => countOf(file, "slow") === 2, 10_000, "two children's start");
    const draining = first.cancel({ drain: true });
    const second = lab.start([parent]);
    await draining;
    expect((await first.settled())[0].kind).toBe("cancelled");
    const [outcome] = await second.settled();
    expect(outcome).toMatchObject({ kind: "ok", value: 3 });
    expect(outcome.attempts.map(({ kind }) => kind)).toEqual(["cancelled", "ok"]);
    expect([countOf(file, "parent"), countOf(file, "slow"), countOf(file, "done")]).toEqual([2, 3, 3]);
  });

  test("a parent that nobody else wants ends as cancelled when its run drains, and what runs finishes", async () => {
    await using lab = nestingLab({ storage, concurrency: 2 });
    const file = newFile();
    const run = lab.start([waiting({ file, ms: 800, count: 3 })]);
    await eventually(() => countOf(file, "slow") === 2, 10_000, "two children's start");
    await run.cancel({ drain: true });
    expect((await run.settled())[0].kind).toBe("cancelled");
    expect([countOf(file, "slow"), countOf(file, "done")]).toEqual([2, 2]);
  });

  test("time that it waits does not count against its timeoutMs", async () => {
    await using lab = nestingLab({ storage, concurrency: 1 });
    expect(await lab.runTask(punctual({ file: newFile() }))).toBe(1);
  });

  test("what nobody waits for goes on when its parent is done", async () => {
    await using lab = nestingLab({ storage, concurrency: 2 });
    const file = newFile();
    expect(await lab.runTask(starter({ file, ms: 300 }))).toBe("started");
    expect(await lab.runTask(slow({ file, ms: 300, id: 7 }))).toBe(7);
    expect(countOf(file, "slow")).toBe(1);
  });
});

describe.each(["local", "inline"] as const)("on the %s runner", (runner) => {
  const options = { storage, runner, concurrency: 2 };

  test("a tree of tasks", async () => {
    await using lab = nestingLab(options);
    expect(await lab.runTask(tree({ depth: 4, path: runner }))).toBe(16);
  });

  test("a failed child rejects in its parent, as a run does", async () => {
    await using lab = nestingLab(options);
    expect(await lab.runTask(careful({ message: "no" }))).toEqual({
      isRunError: true,
      kind: "user-error",
      results: [undefined, 1],
      failed: "nested.failing({ message: 'no' })",
      attempts: ["user-error"],
      cause: "no",
      settled: ["user-error", "ok"],
    });
    const error = await failureOf(lab.runTask(careless({ message: "oh" })));
    expect(error.kind).toBe("user-error");
    expect(error.message).toMatch(/nested\.careless.*nested\.failing\(\{ message: 'oh' \}\).*RangeError: oh/s);
    expect(error.failures.map((failure) => String(failure.task))).toEqual(["nested.careless({ message: 'oh' })"]);
    // What a task has caught is no failure of the run.
    expect((await lab.runs()).map(({ status }) => status)).toEqual(["failed", "ok"]);
  });

  test("a task that would wait for itself is told the circle", async () => {
    await using lab = nestingLab(options);
    const error = await failureOf(lab.runTask(ouroboros({ half: true })));
    expect(error.message).toMatch(/wait for itself.*half: true.* -> .*half: false/s);
  });

  test("too deep and too many are refused by name", async () => {
    await using lab = nestingLab({ ...options, maxNestedDepth: 2, maxNestedTasks: 5 });
    expect((await failureOf(lab.runTask(tree({ depth: 3, path: "" })))).message).toMatch(/maxNestedDepth is 2/);
    expect(await lab.runTask(tree({ depth: 2, path: "" }))).toBe(4);
    expect((await failureOf(lab.runTask(many({ count: 6, salt: 1 })))).message).toMatch(/6 tasks: maxNestedTasks is 5/);
    expect(await lab.runTask(many({ count: 5, salt: 1 }))).toBe(5);
  });

  test("a DAG inside of a task, objects, and handles on results that are handed on", async () => {
    await using lab = nestingLab(options);
    const made = planner({ salt: 3 });
    const { sum, same, ref, table } = await lab.runTask(made);
    expect([sum, same, await lab.get(ref), await lab.get(table)]).toEqual([16, 16, 16, [3, 1, 2]]);
    expect(await lab.runTask(useRef({ made }))).toBe(16);
  });
});
