import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { lookUp } from "../../sdk/driver/look-up.ts";
import { ResultWays } from "../../sdk/driver/result-ways.ts";
import type { LabPlan, PlannedTask } from "../../sdk/planning.ts";
import type { ControlTable } from "../../sdk/stores/control-table.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { listTypes } from "../../sdk/stores/result-types.ts";
import { commitResult, readResults } from "../../sdk/stores/results.ts";
import { depthHeader, isPackHeader, LISTED_HEADER, packPartition } from "../../sdk/wire/keys.ts";
import { temporaryStores } from "../stores/folders.ts";
import { packingTable } from "../support/packing.ts";

const type = { namespace: "default", name: "train", version: "1" };
/** As keys are: any number of digits from the first on is as good as drawn. */
const keyOf = (n: number) => createHash("sha256").update(`${n}`).digest("hex").slice(0, 32);

function planOf(count: number): LabPlan {
  const tasks = Array.from({ length: count }, (_, n) => ({ key: keyOf(n), ...type, dependencies: [] }));
  return { tasks: tasks as unknown as readonly PlannedTask[], targets: tasks.map((_, n) => n) };
}

const terms = { namespace: "default", since: 0, runId: undefined };

/** A driver that is about to run what is not there of so many tasks. */
async function choose(table: ControlTable, count: number, mayPack = true) {
  const ways = new ResultWays({ table, namespace: "default", mayPack });
  const plan = planOf(count);
  const lookedUp = await lookUp(table, plan, terms);
  await ways.choose(plan, lookedUp);
  return { ...ways.of(["train"]), found: lookedUp.records.filter((record) => record).length };
}

/** Bytes that cannot be made smaller. */
const noise = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

const record = (n: number, bytes: number) => ({
  ...type,
  key: keyOf(n),
  generation: 0,
  value: { inline: noise(bytes) },
  params: { inline: Uint8Array.of(1) },
  runId: "run-1",
  attempt: 1,
  endedAt: n,
  durationMs: 1,
  peakMemoryMb: 1,
});

/** What was said beside the packs. */
const saidIn = async (table: ControlTable) =>
  (await table.query(packPartition("default", "train", "1"))).map(({ sk }) => sk).filter((sk) => isPackHeader({ sk }));

test("results are packed, and where they are few nothing needs to be said", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  expect(await choose(table, 2_000)).toEqual({ packed: true, found: 0 });
  expect(await saidIn(table)).toEqual([LISTED_HEADER]);
});

test("a type is in the list of all before its first result, and put there once", async () => {
  await using stores = await temporaryStores();
  let puts = 0;
  const counting = new Proxy(stores.table, {
    get: (table, property) => {
      if (property === "put") puts += 1;
      const found = Reflect.get(table, property);
      return typeof found === "function" ? found.bind(table) : found;
    },
  });
  const table = packingTable(counting);
  await choose(table, 3);
  expect(await listTypes(table)).toEqual([type]);
  await table.packs.write([record(0, 10), record(1, 10), record(2, 10)]);
  puts = 0;
  for (const count of [2, 3, 8]) await choose(packingTable(counting), count);
  expect(puts).toBe(0);
});

test("results that came one by one do not make more of those that come together", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  for (let n = 0; n < 40; n++) await table.packs.write([record(n, 1)]);
  expect(await choose(table, 8_000)).toEqual({ packed: true, found: 40 });
});

test("many are divided by their keys, which is said before, and found at each depth", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  await table.packs.write([record(1, 10)]);
  const chosen = await choose(table, 20_000);
  expect(chosen).toEqual({ packed: true, packDepths: { train: 1 }, found: 1 });
  expect(await saidIn(table)).toEqual([depthHeader(1), LISTED_HEADER]);
  const written = [record(2, 10), record(3, 10), record(4, 10)];
  await table.packs.write(written, { depths: chosen.packDepths });
  expect((await readResults(table, written)).map((each) => each?.key)).toEqual(written.map(({ key }) => key));
  expect((await choose(packingTable(stores.table), 20_000)).found).toBe(4);
  expect((await choose(table, 200_000)).packDepths).toEqual({ train: 2 });
  expect(await saidIn(table)).toEqual([depthHeader(1), depthHeader(2), LISTED_HEADER]);
});

test("partitions that have grown large get no more, those of the next depth do", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  for (let n = 0; n < 40; n++) await table.packs.write([record(n, 2_000), record(1_000 + n, 2_000)]);
  expect(await choose(table, 50)).toEqual({ packed: true, found: 40 });
  expect((await choose(table, 600)).packDepths).toEqual({ train: 1 });
  // Whoever adds few still finds room in the first one.
  expect((await choose(table, 50)).packDepths).toBeUndefined();
  const more: ResultRecord[] = Array.from({ length: 450 }, (_, n) => record(2_000 + n, 2_000));
  for (let n = 0; n < more.length; n += 15) await table.packs.write(more.slice(n, n + 15));
  expect((await choose(table, 50)).packDepths).toEqual({ train: 1 });
  // Nothing is to be run: whatever has to be made again all the same does not count.
  expect((await choose(table, 40)).packDepths).toBeUndefined();
});

test("executors that write no packs have keys of their own", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  expect(await choose(table, 1, false)).toEqual({ found: 0 });
  expect((await table.packs.find(type, [])).hasKeyed).toBe(true);
  await commitResult(table, record(0, 10));
  expect((await choose(table, 1)).found).toBe(1);
  // A table without packs asks for keys anyway.
  expect(await choose(stores.table, 1)).toEqual({ found: 1 });
});
