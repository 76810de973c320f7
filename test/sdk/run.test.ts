import { LabError, RunError, TaskCancelledError } from "stratolab";
import { describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { add, gated, throwing } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const gates = (bench: LabBench, ...ids: number[]) => ids.map((id) => gated({ id, folder: bench.folder }));

describe("a run", () => {
  test("of nothing is over at once", async () => {
    await using bench = new LabBench();
    const run = bench.lab().start([]);
    expect([await run.results(), await run.settled()]).toEqual([[], []]);
    for await (const outcome of run) expect(outcome).toBeUndefined();
  });

  test("tells each who asks of every outcome, as they come and again later", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const run = bench.lab().start([add({ a: 1, b: 1, file }), throwing({ what: "error" })]);
    const listen = async () => {
      const kinds: string[] = [];
      for await (const { kind } of run) kinds.push(kind);
      return kinds.sort();
    };
    expect(await Promise.all([listen(), listen()])).toEqual([
      ["ok", "user-error"],
      ["ok", "user-error"],
    ]);
    expect(await listen()).toEqual(["ok", "user-error"]);
    expect((await run.settled()).map(({ kind }) => kind)).toEqual(["ok", "user-error"]);
  });

  test("tells its events to each who iterates over them, to its end", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const run = bench.lab().start([add({ a: 1, b: 2, file })]);
    const listen = async (most = Number.POSITIVE_INFINITY) => {
      const types: string[] = [];
      for await (const { type } of run.events()) if (types.push(type) === most) break;
      return types;
    };
    const all = ["run-started", "task-started", "task-done", "run-ended"];
    expect(await Promise.all([listen(), listen(1)])).toEqual([all, all.slice(0, 1)]);
    expect(await listen()).toEqual([]);
    expect(bench.events.map(({ type }) => type)).toEqual(all);
  });

  test("that does not begin tells so to who iterates over its events", async () => {
    await using bench = new LabBench();
    const run = bench.lab().start("tasks" as never);
    await expect(run.events().next()).rejects.toThrow("runTasks needs an array of tasks");
  });

  test("shares its tasks with others of the same lab", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const [a, b] = gates(bench, 1, 2);
    const runs = [lab.start([a, b]), lab.start([b, a])];
    await bench.begun(2);
    for (const id of [1, 2]) bench.open(id);
    expect(await Promise.all(runs.map((run) => run.results()))).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(bench.lines("begun").length).toBe(2);
  });

  test("that is cancelled leaves to others what they wait for", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const [a, b] = gates(bench, 1, 2);
    const [both, one] = [lab.start([a, b]), lab.start([b])];
    await bench.begun(2);
    await both.cancel();
    bench.open(2);
    expect(await one.results()).toEqual([2]);
    const [first] = await both.settled();
    expect(first).toMatchObject({ kind: "cancelled", reason: expect.any(TaskCancelledError) });
  });

  test("that drains finishes what runs, and begins nothing more", async () => {
    await using bench = new LabBench();
    const run = bench.lab({ concurrency: 1 }).start(gates(bench, 1, 2));
    await bench.begun(1);
    const draining = run.cancel({ drain: true });
    bench.open(1);
    await draining;
    expect((await run.settled()).map(({ kind }) => kind)).toEqual(["ok", "cancelled"]);
    expect(bench.lines("begun")).toEqual(["1"]);
  });

  test("ends with its signal, and does not begin with one that was aborted", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const abort = new AbortController();
    const running = lab.runTasks(gates(bench, 1), { signal: abort.signal });
    await bench.begun(1);
    abort.abort();
    await expect(running).rejects.toMatchObject({ name: "RunError", kind: "cancelled" });
    await expect(lab.runTasks(gates(bench, 2), { signal: abort.signal })).rejects.toThrow("aborted");
    expect(bench.lines("begun")).toEqual(["1"]);
  });

  test("ends when its lab is closed, which leaves nothing running", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ runner: "local", concurrency: 1 });
    const run = lab.start(gates(bench, 1));
    const failed = run.results().catch((error: unknown) => error);
    await bench.begun(1);
    await lab.close();
    expect(await failed).toBeInstanceOf(RunError);
    expect(bench.lines("done")).toEqual([]);
    await expect(lab.runTask(gates(bench, 1)[0])).rejects.toMatchObject({ kind: "closed" });
  });

  test("that cannot begin says so to whoever waits for it, and to nobody else", async () => {
    await using bench = new LabBench();
    const run = bench.lab().start([add({ a: (() => 1) as never, b: 1, file: bench.file })]);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(run.results()).rejects.toThrow("params.a is the function a");
    await expect(run.settled()).rejects.toThrow(LabError);
    await expect(run.cancel()).rejects.toThrow(LabError);
  });
});

describe("a task that is cancelled", () => {
  test("is cancelled for every run that waits for it, with those that depend on it, and no other", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ runner: "local" });
    const [a, b] = gates(bench, 1, 2);
    const run = lab.start([a, b, add({ a, b: 1, file: bench.file })]);
    await bench.begun(2);
    await lab.cancel(a, { force: true });
    bench.open(2);
    expect((await run.settled()).map(({ kind }) => kind)).toEqual(["cancelled", "ok", "cancelled"]);
    await lab.cancel(a);
    bench.open(1);
    expect(await lab.runTask(a)).toBe(1);
  });
});

test("to cancel a handle changes nothing where its value is there", async () => {
  await using bench = new LabBench();
  const lab = bench.lab();
  const value = await lab.put(7);
  await lab.cancel(value);
  expect(await lab.get(value)).toBe(7);
});

describe("a task module that cannot be loaded", () => {
  test.each<[string, string, object]>([
    ["throws", `throw new Error("no data");`, { kind: "task-module", message: expect.stringContaining("no data") }],
    ["ends its process", `process.exit(3);`, { kind: "start-failed", message: expect.stringContaining("exit code 3") }],
    ["starts a lab", `import { Lab } from "stratolab"; new Lab({ tasks: "." });`, { kind: "lab-in-task-module" }],
    ["cannot be parsed", `export const = 1;`, { kind: "task-module" }],
    [
      "has two tasks of one name",
      `import { task } from "stratolab"; const run = () => 1; export const a = task({ name: "t", run }); export const b = task({ name: "t", run });`,
      { kind: "duplicate-task" },
    ],
  ])("is an error before anything runs: one that %s", async (_, source, error) => {
    await using bench = new LabBench();
    using project = new Project({ "tasks.ts": source });
    const lab = bench.lab({ tasks: project.path("tasks.ts"), runner: "local" });
    await expect(lab.runTask(add({ a: 1, b: 1, file: bench.file }))).rejects.toMatchObject(error);
    expect(bench.events).toEqual([]);
  });

  test("does not spoil the lab: once it is mended, the same one works", async () => {
    await using bench = new LabBench();
    using project = new Project({ "tasks.ts": `throw new Error("no data");` });
    const lab = bench.lab({ tasks: project.path("tasks.ts"), runner: "local", concurrency: 1 });
    const task = add({ a: 1, b: 1, file: bench.file });
    await expect(lab.runTask(task)).rejects.toMatchObject({ kind: "task-module" });
    const { pathname } = new URL("fixtures/lab-tasks.ts", import.meta.url);
    project.write("tasks.ts", `export { add } from ${JSON.stringify(pathname)};`);
    expect(await lab.runTask(task)).toBe(2);
  });
});
