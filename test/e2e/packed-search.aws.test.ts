import { randomBytes } from "node:crypto";
import { aws, Lab } from "stratolab";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { collectGarbage } from "../../sdk/gc/collect.ts";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import type { ResultPacks } from "../../sdk/stores/result-packs.ts";
import { findResults } from "../../sdk/stores/result-search.ts";
import { listTypes, noteType } from "../../sdk/stores/result-types.ts";
import { commitInOrder, commitResult, deleteResults, readResults } from "../../sdk/stores/results.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { encode, joinChunks } from "../../sdk/wire/codec/codec.ts";
import { depthHeader } from "../../sdk/wire/keys.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { DAY_MS } from "../gc/age.ts";
import { thisStack } from "../support/this-stack.ts";
import { measured, noise } from "./fixtures/packed-tasks.ts";

const salt = Date.now();
const localAws = connectLocalAws();
let stores: Stores & { readonly table: { readonly packs?: ResultPacks } };
let packs: ResultPacks;
beforeAll(() => {
  const { outputs } = thisStack();
  stores = openAwsStores({ kind: "aws", table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] });
  packs = stores.table.packs as ResultPacks;
});
afterAll(() => stores.table.close());
afterEach(() => {
  vi.useRealTimers();
});

/** What requests of the control table a few lines take, by name. */
async function requestsOf(run: () => Promise<unknown>) {
  await localAws.resetCounts();
  await run();
  const { operations } = await localAws.counts();
  return (name: string) => operations[`dynamodb:${name}`] ?? { requests: 0, units: 0 };
}

const labOf = (namespace: string) =>
  new Lab({
    tasks: new URL("./fixtures/packed-tasks.ts", import.meta.url),
    runner: aws(),
    namespace: `${namespace}-${salt}`,
    progress: false,
    concurrency: 4,
  });

/** The result of some task of a type, as small as they come. */
const recordOf = (namespace: string, n: number, changes: Partial<ResultRecord> = {}): ResultRecord => ({
  key: randomBytes(16).toString("hex"),
  namespace: `${namespace}-${salt}`,
  name: "noise",
  version: "v:1",
  generation: 0,
  value: { inline: joinChunks(encode(n)) },
  params: { inline: joinChunks(encode({ n })) },
  runId: "run-1",
  attempt: 1,
  endedAt: Date.now(),
  durationMs: 1,
  peakMemoryMb: 1,
  ...changes,
});

/** Results of a type that has packs at depth two, some of them in each partition. */
async function deepResults(namespace: string, count: number): Promise<readonly ResultRecord[]> {
  const records = Array.from({ length: count }, (_, n) => recordOf(namespace, n));
  records.sort((a, b) => (a.key < b.key ? -1 : 1));
  await noteType(stores.table, records[0]);
  await packs.note(records[0], depthHeader(2));
  for (let start = 0; start < count; start += 200) {
    await packs.write(records.slice(start, start + 200), { depths: { noise: 2 }, isLoose: true });
  }
  return records;
}

