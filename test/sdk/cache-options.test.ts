import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { task } from "stratolab";
import { storageConformance } from "stratolab/conformance";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outdatedBy } from "../../sdk/core/keeping.ts";
import { collectGarbage } from "../../sdk/gc/collect.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import { durationMs } from "../../sdk/wire/cache-options.ts";
import { ageBelow, DAY_MS } from "../gc/age.ts";
import { brief, elsewhere, FolderStorage, long, once, total } from "./fixtures/cache-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const folder = mkdtempSync(join(tmpdir(), "stratolab-elsewhere-"));
beforeAll(() => {
  process.env.TEST_ELSEWHERE = folder;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tasks = new URL("fixtures/cache-tasks.ts", import.meta.url);
const filesOf = (path: string) =>
  readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());

test.each([
  ["good", 10, undefined, undefined],
  ["its own ttl over", 10, 4, "expired"],
  ["its own ttl not over", 10, 6, undefined],
  ["that was stored without", 10, undefined, undefined],
] as const)("a result counts by the shorter terms: %s", (_, endedAt, keepMs, expected) => {
  const result = { endedAt, runId: "a", ...(keepMs === undefined ? {} : { keepMs }) };
  expect(outdatedBy(result, undefined, { runId: undefined, now: 15 })).toBe(expected);
  expect(outdatedBy(result, 5, { runId: "b", now: 15 })).toBe("expired");
  expect(outdatedBy(result, 0, { runId: "b", now: 11 })).toBe("of-another-run");
  expect(outdatedBy(result, 0, { runId: "a", now: 1_000 })).toBeUndefined();
});

describe("cache: false", () => {
  test("has its task run in each run once, for all that need it, and says so", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab({ tasks });
    const one = once({ n: 1, file });
    const sum = total({ of: [one, once({ n: 2, file })], file });
    expect(await lab.runTasks([sum, one])).toEqual([3, 1]);
    expect(bench.lines().sort()).toEqual(["once1", "once2", "total"]);
    // Nothing needs it: what depends on it is cached.
    expect(await lab.runTask(sum)).toBe(3);
    expect(bench.lines().length).toBe(3);
    expect([await lab.isCached(one), await lab.isCached(sum)]).toEqual([false, true]);
    expect((await lab.cachedTasks()).map(({ name }) => name)).toEqual(["total"]);
    expect((await lab.whyNotCached(one)).kind).toBe("not-kept");
    expect(await lab.runTask(one)).toBe(1);
    expect(await bench.lab({ tasks }).runTask(one)).toBe(1);
    expect(bench.lines().filter((line) => line === "once1").length).toBe(3);
  });

  test("keeps results for who goes on with the run, until a clean-up after its end", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const first = bench.lab({ tasks });
    const run = first.start([once({ n: 1, file })]);
    await run.results();
    await first.close();
    expect(await bench.lab({ tasks }).runTasks([once({ n: 1, file })], { runId: run.id })).toEqual([1]);
    expect(bench.lines()).toEqual(["once1"]);
  });
});

test.each([
  ["45s", 45_000],
  ["1.5h", 5_400_000],
  ["30m", 1_800_000],
  ["7d", 604_800_000],
  [250, 250],
  ["0s", undefined],
  ["-1h", undefined],
  ["1h30m", undefined],
  ["5", undefined],
  [Number.NaN, undefined],
  [{}, undefined],
])("a length of time of %s", (duration, ms) => expect(durationMs(duration)).toBe(ms));

describe("cache: { ttl }", () => {
  test("has results count for that long, and replaces them after", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab({ tasks });
    const [short, lasting] = [brief({ n: 1, file }), long({ n: 1, file })];
    await lab.runTasks([short, lasting]);
    await sleep(3);
    expect([await lab.isCached(short), await lab.isCached(lasting)]).toEqual([false, true]);
    expect(await lab.whyNotCached(short)).toMatchObject({ kind: "expired", why: /counted for 1 ms/ });
    expect((await lab.plan([short, lasting])).groups).toMatchObject([
      { name: "brief", notCached: [{ kind: "expired", count: 1 }] },
    ]);
    expect(await lab.runTasks([short, lasting])).toEqual([1, 1]);
    expect(await bench.lab({ tasks }).runTasks([short, lasting])).toEqual([1, 1]);
    expect(bench.lines().sort()).toEqual(["brief1", "brief1", "brief1", "long1"]);
    expect((await lab.explain(short)).cache.kind).toBe("expired");
  });
});

