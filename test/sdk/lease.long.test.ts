import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "stratolab";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { deleteRun } from "../../sdk/stores/runs.ts";
import { processesWith, runScript } from "../support/scripts.ts";
import { add, gated, huge } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const gate = (bench: LabBench, id: number) => gated({ id, folder: bench.folder });

afterEach(() => {
  vi.useRealTimers();
});

/** As if the whole machine had slept that long. */
const sleepThrough = (ms: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });

/** Waits until a lab knows of a run in some process, and gives its id. */
async function known(lab: Lab): Promise<string> {
  await vi.waitFor(async () => expect((await lab.runs()).length).toBe(1), { timeout: 15_000, interval: 50 });
  return (await lab.runs())[0].id;
}

/** Stops a driver, but not in the middle of a commit: there it would hold the file for all others. */
async function stop(child: ChildProcess, { folder }: LabBench): Promise<void> {
  const { table } = await openLocalStores(`${folder}/storage`);
  for (;;) {
    child.kill("SIGSTOP");
    const write = table.put({ pk: "IS-FREE", sk: "s" });
    if ((await Promise.race([write, sleep(1_000, "waits")])) !== "waits") break;
    child.kill("SIGCONT");
    await write;
  }
  await table.close();
}

describe("a run that has a driver", () => {
  test("is refused to another one, which is told whose it is and how long to wait", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gate(bench, 1)]);
    await bench.begun(1);
    await lab.runs();
    const refused = bench.lab().runTask(gate(bench, 2), { runId: run.id });
    await expect(refused).rejects.toMatchObject({
      kind: "run-held",
      message: expect.stringMatching(new RegExp(`${run.id} is driven by .* \\(process ${process.pid},.* in \\d+ s`)),
    });
    await expect(lab.runTask(gate(bench, 2), { runId: run.id })).rejects.toThrow("under way in this very lab");
    expect(bench.lines("begun")).toEqual(["1"]);
    bench.open(1);
    await run.results();
  });

  test("is its driver's again after a sleep, when nobody has taken it", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gate(bench, 1), add({ a: gate(bench, 1), b: 1, file: bench.file })]);
    await bench.begun(1);
    await lab.runs();
    sleepThrough(3_600_000);
    bench.open(1);
    expect(await run.results()).toEqual([1, 2]);
    expect((await lab.runs())[0].status).toBe("ok");
  });

  test("is lost to a driver that took it over meanwhile: nothing more is begun, and its waiter is told", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gate(bench, 1), add({ a: gate(bench, 1), b: 1, file: bench.file })], { name: "x" });
    await bench.begun(1);
    await lab.runs();
    sleepThrough(20_000);
    const other = bench.lab();
    const next = other.start([gate(bench, 2)], { runId: run.id });
    const lost = await run.results().catch((error) => error);
    expect(lost).toMatchObject({ name: "LabError", kind: "lease-lost", message: expect.stringContaining(run.id) });
    expect((await run.settled()).map(({ kind }) => kind)).toEqual(["cancelled", "cancelled"]);
    expect(bench.lines()).toEqual([]);
    bench.open(2);
    expect(await next.results()).toEqual([2]);
    const [record] = await other.runs();
    expect(record).toMatchObject({ id: run.id, name: "x", status: "ok", counts: { total: 1, done: 1 } });
  });

  test("is lost when its record is deleted", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gate(bench, 1)]);
    await bench.begun(1);
    await lab.runs();
    const { table } = await openLocalStores(`${bench.folder}/storage`);
    await deleteRun(table, "default", run.id);
    await table.close();
    await expect(run.results()).rejects.toMatchObject({ kind: "lease-lost" });
    expect(await lab.runs()).toEqual([]);
  });
});