describe("results in divided packs", () => {
  it("are found by what is known of them, with queries of their types' partitions and no look at the whole table", async () => {
    const sources = Array.from({ length: 1_000 }, (_, n) => noise({ n }));
    const tasks = sources.map((of) => measured({ of }));
    {
      await using lab = labOf("search");
      // The second thousand and what is computed from it finds the first one stored: so it is divided.
      await lab.runTasks(sources.slice(0, 500));
      await lab.runTasks(tasks);
    }
    await using lab = labOf("search");
    const listing = await requestsOf(async () => {
      const found = await lab.cachedTasks({ type: measured });
      expect(found).toHaveLength(1_000);
      expect(await lab.isCached(found[0])).toBe(true);
    });
    expect(listing("Scan").requests).toBe(0);
    // The list of types, the parts of `measured`, and of `noise` for what its tasks are computed from, once or a few times;
    // one look-up.
    expect(listing("Query").requests).toBeLessThan(70);
    expect(listing("BatchGetItem").requests).toBe(0);

    const explaining = await requestsOf(async () => {
      expect((await lab.explain(tasks[7])).cache.kind).toBe("nothing-stored");
      expect((await lab.explain(measured({ of: noise({ n: -1 }) }))).cache.kind).toBe("other-dependency");
    });
    expect(explaining("Scan").requests).toBe(0);
    expect(explaining("Query").requests).toBeLessThan(100);

    const deleting = await requestsOf(async () => expect(await lab.uncache({ type: noise })).toBe(1_000));
    expect(deleting("Scan").requests).toBe(0);
    expect(await lab.cachedTasks({ type: noise })).toEqual([]);
    expect(await lab.cachedTasks({ type: measured })).toHaveLength(1_000);
    expect(await lab.isCached(sources[3])).toBe(false);
  });

  it("are found by nothing but a key: a query for the list, and one for each depth of each type until it is there", async () => {
    const records = await deepResults("by-key", 3_000);
    const wanted = records[1_234];
    const types = (await listTypes(stores.table)).length;
    const looking = await requestsOf(async () => {
      expect(await findResults(stores.table, [wanted.key])).toEqual([wanted]);
    });
    expect(looking("Scan").requests).toBe(0);
    expect(looking("BatchGetItem").requests).toBe(0);
    // Types are asked a few at once, so some others have been, too: in two depths at most here, two queries each.
    expect(looking("Query").requests).toBeLessThanOrEqual(1 + 4 * Math.min(types, 16));
  });

  it("are listed and deleted at depth two, and go with a clean-up in one write for many of a pack", async () => {
    const records = await deepResults("deep", 3_000);
    const [namespace, old] = [records[0].namespace, records.slice(0, 1_000)];
    await using lab = labOf("deep");
    const listing = await requestsOf(async () => expect(await lab.cachedTasks({ type: noise })).toHaveLength(3_000));
    expect(listing("Scan").requests).toBe(0);
    // The list, the first partition twice, 256 others.
    expect(listing("Query").requests).toBeLessThan(270);

    const deleting = await requestsOf(() => deleteResults(stores.table, old));
    expect(deleting("Query").requests).toBeLessThan(95);
    // An item of a pack each, and none under keys.
    expect(deleting("BatchWriteItem").requests).toBe(0);
    expect((await readResults(stores.table, records)).filter((record) => record)).toHaveLength(2_000);
    await lab.close();

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * DAY_MS });
    const options = { graceMs: DAY_MS, oldResults: { olderThanMs: 2 * DAY_MS, namespace } };
    const told = await collectGarbage(stores, { ...options, dryRun: true });
    expect(told.removed["old results"]).toMatchObject({ count: 2_000 });
    const cleaning = await requestsOf(async () => {
      const report = await collectGarbage(stores, { ...options, dryRun: false });
      expect(report).toEqual({ ...told, dryRun: false });
    });
    // Some 170 packs of 12 results; that each was deleted is noted, too.
    expect(cleaning("UpdateItem").requests + cleaning("DeleteItem").requests).toBeLessThan(900);
    expect((await readResults(stores.table, records)).filter((record) => record)).toEqual([]);
    expect((await listTypes(stores.table)).filter((type) => type.namespace === namespace)).toEqual([]);
  });

  it("that come one by one take no more units than results under their own keys, also where they are written together", async () => {
    const [type, count] = [recordOf("scattered", 0), 60];
    await noteType(stores.table, type);
    await packs.note(type, depthHeader(2));
    const scattered = () => Array.from({ length: count }, (_, n) => recordOf("scattered", n));
    const unitsOf = async (write: (records: readonly ResultRecord[]) => Promise<unknown>) => {
      const requests = await requestsOf(() => write(scattered()));
      return ["PutItem", "TransactWriteItems"].reduce((sum, name) => sum + requests(name).units, 0) / count;
    };
    const depths = { noise: 2 };
    const units = {
      loose: await unitsOf((records) => packs.write(records, { depths, isLoose: true })),
      together: await unitsOf((records) => packs.write(records, { depths })),
      keyed: await unitsOf((records) => Promise.all(records.map((record) => commitResult(stores.table, record)))),
      keyedInOrder: await unitsOf((records) => commitInOrder(stores.table, records)),
    };
    expect(units.loose).toBeLessThanOrEqual(units.keyed);
    expect(units.together).toBeLessThanOrEqual(units.keyedInOrder);
  });
});
