import { join } from "node:path";
import { RunError, TaskError } from "stratolab";
import { describe, expect, test, vi } from "vitest";
import { collectGarbage } from "../../sdk/gc/collect.ts";
import { endLife, knownLabs } from "../../sdk/stores/lab-life.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { ageBelow, DAY_MS } from "../gc/age.ts";
import { eventually, isAlive, processesWith, runScript } from "../support/scripts.ts";
import { add, counted, gated, throwing } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const gate = (bench: LabBench, id: number) => gated({ id, folder: bench.folder });

/** A lab as somebody has it who comes along later: without the tasks. */
const onlooker = (bench: LabBench) => bench.onlooker();

/** Starts a script that runs `count` counted tasks, and gives the id of its run. */
async function started(bench: LabBench, count: number, ms: number, detachAfter = 0, pad = "") {
  const args = [bench.folder, String(count), String(ms), String(detachAfter), "local", "counted", pad];
  const script = runScript("sdk/fixtures/interrupted-run.ts", args, { MARK: bench.folder });
  const id = await new Promise<string>((resolve) => {
    script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
  });
  return { ...script, id };
}

describe("a run that is over", () => {
  test("is told again, with its log lines, by id or name, to a lab without tasks", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab({ context: { log: true } });
    const run = lab.start([add({ a: add({ a: 1, b: 2, file }), b: 3, file })], { name: "sums" });
    expect(await run.results()).toEqual([6]);
    await lab.close();
    bench.events.length = 0;
    for (const named of [run.id, "sums"]) {
      const again = await onlooker(bench).attach(named);
      expect(again.id).toBe(run.id);
      expect(await again.results()).toEqual([6]);
      const [outcome] = await again.settled();
      expect(outcome).toMatchObject({ kind: "ok", cached: false, attempts: [{ attempt: 1, kind: "ok" }] });
      expect(String(outcome.task)).toMatch(/^add\(\{ a: add\(\{ a: 1, b: 2/);
    }
    expect(bench.events.filter(({ type }) => type === "log")).toMatchObject([
      { text: "adding 1 2" },
      { text: "adding 3 3" },
      { text: "adding 1 2" },
      { text: "adding 3 3" },
    ]);
    expect(bench.lines()).toHaveLength(2);
  });

  test("tells what failed as it was told then", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const failing = throwing({ what: "error" });
    const run = lab.start([failing, add({ a: failing, b: 1, file: bench.file })]);
    const first = (await run.results().catch((error) => error)) as RunError;
    await lab.close();
    const second = (await (await onlooker(bench).attach(run.id)).results().catch((error) => error)) as RunError;
    expect(second).toBeInstanceOf(RunError);
    expect(second.message).toBe(first.message);
    expect(second.failures.map(({ kind, message }) => ({ kind, message }))).toEqual(
      first.failures.map(({ kind, message }) => ({ kind, message })),
    );
    const [failure, blocked] = second.failures;
    expect(failure).toBeInstanceOf(TaskError);
    // How long it waited here is not written down.
    const asWritten = first.failures[0].attempts.map(({ usage, ...attempt }) => {
      const { queueMs, startMs, ...used } = usage ?? {};
      return { ...attempt, usage: used };
    });
    expect(failure.attempts).toEqual(asWritten);
    expect(failure.logTail).toEqual(first.failures[0].logTail);
    expect(failure.cause).toMatchObject({ name: "OddError", message: "odd" });
    expect(String(blocked.blockedBy)).toBe(String(failing));
  });

  test("that nobody knows is refused", async () => {
    await using bench = new LabBench();
    await expect(onlooker(bench).attach("nothing")).rejects.toMatchObject({ kind: "unknown-run" });
    await expect(onlooker(bench).runTask(gate(bench, 1))).rejects.toThrow("made without tasks");
  });
});

describe("a run that goes on elsewhere", () => {
  test("is followed while it does, and can be cancelled from there", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gate(bench, 1), gate(bench, 2)]);
    await bench.begun(2);
    await lab.runs();
    const followed = await onlooker(bench).attach(run.id);
    bench.open(1);
    for await (const outcome of followed) {
      expect(outcome).toMatchObject({ kind: "ok", value: 1 });
      break;
    }
    await followed.cancel();
    expect((await followed.settled()).map(({ kind }) => kind)).toEqual(["ok", "cancelled"]);
    await expect(followed.detach()).rejects.toThrow("driven elsewhere");
    await expect(run.results()).rejects.toMatchObject({ kind: "cancelled" });
  });
});

