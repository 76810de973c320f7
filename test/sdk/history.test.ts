import { type RunLogLine, task } from "stratolab";
import { describe, expect, test } from "vitest";
import { add, flaky, gated, throwing } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

/** All lines of a log. */
async function read(lines: AsyncIterable<RunLogLine>): Promise<RunLogLine[]> {
  const all: RunLogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe("lab.explain", () => {
  test("tells of each attempt what it met and what was decided, and where the time went", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([flaky({ every: false })]);
    await run.results();
    const told = await lab.explain(flaky({ every: false }));
    expect(told).toMatchObject({
      task: "flaky({ every: false })",
      name: "flaky",
      status: "done",
      run: { id: run.id, position: 0, status: "ok" },
      placement: { lane: "inline", reason: "this machine" },
      demand: { numCpus: 1 },
      cache: { kind: "nothing-stored", why: "no result of flaky was stored" },
      waitedFor: [],
      attempts: [
        { attempt: 1, kind: "user-error", seen: expect.stringContaining("attempt 1"), why: "this machine" },
        { attempt: 2, kind: "ok", usage: { bytesOut: expect.any(Number) } },
      ],
    });
    expect(told.attempts[1].why).toBe(told.attempts[0].decided);
    expect(told.attempts[0].decided).toContain("retry 1 of 1");
    expect(told.error).toBeUndefined();
  });

  test("tells why a result was not in the cache: none, other params, other code, or all anew", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab();
    const cacheOf = async (asked: ReturnType<typeof add>, run?: string) =>
      (await lab.explain(asked, run ? { run } : {})).cache;
    const [first, second] = [add({ a: 1, b: 2, file }), add({ a: 1, b: 3, file })];
    expect(await lab.explain(first)).toMatchObject({ status: "not-run", placement: { lane: "inline" }, attempts: [] });
    await lab.runTask(first);
    expect((await cacheOf(first)).kind).toBe("nothing-stored");
    await lab.runTask(second, { name: "second" });
    expect(await cacheOf(second)).toMatchObject({
      kind: "other-params",
      nearest: { params: expect.stringContaining("b: 2"), differences: ["params.b was 2, is 3"] },
    });
    await lab.runTask(first, { name: "again" });
    expect(await lab.explain(first)).toMatchObject({ status: "cached", cache: { kind: "found" }, attempts: [] });
    // What was told of an earlier run does not change by later ones.
    expect((await cacheOf(second, "second")).kind).toBe("other-params");
    await lab.runTask(first, { bustCache: true });
    expect((await cacheOf(first)).kind).toBe("busted");
    await expect(lab.explain(first, { run: "second" })).rejects.toMatchObject({ kind: "unknown-task" });
    await expect(lab.explain(first, { run: "third" })).rejects.toMatchObject({ kind: "unknown-run" });

    const changed = task({
      name: "add",
      version: "2",
      run: ({ a, b }: { a: number; b: number; file: string }) => a + b,
    });
    const { cache, status } = await lab.explain(changed({ a: 1, b: 2, file }));
    expect([status, cache.kind, cache.nearest?.differences]).toEqual(["not-run", "other-code", []]);
    expect(cache.why).toMatch(/^the stored result for these params is of other code: its version was \w+, is "2"$/);
  });

  test("tells what a task waited for, and which failure kept it from running", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab();
    const failing = throwing({ what: "error" });
    const sum = add({ a: add({ a: 1, b: 2, file }), b: 3, file });
    await lab.start([sum, add({ a: failing, b: 1, file })], { name: "mixed" }).settled();
    expect((await lab.explain(sum)).waitedFor).toMatchObject([{ status: "done", wasLast: true }]);
    const { status, error, log, cache } = await lab.explain(failing);
    expect([status, error?.kind, cache.kind]).toEqual(["failed", "user-error", "nothing-stored"]);
    expect(error?.stack).toMatch(
      /^OddError: odd\n +at .*lab-tasks\.ts:\d+[\s\S]*\ncaused by: TypeError: inside\n +at /,
    );
    expect(log).toMatchObject([
      { level: "warn", text: "about to throw", attempt: 1 },
      { level: "error", text: expect.stringMatching(/^attempt failed, user-error: /) },
    ]);
    const blocked = await lab.explain(add({ a: failing, b: 1, file }));
    expect(blocked).toMatchObject({ status: "cancelled", attempts: [], error: { blockedBy: String(failing) } });
    expect(blocked.placement).toBeUndefined();
  });
});

describe("lab.logs and lab.summary", () => {
  test("tell of a run by name, to any lab of its storage", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab({ context: { log: true } });
    await lab.runTasks([add({ a: add({ a: 1, b: 2, file }), b: 3, file })], { name: "sums" });
    await lab.runs();
    const onlooker = bench.onlooker();
    const lines = await read(onlooker.logs("sums"));
    expect(lines).toMatchObject([
      { level: "info", text: "adding 1 2", name: "add", position: 0, attempt: 1 },
      { level: "info", text: "adding 3 3", name: "add", position: 1, attempt: 1 },
    ]);
    expect((await read(onlooker.logs("sums", { task: "#1" }))).map(({ text }) => text)).toEqual(["adding 3 3"]);
    expect(await read(onlooker.logs("sums", { level: "warn" }))).toEqual([]);
    const { types, criticalPath, run } = await onlooker.summary("sums");
    expect(run).toMatchObject({ name: "sums", status: "ok" });
    expect(types).toMatchObject([{ name: "add", total: 2, done: 2, attempts: 2, lanes: { inline: 2 } }]);
    expect(criticalPath.tasks.length).toBeGreaterThan(0);
  });

  test("follow a run until it is over", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    const run = lab.start([gated({ id: 1, folder: bench.folder }), throwing({ what: "text" })]);
    await bench.begun(1);
    const seen: string[] = [];
    for await (const { text } of lab.logs(run.id, { follow: true })) {
      seen.push(text);
      bench.open(1);
    }
    expect(seen).toEqual(["about to throw", "attempt failed, user-error: Error: just text"]);
    expect((await run.settled()).map(({ kind }) => kind)).toEqual(["ok", "user-error"]);
  });

  test("refuse what means nothing", async () => {
    await using bench = new LabBench();
    const lab = bench.lab();
    await expect(read(lab.logs("x", { level: "loud" as never }))).rejects.toThrow('got "loud"');
    await expect(read(lab.logs("x", { attempt: 0 }))).rejects.toThrow("at least 1, got 0");
    await expect(read(lab.logs("x", { tail: 3 } as never))).rejects.toThrow("unknown option tail");
    await expect(read(lab.logs("x"))).rejects.toMatchObject({ kind: "unknown-run" });
    await expect(lab.summary("x")).rejects.toMatchObject({ kind: "unknown-run" });
  });
});
