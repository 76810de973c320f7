import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Lab, RunError, Task } from "stratolab";
import { describe, expect, test } from "vitest";
import { collectGarbage } from "../../sdk/gc/collect.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { ageBelow, DAY_MS } from "../gc/age.ts";
import { eventually, runScript } from "../support/scripts.ts";
import { failing, gated, halves, kept, parent, pieces, series, slowSeries, sum } from "./fixtures/left-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/left-tasks.ts", import.meta.url);
const LENGTH = 250_000;

/** Files of results. */
function filesIn({ folder }: LabBench): string[] {
  const results = join(folder, "storage", "objects", "results");
  if (!existsSync(results)) return [];
  return readdirSync(results, { recursive: true, encoding: "utf8" })
    .map((name) => join(results, name))
    .filter((file) => statSync(file).isFile());
}

/** The same, when all is written that is to be; as `lab.objects()` has it, too. */
async function heldIn(bench: LabBench, lab: Lab): Promise<number> {
  const held = (await lab.objects()).filter(({ object }) => object.startsWith("results/"));
  expect(filesIn(bench).length).toBe(held.length);
  return held.length;
}

const inTwo = (values: Task<Float64Array>, folder: string) => [1, 2].map((salt) => sum({ values, salt, folder }));

describe.each(["local", "inline"] as const)("a result that is not cached, on the runner %s", (runner) => {
  test("goes when its run has ended, and is made again by the next that needs it", async () => {
    await using bench = new LabBench();
    const { folder } = bench;
    const lab = bench.lab({ tasks, runner });
    const values = series({ folder, salt: 1 });
    expect(await lab.runTasks(inTwo(values, folder))).toEqual([LENGTH + 1, LENGTH + 2]);
    expect(await heldIn(bench, lab)).toBe(0);
    expect(await lab.runTasks([sum({ values, salt: 3, folder }), sum({ values, salt: 1, folder })])).toEqual([
      LENGTH + 3,
      LENGTH + 1,
    ]);
    expect(await heldIn(bench, lab)).toBe(0);
    expect(bench.lines().sort()).toEqual(["series", "series", "sum", "sum", "sum"]);
    expect((await lab.whyNotCached(values)).kind).toBe("not-kept");
    expect(await lab.isCached(values)).toBe(false);
  });

  test("that was asked for is whole in the hands of who did, when its file is gone", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ tasks, runner });
    const run = lab.start([series({ folder: bench.folder, salt: 7 }), kept({ folder: bench.folder, salt: 8 })]);
    const [values, others] = await run.results();
    // The other one is cached.
    expect(await heldIn(bench, lab)).toBe(1);
    expect([values.length, new Set(values)]).toEqual([LENGTH, new Set([7])]);
    expect([others.length, new Set(others)]).toEqual([LENGTH, new Set([8])]);
  });
});

test("each of several returns goes, also where what says where they lie is an object itself", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const lab = bench.lab({ tasks, runner: "local" });
  const { low, high } = halves({ folder, salt: 1 }).returns;
  const whole = pieces({ folder, salt: 2 });
  const [sums, first] = await Promise.all([
    lab.runTasks([sum({ values: low, salt: 0, folder }), sum({ values: high, salt: 1, folder })]),
    lab.runTask(whole.returns[0] as Task<Float64Array>),
  ]);
  expect(sums).toEqual([LENGTH / 2, LENGTH / 2 + 1]);
  expect(first.length).toBe(1_000);
  expect(await heldIn(bench, lab)).toBe(0);
});

test("what a task has run goes with the run that it is part of", async () => {
  await using bench = new LabBench();
  const lab = bench.lab({ tasks, runner: "local" });
  expect(await lab.runTask(parent({ folder: bench.folder, salt: 5 }))).toBe(5);
  expect(bench.lines()).toEqual(["series"]);
  expect(await heldIn(bench, lab)).toBe(0);
});