test("a clean-up removes results of runs that are over, and expired ones a day later", async () => {
  await using bench = new LabBench();
  const { file } = bench;
  const storage = join(bench.folder, "storage");
  const lab = bench.lab({ tasks });
  await lab.runTasks([once({ n: 1, file }), brief({ n: 1, file }), long({ n: 1, file })]);
  await lab.close();
  const stores = await openLocalStores(storage);
  for await (const item of stores.table.scan("R#")) {
    await stores.table.put({
      ...item,
      t: Number(item.t) - 3 * DAY_MS,
      ...(item.ttl ? { ttl: Number(item.ttl) - (3 * DAY_MS) / 1_000 } : {}),
    });
  }
  await ageBelow(storage, 3 * DAY_MS);
  const report = await collectGarbage(stores, { graceMs: DAY_MS, dryRun: false, directory: storage });
  expect(report.removed["old results"]).toEqual({ count: 2, bytes: 0 });
  await stores.table.close();
  expect((await bench.lab({ tasks }).cachedTasks()).map(({ name }) => name)).toEqual(["long"]);
});

describe("cache: { storage }", () => {
  test("keeps values there and is checked like any other: what was changed is computed again and reported", async () => {
    await using bench = new LabBench();
    const { file } = bench;
    const lab = bench.lab({ tasks, runner: "local" });
    const there = elsewhere({ n: 7, file });
    expect(await lab.runTask(total({ of: [there, 1], file }))).toBe(8);
    const [stored] = filesOf(folder);
    expect(filesOf(folder).length).toBe(1);
    expect(stored).toMatch(/elsewhere\/[0-9a-f]{32}-[0-9a-f]{16}$/);
    expect((await bench.lab({ tasks }).runTask(there)).values).toEqual(new Float64Array([7, 0.5]));
    expect(bench.lines().sort()).toEqual(["elsewhere7", "total"]);

    writeFileSync(stored as string, Buffer.alloc(statSync(stored as string).size));
    expect((await lab.whyNotCached(there)).kind).toBe("corrupt");
    expect((await bench.lab({ tasks, runner: "local" }).runTask(there)).values[0]).toBe(7);
    expect(bench.lines().filter((line) => line === "elsewhere7").length).toBe(2);
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        type: "notice",
        text: expect.stringMatching(/was changed after it was stored.*again/),
      }),
    );
    await lab.uncache([there]);
    expect(filesOf(folder)).toEqual([]);
  });

  describe("of the documentation", () => {
    for (const { name, run } of storageConformance(() => new FolderStorage(() => folder))) test(name, run);
  });
});

test("what means nothing is refused by name", () => {
  const refusal = (cache: unknown) => {
    try {
      task({ name: "odd", cache: cache as never, run: () => 1 });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refusal(false)).toBeUndefined();
  expect(refusal(true)).toBe("task odd: cache must be false, { ttl } or { storage }, got true");
  expect(refusal({ ttlS: 5 })).toBe("task odd: cache has no option ttlS; there are ttl, ttlMs and storage, got 5");
  expect(refusal({ ttl: "1 week" })).toMatch(
    /^task odd: cache\.ttl must be a length of time above 0, as "45s", .* got '1 week'$/,
  );
  expect(refusal({ ttl: "1h", ttlMs: 5 })).toMatch(/^task odd: cache has both ttl and ttlMs, name one of them/);
  expect(refusal({ ttlMs: 0 })).toMatch(/^task odd: cache\.ttlMs must be a number of milliseconds above 0/);
  expect(refusal({ storage: { get: () => undefined } })).toMatch(/must have the methods put, get, delete, got/);
});