describe("a run that is over", () => {
  test("is gone on with by its id: what has a result is not run again", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab();
    await lab.runTask(add({ a: 1, b: 1, file }), { name: "sums", tags: ["t"] });
    const [{ id, startedAt }] = await lab.runs();
    const both = [add({ a: 1, b: 1, file }), add({ a: 2, b: 2, file })];
    const other = bench.lab();
    expect(await other.runTasks(both, { runId: id })).toEqual([2, 4]);
    expect(bench.lines()).toEqual(["1+1", "2+2"]);
    const runs = await other.runs();
    expect(runs.length).toBe(1);
    expect(runs[0]).toMatchObject({
      id,
      startedAt,
      name: "sums",
      tags: ["t"],
      counts: { total: 2, cached: 1, done: 1 },
    });
  });

  test("is given back when it cannot begin, and refused an id that is none", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ runner: "local" });
    await lab.runTask(add({ a: 1, b: 1, file: bench.file }));
    const [{ id }] = await lab.runs();
    await expect(lab.runTask(huge(undefined as never), { runId: id })).rejects.toMatchObject({ kind: "infeasible" });
    expect((await lab.runs())[0].status).toBe("failed");
    expect(await bench.lab().runTask(add({ a: 1, b: 1, file: bench.file }), { runId: id })).toBe(2);
    await expect(lab.runTask(gate(bench, 1), { runId: "nightly" })).rejects.toThrow("runId must be the id of a run");
  });
});

describe.concurrent("a driver that is stopped past its lease, and continued", () => {
  test("begins nothing more when its run was taken over, and says so", async ({ expect }) => {
    await using bench = new LabBench();
    const { child, ended } = runScript("sdk/fixtures/leased-script.ts", [bench.folder], {
      STRATOLAB_TEST: bench.folder,
    });
    await bench.begun(1);
    const lab = bench.lab();
    const runId = await known(lab);
    await stop(child, bench);
    await expect(lab.runTask(gate(bench, 5), { runId })).rejects.toThrow(`(process ${child.pid},`);
    // What its executor has begun it finishes: only the driver is stopped.
    bench.open(1);
    await sleep(17_500);
    expect((await lab.runs())[0].status).toBe("interrupted");
    const run = lab.start([gate(bench, 5)], { runId });
    await bench.begun(2);
    child.kill("SIGCONT");
    const { exitCode, stdout } = await ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "lease-lost", message: expect.stringContaining("taken it over") });
    expect(bench.lines("begun")).toEqual(["1", "5"]);
    expect(processesWith(`STRATOLAB_TEST=${bench.folder}`)).toEqual([]);
    bench.open(5);
    expect(await run.results()).toEqual([5]);
    const [record] = await lab.runs();
    expect(record).toMatchObject({ id: runId, status: "ok", driver: { pid: process.pid } });
  });

  test("goes on when nobody has taken its run", async ({ expect }) => {
    await using bench = new LabBench();
    const { child, ended } = runScript("sdk/fixtures/leased-script.ts", [bench.folder]);
    await bench.begun(1);
    await known(bench.lab());
    await stop(child, bench);
    for (const id of [1, 2, 3, 4]) bench.open(id);
    await sleep(17_500);
    child.kill("SIGCONT");
    expect(await ended).toMatchObject({ exitCode: 0, stdout: "[1,2,3,4]\n" });
    expect((await bench.lab().runs()).map(({ status }) => status)).toEqual(["ok"]);
  });
});

describe("a driver that was killed", () => {
  test("is followed by another one when its lease has lapsed: what was finished is not run again", async () => {
    await using bench = new LabBench();
    const { child, ended } = runScript("sdk/fixtures/leased-script.ts", [bench.folder]);
    await bench.begun(1);
    const lab = bench.lab();
    const runId = await known(lab);
    bench.open(1);
    await bench.begun(2);
    child.kill("SIGKILL");
    await ended;
    sleepThrough(20_000);
    for (const id of [2, 3, 4]) bench.open(id);
    expect(
      await lab.runTasks(
        [1, 2, 3, 4].map((id) => gate(bench, id)),
        { runId },
      ),
    ).toEqual([1, 2, 3, 4]);
    expect(bench.lines("begun").filter((id) => id === "1")).toEqual(["1"]);
    expect((await lab.runs()).map(({ id, status }) => [id, status])).toEqual([[runId, "ok"]]);
  });
});