test("of two runs in one lab that share a task, the last one to end takes its result along", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const lab = bench.lab({ tasks, runner: "local" });
  const values = series({ folder, salt: 3 });
  const waiting = lab.start([gated({ values, folder, salt: 3 }), sum({ values, folder, salt: 3 })]);
  const quick = lab.start([sum({ values, folder, salt: 4 })]);
  expect(await quick.results()).toEqual([3 * LENGTH + 4]);
  await bench.begun(1);
  expect(await heldIn(bench, lab)).toBe(1);
  bench.open(3);
  expect(await waiting.results()).toEqual([3, 3 * LENGTH + 3]);
  expect(await heldIn(bench, lab)).toBe(0);
  expect(bench.lines().sort()).toEqual(["series", "sum", "sum"]);
});

test("labs that run the same at once leave each other's results alone", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const [one, other] = [bench.lab({ tasks, runner: "local" }), bench.lab({ tasks, runner: "local" })];
  const values = series({ folder, salt: 4 });
  const waiting = one.start([gated({ values, folder, salt: 4 }), sum({ values, folder, salt: 4 })]);
  await bench.begun(1);
  expect(await other.runTask(sum({ values, folder, salt: 5 }))).toBe(4 * LENGTH + 5);
  await other.close();
  expect(filesIn(bench).length).toBe(1);
  bench.open(4);
  expect(await waiting.results()).toEqual([4, 4 * LENGTH + 4]);
  expect(await heldIn(bench, one)).toBe(0);
  expect(bench.lines().filter((line) => line === "series").length).toBe(2);
});

test("a lab that was given what another one has committed makes its own when that is gone", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const labs = [1, 2].map(() => bench.lab({ tasks, runner: "local", concurrency: 1 }));
  const values = slowSeries({ folder, salt: 14 });
  const runs = labs.map((lab, salt) => lab.runTask(sum({ values, folder, salt })));
  await bench.begun(2);
  const [first, second] = bench.lines("begun").map(Number);
  bench.open(first as number);
  await Promise.race(runs);
  await Promise.all(labs.map((lab) => lab.runs()));
  expect(filesIn(bench)).toEqual([]);
  bench.open(second as number);
  expect(await Promise.all(runs)).toEqual([14 * LENGTH, 14 * LENGTH + 1]);
  expect(bench.lines().filter((line) => line === "slowSeries").length).toBe(3);
  await Promise.all(labs.map((lab) => lab.runs()));
  expect(filesIn(bench)).toEqual([]);
});

test("a run that failed keeps it for who goes on with it, which makes nothing again", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const lab = bench.lab({ tasks, runner: "local" });
  const values = series({ folder, salt: 6 });
  const run = lab.start([failing({ values, folder, salt: 6 }), sum({ values, folder, salt: 6 })]);
  const error = (await run.results().catch((reason) => reason)) as RunError;
  expect(error.kind).toBe("user-error");
  expect(await heldIn(bench, lab)).toBe(1);
  const again = await lab.runTasks([sum({ values, folder, salt: 7 })], { runId: run.id });
  expect(again).toEqual([6 * LENGTH + 7]);
  // That one has ended well.
  expect(await heldIn(bench, lab)).toBe(0);
  expect(bench.lines().sort()).toEqual(["series", "sum", "sum"]);
});