describe("a run whose driver is killed", () => {
  test("goes on at once where it is attached to: what is finished is not run again", async () => {
    await using bench = new LabBench();
    const script = await started(bench, 30, 40);
    await eventually(() => bench.lines("done").length >= 10, 20_000, "the tenth task");
    script.child.kill("SIGKILL");
    await script.ended;
    const done = new Set(bench.lines("done"));
    const lab = onlooker(bench);
    expect((await lab.runs())[0].status).toBe("interrupted");
    const run = await lab.attach("counted");
    expect(run.id).toBe(script.id);
    expect(await run.results()).toEqual(Array.from({ length: 30 }, (_, id) => id));
    const begun = bench.lines("begun");
    // Each that was done then was begun once; of the others at most the two that ran.
    for (const id of done) expect(begun.filter((line) => line === id)).toHaveLength(1);
    expect(begun.length).toBeLessThanOrEqual(32);
    expect((await lab.runs())[0]).toMatchObject({ id: script.id, status: "ok" });
  });
});

describe("a clean-up", () => {
  test("leaves what a run needs whose driver is gone: its code, its large params, what is finished", async () => {
    await using bench = new LabBench();
    const script = await started(bench, 6, 100, 0, "x".repeat(50_000));
    await eventually(() => bench.lines("done").length >= 2, 20_000, "the second task");
    script.child.kill("SIGKILL");
    await script.ended;
    const directory = join(bench.folder, "storage");
    const stores = await openLocalStores(directory);
    // As if it had been killed a month ago, less a day.
    for (const { id } of await knownLabs(stores.table)) await endLife(stores.table, id);
    await ageBelow(directory, 29 * DAY_MS);
    await collectGarbage(stores, { graceMs: DAY_MS, dryRun: false, directory });
    await stores.table.close();
    const run = await onlooker(bench).attach(script.id);
    expect(await run.results()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(bench.lines("begun").length).toBeLessThanOrEqual(8);
  });
});

describe("a run that is detached", () => {
  test("goes on in the background, outlives its script, and is followed from elsewhere", async () => {
    await using bench = new LabBench();
    const script = await started(bench, 40, 40, 12);
    expect(await script.ended).toMatchObject({ exitCode: 0, stderr: "" });
    const lab = onlooker(bench);
    const run = await lab.attach(script.id);
    expect(await run.results()).toEqual(Array.from({ length: 40 }, (_, id) => id));
    const logged = bench.events.flatMap((event) => (event.type === "log" ? [event.text] : []));
    expect(new Set(logged).size).toBe(40);
    expect(bench.lines("begun").length).toBeLessThanOrEqual(42);
    const [info] = await lab.runs();
    expect(info).toMatchObject({ status: "ok", counts: { total: 40, running: 0, failed: 0, cancelled: 0 } });
    expect(info.driver.pid).not.toBe(script.child.pid);
    await vi.waitFor(() => expect(isAlive(info.driver.pid)).toBe(false), { timeout: 10_000 });
    expect(processesWith(bench.folder)).toEqual([]);
  });

  test("is no more this lab's, which says so to those who wait", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ runner: "local" });
    const run = lab.start(Array.from({ length: 6 }, (_, id) => counted({ id, ms: 100, folder: bench.folder })));
    await bench.begun(1);
    const results = run.results();
    await Promise.all([run.detach(), expect(results).rejects.toMatchObject({ kind: "detached" })]);
    await expect(run.detach()).rejects.toMatchObject({ kind: "run-over" });
    const followed = await lab.attach(run.id);
    expect(await followed.results()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("is refused where there is no driver elsewhere", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gate(bench, 1)]);
    await bench.begun(1);
    await expect(run.detach()).rejects.toMatchObject({ kind: "no-detach" });
    bench.open(1);
    expect(await run.results()).toEqual([1]);
  });
});

describe("a run that is submitted", () => {
  test("is driven elsewhere from its begin, under its name and tags", async () => {
    await using bench = new LabBench();
    const lab = bench.lab({ runner: "local" });
    const { file } = bench;
    const run = await lab.submit([add({ a: add({ a: 1, b: 2, file }), b: 3, file }), add({ a: 1, b: 2, file })], {
      name: "sums",
      tags: ["x"],
    });
    expect(await run.results()).toEqual([6, 3]);
    const [info] = await lab.runs();
    expect(info).toMatchObject({ id: run.id, name: "sums", tags: ["x"], status: "ok", counts: { total: 2, done: 2 } });
    expect(info.driver.pid).not.toBe(process.pid);
    expect(bench.lines()).toHaveLength(2);
  });

  test("is refused where it could not be driven, or makes no sense", async () => {
    await using bench = new LabBench();
    await expect(bench.lab().submit([gate(bench, 1)])).rejects.toMatchObject({ kind: "no-detach" });
    const lab = bench.lab({ runner: "local" });
    await expect(lab.submit([gate(bench, 1)], { name: "no spaces please" })).rejects.toThrow("name must be");
    await expect(lab.submit([gate(bench, 1)], { runId: "x" } as never)).rejects.toThrow("runId");
    expect(await lab.runs()).toEqual([]);
  });
});
