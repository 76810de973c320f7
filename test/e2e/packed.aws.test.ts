import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab, type LabOptions } from "stratolab";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { drawn, mortal, noise, square, told } from "./fixtures/packed-tasks.ts";

const salt = Date.now();
const localAws = connectLocalAws();
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-packed-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const labOf = (namespace: string, options: Partial<LabOptions> = {}) =>
  new Lab({
    tasks: new URL("./fixtures/packed-tasks.ts", import.meta.url),
    runner: aws(),
    namespace: `${namespace}-${salt}`,
    progress: false,
    ...options,
  });

const linesOf = (log: string) => readFileSync(log, "utf8").trim().split("\n");

/** Units of the control table for each of so many tasks. */
async function unitsOf(tasks: number, run: () => Promise<unknown>) {
  await localAws.resetCounts();
  await run();
  const { operations } = await localAws.counts();
  const sum = (...names: string[]) =>
    names.reduce((total, name) => total + (operations[`dynamodb:${name}`]?.units ?? 0), 0) / tasks;
  return {
    writes: sum("PutItem", "UpdateItem", "TransactWriteItems"),
    reads: sum("GetItem", "BatchGetItem", "Query"),
  };
}

describe("results in packs", () => {
  it("of a thousand tasks take less than half a write unit each, all that the run writes included, and no read of their own", async () => {
    await using lab = labOf("packed-count", { concurrency: 8 });
    const squares = (from: number, count: number) => Array.from({ length: count }, (_, n) => square({ n: from + n }));
    // Durations are known, and environments warm.
    await lab.runTasks(squares(10_000, 32));
    const first = await unitsOf(1_000, async () => {
      const results = await lab.runTasks(squares(0, 1_000));
      expect(results).toEqual(Array.from({ length: 1_000 }, (_, n) => n * n));
    });
    expect(first.writes).toBeLessThan(0.5);
    expect(first.reads).toBeLessThan(0.2);
    // What is found again needs no key either.
    await using other = labOf("packed-count");
    const again = await unitsOf(1_000, async () => {
      const outcomes = await other.start(squares(0, 1_000)).settled();
      expect(outcomes.every((outcome) => outcome.kind === "ok" && outcome.cached)).toBe(true);
    });
    expect(again.reads).toBeLessThan(0.2);
    // Those that are forgotten are made again, and no others.
    await other.uncache([square({ n: 3 }), square({ n: 700 })]);
    expect(await other.isCached(square({ n: 3 }))).toBe(false);
    expect(await other.isCached(square({ n: 4 }))).toBe(true);
    expect(await other.cachedTasks({ type: square })).toHaveLength(1_000 + 32 - 2);
    const outcomes = await other.start(squares(0, 1_000)).settled();
    expect(outcomes.filter((outcome) => outcome.kind === "ok" && !outcome.cached)).toHaveLength(2);
  });

  it("of which there are more than one query answers are divided, and found with a query for each part", async () => {
    const noises = (from: number, count: number) => Array.from({ length: count }, (_, n) => noise({ n: from + n }));
    const tableRequests = async (run: () => Promise<unknown>) => {
      await localAws.resetCounts();
      await run();
      const { operations } = await localAws.counts();
      return (name: string) => operations[`dynamodb:${name}`] ?? { requests: 0, fromExecutors: 0 };
    };
    await using lab = labOf("packed-many", { concurrency: 4 });
    const first = await lab.runTasks(noises(0, 800));
    const dividing = await tableRequests(async () => first.push(...(await lab.runTasks(noises(800, 400)))));
    // Some 560 KB, at most 32 KB in each: what goes into one part was executed together.
    expect(dividing("PutItem").fromExecutors).toBeLessThan(110);
    expect(dividing("TransactWriteItems").fromExecutors).toBe(0);

    await using other = labOf("packed-many");
    const looking = await tableRequests(async () => {
      const outcomes = await other.start(noises(0, 1_200)).settled();
      expect(outcomes.every((outcome) => outcome.kind === "ok" && outcome.cached)).toBe(true);
      expect(outcomes.map((outcome) => outcome.kind === "ok" && outcome.value)).toEqual(first);
    });
    // The first part takes two, the others one each; the rest is of the run itself.
    expect(looking("Query").requests).toBeGreaterThanOrEqual(18);
    expect(looking("Query").requests).toBeLessThan(26);
    // What is known of the type; by key there would be a dozen.
    expect(looking("BatchGetItem").requests).toBeLessThanOrEqual(1);
    const lookingForOne = await tableRequests(async () => expect(await other.isCached(noise({ n: 900 }))).toBe(true));
    // In each of two depths one for packs with keys from anywhere, of which the first has two pages, and one for those near it.
    expect(lookingForOne("Query").requests).toBe(5);
    expect(lookingForOne("BatchGetItem").requests).toBe(0);

    await other.uncache([noise({ n: 3 }), noise({ n: 900 })]);
    expect(await other.cachedTasks({ type: noise })).toHaveLength(1_198);
    const outcomes = await other.start(noises(0, 1_200)).settled();
    expect(outcomes.filter((outcome) => outcome.kind === "ok" && !outcome.cached)).toHaveLength(2);
  });

  it("stay when their batch's process is killed: what was done before is not done again", async () => {
    const log = join(folder, "mortal");
    await using lab = labOf("packed-killed", { concurrency: 1 });
    const tasks = (count: number, dies: number, round: number) =>
      Array.from({ length: count }, (_, n) => mortal({ n, dies: n === dies, log, salt: round }));
    await lab.runTasks(tasks(20, -1, 1));
    rmSync(log);
    // More than one dispatch takes, so the first one has the one that dies behind four others.
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    expect(await lab.runTasks(tasks(40, 4, 2))).toEqual(numbers);
    const executed = linesOf(log).map(Number);
    expect(executed.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(executed.toSorted((a, b) => a - b)).toEqual([...numbers, 4].toSorted((a, b) => a - b));
    await using other = labOf("packed-killed");
    const outcomes = await other.start(tasks(40, 4, 2)).settled();
    expect(outcomes.every((outcome) => outcome.kind === "ok" && outcome.cached)).toBe(true);
  });

  it("of two labs that compute the same at once are one consistent set to a third", async () => {
    const log = join(folder, "drawn");
    const tasks = Array.from({ length: 40 }, (_, n) => {
      const source = drawn({ n, log });
      return [source, told({ of: source, log })] as const;
    });
    const all = tasks.flat();
    await Promise.all(
      ["one", "other"].map(async (name) => {
        await using lab = labOf("packed-twice", { concurrency: 4 });
        await lab.start(all, { name }).results();
      }),
    );
    expect(linesOf(log).filter((line) => line === "drawn 0").length).toBeGreaterThanOrEqual(2);
    await using third = labOf("packed-twice");
    const results = await third.runTasks(all);
    for (let n = 0; n < tasks.length; n++) expect(results[2 * n + 1]).toEqual(results[2 * n]);
    await using fourth = labOf("packed-twice");
    const outcomes = await fourth.start(all).settled();
    expect(outcomes.map((outcome) => outcome.kind === "ok" && outcome.cached)).toEqual(all.map(() => true));
    expect(outcomes.map((outcome) => outcome.kind === "ok" && outcome.value)).toEqual(results);
  });
});
