import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Lab, Task } from "stratolab";
import { describe, expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { add, lengthOf, zeros } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

/** Files below a folder of the stores. */
const objects = (bench: LabBench) =>
  readdirSync(join(bench.folder, "storage", "objects"), { recursive: true, encoding: "utf8" })
    .map((path) => join(bench.folder, "storage", "objects", path))
    .filter((path) => !path.includes(".unfinished") && statSync(path).isFile());

const cached = async (lab: Lab) => (await lab.cachedTasks()).map(String).sort();

describe("a result", () => {
  test("is found again by another lab on the same storage, whatever its context", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const [first, second] = [bench.lab({ context: { log: true } }), bench.lab()];
    const sum = add({ a: add({ a: 1, b: 2, file }), b: 3, file });
    expect(await first.isCached(sum)).toBe(false);
    expect(await first.runTask(sum)).toBe(6);
    expect(await second.isCached(sum)).toBe(true);
    expect(await second.runTask(sum)).toBe(6);
    expect(bench.lines()).toEqual(["1+2", "3+3"]);
    const [outcome] = await second.start([sum]).settled();
    expect(outcome).toMatchObject({ kind: "ok", cached: true, value: 6 });
  });

  test("is another namespace's business alone", async () => {
    await using bench = new LabBench();
    const task = add({ a: 1, b: 2, file: bench.file });
    await bench.lab({ namespace: "one" }).runTask(task);
    const other = bench.lab({ namespace: "two" });
    expect(await other.isCached(task)).toBe(false);
    expect(await other.cachedTasks()).toEqual([]);
  });

  test("is computed anew with bustCache, those of its dependencies too, and replaced", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab();
    const inner = add({ a: 1, b: 2, file });
    const tasks = [add({ a: inner, b: 0, file })];
    await lab.runTasks(tasks);
    expect(await lab.runTasks(tasks, { bustCache: true })).toEqual([3]);
    expect(bench.lines().sort()).toEqual(["1+2", "1+2", "3+0", "3+0"]);
    expect(await lab.runTasks([...tasks, inner])).toEqual([3, 3]);
    expect(bench.lines().length).toBe(4);
  });

  test.each([
    ["is gone", (path: string) => rmSync(path)],
    ["was cut", (path: string) => truncateSync(path, 100)],
    ["was changed", (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size))],
  ])("whose object %s is computed again, with the task that made it", async (_, damage) => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const data = zeros({ length: 10_000 });
    await lab.runTask(data);
    objects(bench).forEach(damage);
    expect(await lab.runTask(lengthOf({ data }))).toBe(10_000);
    expect((await bench.lab().runTask(data)).length).toBe(10_000);
  });
});

describe("uncache", () => {
  test("forgets the results of the tasks, their objects too, and not those of their dependencies", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const data = zeros({ length: 10_000 });
    const length = lengthOf({ data });
    await lab.runTask(length);
    await lab.uncache([length]);
    expect([await lab.isCached(length), await lab.isCached(data)]).toEqual([false, true]);
    expect(objects(bench).length).toBe(1);
    await lab.uncache([data, data]);
    expect(await lab.isCached(data)).toBe(false);
    expect(objects(bench)).toEqual([]);
    expect(await lab.runTask(length)).toBe(10_000);
  });

  test("is heeded by the lab that has made them, whatever it still has in its hands", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const sum = add({ a: 1, b: 2, file: bench.file });
    await lab.runTask(sum);
    await lab.uncache([sum]);
    expect(await lab.runTask(sum)).toBe(3);
    expect(bench.lines()).toEqual(["1+2", "1+2"]);
  });

  test("of what was never stored changes nothing", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    await lab.uncache([zeros({ length: 1 })]);
    await lab.uncache([]);
    expect(await lab.cachedTasks()).toEqual([]);
  });
});

describe("cachedTasks", () => {
  test("gives tasks as they were, with tasks in their params, to be run again for nothing", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const sum = add({ a: add({ a: 1, b: 2, file }), b: 3, file });
    await bench.lab().runTask(sum);
    const lab = bench.lab();
    const all = await lab.cachedTasks();
    expect(all.map(String)).toEqual([add({ a: 1, b: 2, file }), sum].map(String));
    expect((all[1] as typeof sum).params).toMatchObject({ a: expect.any(Task), b: 3 });
    expect(await lab.runTasks(all)).toEqual([3, 6]);
    expect(bench.lines().length).toBe(2);
  });

  test("of a type are of that definition", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const data = zeros({ length: 3 });
    await lab.runTasks([lengthOf({ data }), add({ a: 1, b: 2, file: bench.file })]);
    expect((await lab.cachedTasks({ type: lengthOf })).map(String)).toEqual([String(lengthOf({ data }))]);
    const [made] = await lab.cachedTasks({ type: zeros });
    expect(made.params).toEqual({ length: 3 });
  });

  test("still names a task whose dependency was forgotten, and finds its result", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const data = zeros({ length: 3 });
    await lab.runTask(lengthOf({ data }));
    await lab.uncache([data]);
    const [task] = await lab.cachedTasks();
    expect(task.name).toBe("lengthOf");
    expect(await lab.runTask(task)).toBe(3);
  });

  test("lists what the code as it is now would find, and what has a version of its own", async () => {
    await using bench = new LabBench();
    const module = (factor: number) => `
      import { task } from "stratolab";
      export const scaled = task({ name: "scaled", run: ({ x }: { x: number }) => ${factor} * x });
      export const kept = task({ name: "kept", version: "1", run: ({ x }: { x: number }) => ${factor} * x });
    `;
    using project = new Project({ "first.ts": module(2), "edited.ts": module(3) });
    const { task } = await import("stratolab");
    const scaled = task({ name: "scaled", run: ({ x }: { x: number }) => x });
    const kept = task({ name: "kept", version: "1", run: ({ x }: { x: number }) => x });
    const tasks = [scaled({ x: 5 }), kept({ x: 5 })];
    const [before, after] = ["first.ts", "edited.ts"].map((path) => bench.lab({ tasks: project.path(path) }));

    expect(await before.runTasks(tasks)).toEqual([10, 10]);
    expect(await cached(before)).toEqual(["kept({ x: 5 })", "scaled({ x: 5 })"]);
    expect(await cached(after)).toEqual(["kept({ x: 5 })"]);
    expect(await after.runTasks(tasks)).toEqual([15, 10]);
    expect(await before.runTasks(tasks)).toEqual([10, 10]);
  });
});
