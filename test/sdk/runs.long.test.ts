import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError, type RunInfo, type RunOptions, type RunsOptions } from "stratolab";
import { describe, expect, test, vi } from "vitest";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { requestCancel } from "../../sdk/stores/runs.ts";
import { runScript } from "../support/scripts.ts";
import { add, gated, throwing } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

/** Waits until the only run of a bench is as expected. */
async function becomes(bench: LabBench, holds: (run: RunInfo) => boolean): Promise<RunInfo> {
  const lab = bench.lab();
  return vi.waitFor(
    async () => {
      const [run] = await lab.runs();
      expect(holds(run)).toBe(true);
      return run;
    },
    { timeout: 15_000, interval: 50 },
  );
}

describe("lab.runs", () => {
  test("tells what ended well, newest first, with what came from the cache", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab();
    const sum = add({ a: add({ a: 1, b: 2, file }), b: 3, file });
    await lab.runTask(sum, { name: "nightly", tags: ["a", "b"] });
    await lab.runTasks([sum, add({ a: 4, b: 5, file })]);
    const [second, first] = await lab.runs();
    expect(first).toEqual({
      id: expect.stringMatching(/^\d{8}-\d{9}-\w{6}$/),
      name: "nightly",
      tags: ["a", "b"],
      namespace: "default",
      status: "ok",
      runner: "inline",
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      counts: { total: 2, cached: 0, done: 2, failed: 0, cancelled: 0, running: 0, pending: 0 },
      costUsd: 0,
      driver: { host: hostname(), pid: process.pid },
      failures: [],
    });
    expect(second.counts).toMatchObject({ total: 2, cached: 1, done: 1 });
    expect(second.name).toBeUndefined();
  });

  test("tells what runs, and where its tasks stand", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const [a, b, c] = [1, 2, 3].map((id) => gated({ id, folder: bench.folder }));
    const run = lab.start([a, b, c, add({ a, b: 1, file: bench.file })]);
    await bench.begun(2);
    bench.open(2);
    await bench.begun(3);
    const [info] = await bench
      .lab()
      .runs()
      .then(async () => lab.runs());
    expect(info).toMatchObject({ id: run.id, status: "running" });
    expect(info.counts).toMatchObject({ total: 4, done: 1, running: 2, pending: 1 });
    expect(info.endedAt).toBeUndefined();
    for (const id of [1, 3]) bench.open(id);
    await run.results();
  });

  test("tells what failed, in a few words", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const failing = throwing({ what: "long" });
    await expect(lab.runTasks([failing, add({ a: failing, b: 1, file: bench.file })])).rejects.toThrow(RunError);
    const [run] = await lab.runs();
    expect(run).toMatchObject({ status: "failed", counts: { failed: 1, cancelled: 1, total: 2 } });
    expect(run.failures).toEqual([
      { task: "throwing({ what: 'long' })", kind: "user-error", message: expect.stringMatching(/^throwing.*x…$/) },
    ]);
    expect(run.failures[0].message.length).toBe(300);
  });

  test("keeps the record small, however many tasks fail", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const tasks = (["error", "text", "nothing", "bare", "circular", "long"] as const).map((what) => throwing({ what }));
    await lab.start(tasks).settled();
    const [{ failures, counts }] = await lab.runs();
    expect([failures.length, counts.failed]).toEqual([5, 6]);
  });

  test("tells what was cancelled, and what it left to others", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const [a, b] = [1, 2].map((id) => gated({ id, folder: bench.folder }));
    const [both, one] = [lab.start([a, b]), lab.start([b], { name: "one" })];
    await bench.begun(2);
    await both.cancel();
    const [running] = await lab.runs({ name: "one" });
    expect(running).toMatchObject({ status: "running", counts: { total: 1, running: 1 } });
    const [cancelled] = await lab.runs({ status: "cancelled" });
    expect(cancelled).toMatchObject({ id: both.id, counts: { total: 2, cancelled: 2 } });
    bench.open(2);
    await one.results();
  });

  test("is asked by status, tag, name, time and number", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const runTask = async (a: number, options: RunOptions) => lab.runTask(add({ a, b: 0, file: bench.file }), options);
    await runTask(1, { name: "x", tags: ["odd", "small"] });
    await runTask(2, { name: "x", tags: ["even"] });
    await sleep(5);
    const since = Date.now();
    await runTask(3, { name: "y", tags: ["odd"] });
    await lab.start([throwing({ what: "error" })], { tags: ["odd"] }).settled();
    const counted = async (options: RunsOptions) => (await lab.runs(options)).length;
    expect(await counted({})).toBe(4);
    expect(await counted({ status: "ok" })).toBe(3);
    expect(await counted({ tag: "odd" })).toBe(3);
    expect(await counted({ tag: "od" })).toBe(0);
    expect(await counted({ name: "x" })).toBe(2);
    expect(await counted({ since })).toBe(2);
    expect(await counted({ since: new Date(since), status: "failed", tag: "odd" })).toBe(1);
    const [newest] = await lab.runs({ name: "x", limit: 1 });
    expect(newest.tags).toEqual(["even"]);
  });

  test("keeps namespaces apart", async () => {
    await using bench = new LabBench();
    const [lab, other] = [bench.lab(), bench.lab({ namespace: "other" })];
    await lab.runTask(add({ a: 1, b: 1, file: bench.file }));
    expect(await other.runs()).toEqual([]);
    await other.runTask(add({ a: 1, b: 1, file: bench.file }));
    expect((await other.runs()).map(({ namespace }) => namespace)).toEqual(["other"]);
    expect(await lab.runs()).toHaveLength(1);
  });

  test.each<[RunsOptions, string]>([
    [{ status: "done" as never }, 'status must be "running", "ok", "failed", "cancelled", "interrupted", got "done"'],
    [{ since: "yesterday" as never }, 'since must be a Date or milliseconds since the epoch, got "yesterday"'],
    [{ since: new Date("x") }, "since must be a Date"],
    [{ limit: 0 }, "limit must be a whole number, at least 1, got 0"],
    [{ tags: ["x"] } as never, "unknown option tags"],
  ])("refuses %j", async (options, message) => {
    await using bench = new LabBench();
    await expect(bench.lab().runs(options)).rejects.toThrow(message);
  });
});

