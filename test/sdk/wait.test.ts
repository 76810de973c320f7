import { describe, expect, test } from "vitest";
import { add, gated, throwing } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

describe("wait", () => {
  test("starts the tasks, and returns as soon as so many have ended", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const { folder } = bench;
    const [a, b] = [1, 2].map((id) => gated({ id, folder }));
    const waiting = lab.wait([a, b]);
    await bench.begun(2);
    bench.open(2);
    expect(await waiting).toEqual({ ready: [b], pending: [a] });
  });

  test("lets what is pending go on, and begins nothing twice", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const { folder } = bench;
    const tasks = [1, 2].map((id) => gated({ id, folder }));
    bench.open(1);
    const { ready, pending } = await lab.wait(tasks);
    expect(ready).toEqual([tasks[0]]);
    await bench.begun(2);
    bench.open(2);
    expect(await lab.wait(pending)).toEqual({ ready: [tasks[1]], pending: [] });
    expect(await lab.runTasks(tasks)).toEqual([1, 2]);
    expect(bench.lines("begun").sort()).toEqual(["1", "2"]);
  });

  test("gives what it was given, in its order, also what was passed twice or is equal", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const { file } = bench;
    const task = add({ a: 1, b: 1, file });
    const items = [task, add({ a: 2, b: 2, file }), task, add({ b: 1, a: 1, file })];
    const { ready, pending } = await lab.wait(items, { count: 4 });
    expect(pending).toEqual([]);
    expect(ready.every((item, position) => item === items[position])).toBe(true);
    expect(bench.lines().length).toBe(2);
  });

  test("counts what failed as ready", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const bad = throwing({ what: "error" });
    const { ready } = await lab.wait([bad, add({ a: bad, b: 1, file: bench.file })], { count: 2 });
    expect(ready.length).toBe(2);
    expect(bench.lines()).toEqual([]);
  });

  test("counts handles as ready from the start", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const ref = await lab.put("value");
    const slow = gated({ id: 1, folder: bench.folder });
    expect(await lab.wait([slow, ref])).toEqual({ ready: [ref], pending: [slow] });
    bench.open(1);
    expect(await lab.wait([slow, ref], { count: 2 })).toEqual({ ready: [slow, ref], pending: [] });
  });

  test("returns what is ready when its time is up", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const { folder, file } = bench;
    const slow = gated({ id: 1, folder });
    const done = add({ a: 1, b: 1, file });
    await lab.runTask(done);
    expect(await lab.wait([slow], { timeoutMs: 0 })).toEqual({ ready: [], pending: [slow] });
    expect(await lab.wait([slow, done], { count: 2, timeoutMs: 500 })).toEqual({ ready: [done], pending: [slow] });
    expect(await lab.wait([slow, done], { count: 0 })).toMatchObject({ pending: expect.arrayContaining([slow]) });
    bench.open(1);
  });

  test("starts a task once, however often it is asked, and knows at once that it has ended", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const { folder } = bench;
    const tasks = [1, 2].map((id) => gated({ id, folder }));
    const bad = throwing({ what: "error" });
    expect((await lab.wait([...tasks, bad], { count: 1 })).ready).toEqual([bad]);
    await bench.begun(2);
    bench.open(1);
    let pending: unknown[] = [tasks[0]];
    while (pending.length > 0) pending = (await lab.wait([tasks[0]], { timeoutMs: 0 })).pending;
    expect(await lab.wait([...tasks, bad], { count: 3, timeoutMs: 0 })).toEqual({
      ready: [tasks[0], bad],
      pending: [tasks[1]],
    });
    bench.open(2);
    await lab.wait([tasks[1]]);
    expect((await lab.runs()).length).toBe(1);
    await lab.uncache(tasks);
    expect((await lab.wait(tasks, { count: 2 })).ready).toEqual(tasks);
    expect(bench.lines("begun").length).toBe(4);
  });

  test("has nothing to wait for where there are no items, and waits for weeks where it is told to", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    expect(await lab.wait([])).toEqual({ ready: [], pending: [] });
    const slow = gated({ id: 1, folder: bench.folder });
    const waiting = lab.wait([slow], { timeoutMs: 2 ** 40 });
    await bench.begun(1);
    bench.open(1);
    expect(await waiting).toEqual({ ready: [slow], pending: [] });
  });

  test("refuses what is neither a task nor a handle, instead of waiting for it", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    await expect(lab.wait([Promise.resolve(1)] as never)).rejects.toThrow("is not a task but an object (Promise)");
    await expect(lab.wait([undefined] as never)).rejects.toThrow("is not a task but undefined");
    await expect(lab.wait([add] as never)).rejects.toThrow("is not a task but the definition add");
  });

  test("rejects where the tasks cannot be started", async () => {
    await using bench = new LabBench();
    const params = { a: (() => 1) as never, b: 1, file: bench.file };
    await expect(bench.lab().wait([add(params)])).rejects.toThrow("params.a is the function a");
  });
});