describe("attaching", () => {
  test("to a run that is over says that its result was for it only, and what can be done", async () => {
    await using bench = new LabBench();
    const { folder } = bench;
    const lab = bench.lab({ tasks, runner: "local" });
    const values = series({ folder, salt: 8 });
    const run = lab.start([values, sum({ values, folder, salt: 8 })]);
    await run.results();
    await lab.close();
    const [lost, there] = await (await bench.onlooker().attach(run.id)).settled();
    expect(lost).toMatchObject({ status: "rejected", kind: "object-lost" });
    expect((lost as { reason: Error }).reason.message).toMatch(
      /series.*its result is not there any more: its type has cache: false.*Run the task again, or let its results be cached/,
    );
    expect(there).toMatchObject({ status: "fulfilled", value: 8 * LENGTH + 8 });
  });

  test("while it goes on leaves what was asked for to who follows it", async () => {
    await using bench = new LabBench();
    const { folder } = bench;
    const lab = bench.lab({ tasks, runner: "local" });
    const [asked, within] = [series({ folder, salt: 9 }), series({ folder, salt: 10 })];
    const run = lab.start([
      asked,
      gated({ values: asked, folder, salt: 9 }),
      gated({ values: within, folder, salt: 10 }),
      sum({ values: within, folder, salt: 10 }),
    ]);
    await bench.begun(2);
    const following = await bench.onlooker().attach(run.id);
    bench.open(9);
    bench.open(10);
    const own = await run.results();
    // Its file is there, and that of the one that nobody asked for is not.
    expect(await heldIn(bench, lab)).toBe(1);
    expect(await following.results()).toEqual(own);
  });
});

test("a run that is driven elsewhere leaves what was asked for, and nothing else", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const lab = bench.lab({ tasks, runner: "local" });
  const [asked, within] = [series({ folder, salt: 11 }), series({ folder, salt: 12 })];
  const run = await lab.submit([asked, ...inTwo(within, folder)]);
  const [values, ...sums] = await run.results();
  expect([values?.length, ...sums]).toEqual([LENGTH, 12 * LENGTH + 1, 12 * LENGTH + 2]);
  await eventually(() => filesIn(bench).length < 2, 20_000, "the end of the other one");
  expect(await heldIn(bench, lab)).toBe(1);
  expect((await (await bench.onlooker().attach(run.id)).results())[0]).toEqual(values);
});

test("what cannot be deleted is no failure of its run", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const lab = bench.lab({ tasks, runner: "inline" });
  const run = lab.start([
    gated({ values: series({ folder, salt: 13 }), folder, salt: 13 }),
    sum({ values: series({ folder, salt: 13 }), folder, salt: 13 }),
  ]);
  await bench.begun(1);
  await eventually(() => bench.lines().includes("sum"), 20_000, "the other dependent");
  // Nothing but an empty folder can be there in its place.
  const [name] = filesIn(bench);
  rmSync(name as string);
  mkdirSync(join(name as string, "in its place"), { recursive: true });
  bench.open(13);
  expect(await run.results()).toEqual([13, 13 * LENGTH + 13]);
  expect((await lab.runs())[0]).toMatchObject({ id: run.id, status: "ok" });
  expect(existsSync(join(name as string, "in its place"))).toBe(true);
});

test("a run that is killed leaves it to a clean-up, which takes it as nothing but a result of a run that is over", async () => {
  await using bench = new LabBench();
  const { folder } = bench;
  const storage = join(folder, "storage");
  const script = runScript("sdk/fixtures/left-script.ts", [storage, folder]);
  await bench.begun(1);
  await eventually(() => bench.lines().includes("sum"), 20_000, "the other dependent");
  script.child.kill("SIGKILL");
  expect((await script.ended).signal).toBe("SIGKILL");
  expect(filesIn(bench).length).toBe(1);
  const lab = bench.lab({ tasks, runner: "local" });
  // Another run makes its own, and takes that along.
  const values = series({ folder, salt: 1 });
  expect(await lab.runTask(sum({ values, salt: 2, folder }))).toBe(LENGTH + 2);
  expect(await heldIn(bench, lab)).toBe(1);
  expect(bench.lines().filter((line) => line === "series").length).toBe(2);
  await lab.close();

  const stores = await openLocalStores(storage);
  for await (const item of stores.table.scan("")) await stores.table.put({ ...item, t: Number(item.t) - 3 * DAY_MS });
  await ageBelow(storage, 3 * DAY_MS);
  const report = await collectGarbage(stores, { graceMs: DAY_MS, dryRun: false, directory: storage });
  await stores.table.close();
  expect(report.removed.results?.count).toBe(1);
  expect(filesIn(bench)).toEqual([]);
});