describe("a run", () => {
  test.each<[RunOptions, string]>([
    [{ name: "" }, "name must be 1 to 64 letters"],
    [{ name: "two words" }, 'got "two words"'],
    [{ name: "20261121-022500123-k3f9x2" }, "must not look like the id of a run"],
    [{ tags: "x" as never }, "tags must be a list of at most 10"],
    [{ tags: ["ok", 3 as never] }, "tags must be a list"],
    [{ tags: Array.from({ length: 11 }, (_, n) => `t${n}`) }, "tags must be a list"],
  ])("refuses to be called %j", async (options, message) => {
    await using bench = new LabBench();
    const lab = bench.lab();
    await expect(lab.runTask(add({ a: 1, b: 1, file: bench.file }), options)).rejects.toThrow(message);
    expect(bench.lines()).toEqual([]);
  });

  test("costs one write when it is short, and one for every five seconds otherwise", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    await lab.runTask(add({ a: 1, b: 1, file: bench.file }));
    const run = lab.start([gated({ id: 1, folder: bench.folder })]);
    await bench.begun(1);
    const seen = new Set<number>();
    const { table, objects: _ } = await openLocalStores(`${bench.folder}/storage`);
    for (const end = Date.now() + 6_500; Date.now() < end; await sleep(100)) {
      for await (const item of table.scan("RUN#")) if (item.sk === run.id) seen.add(Number(item.u));
    }
    await table.close();
    expect(seen.size).toBe(2);
    bench.open(1);
    await run.results();
  });

  test("is told to end from another process, and hears it within a second or two", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gated({ id: 1, folder: bench.folder })]);
    await bench.begun(1);
    await lab.runs();
    const { table } = await openLocalStores(`${bench.folder}/storage`);
    await requestCancel(table, "default", run.id);
    await table.close();
    const asked = Date.now();
    await expect(run.results()).rejects.toMatchObject({ kind: "cancelled" });
    expect(Date.now() - asked).toBeLessThan(2_500);
    expect((await lab.runs())[0].status).toBe("cancelled");
  });

  test("says how it ended, also of a script that forgets to close its lab", async () => {
    await using bench = new LabBench();
    const script = runScript("sdk/fixtures/forgetful-script.ts", [bench.folder]);
    expect(await script.ended).toMatchObject({ exitCode: 0 });
    const [run] = await bench.lab().runs();
    expect(run).toMatchObject({ status: "ok", name: "forgetful", counts: { done: 1 } });
  });

  test("whose driver is killed is interrupted", async () => {
    await using bench = new LabBench();
    const { child, ended } = runScript("sdk/fixtures/interrupted-script.ts", [bench.folder]);
    await bench.begun(1);
    const running = await becomes(bench, (run) => run?.status === "running");
    expect(running.driver.pid).toBe(child.pid);
    child.kill("SIGKILL");
    await ended;
    // Its process was of this machine, and is not there any more.
    expect((await bench.lab().runs({ status: "interrupted" })).map(({ id }) => id)).toEqual([running.id]);
  });
});
