import { expect, test } from "vitest";
import { lookUp } from "../../sdk/driver/look-up.ts";
import { ResultWays } from "../../sdk/driver/result-ways.ts";
import type { LabPlan, PlannedTask } from "../../sdk/planning.ts";
import type { ControlTable } from "../../sdk/stores/control-table.ts";
import { commitResult } from "../../sdk/stores/results.ts";
import { temporaryStores } from "../stores/folders.ts";
import { packingTable } from "../support/packing.ts";

const type = { namespace: "default", name: "train", version: "1" };
const keyOf = (n: number) => n.toString(16).padStart(64, "0");

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
  return { isPacked: ways.isPacked("train"), found: lookedUp.records.filter((record) => record).length };
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

test("results are packed where they are few", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  expect(await choose(table, 2_000)).toEqual({ isPacked: true, found: 0 });
  expect((await table.packs.read(type)).hasKeyed).toBe(false);
});

test("results that came one by one do not make more of those that come together", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  for (let n = 0; n < 40; n++) await table.packs.write([record(n, 1)]);
  expect(await choose(table, 8_000)).toEqual({ isPacked: true, found: 40 });
});

test("many have keys of their own, which is said before, and both are found", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  await table.packs.write([record(1, 10)]);
  expect(await choose(table, 10_000)).toEqual({ isPacked: false, found: 1 });
  expect((await table.packs.read(type)).hasKeyed).toBe(true);
  await commitResult(table, record(2, 10));
  expect((await choose(table, 10_000)).found).toBe(2);
});

test("packs that have grown large get no more", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  for (let n = 0; n < 40; n++) await table.packs.write([record(n, 2_000), record(1_000 + n, 2_000)]);
  expect(await choose(table, 50)).toEqual({ isPacked: true, found: 40 });
  expect((await choose(table, 600)).isPacked).toBe(false);
  // Nothing is to be run: whatever has to be made again all the same does not count.
  expect((await choose(table, 40)).isPacked).toBe(true);
});

test("executors that write no packs have keys of their own", async () => {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  expect((await choose(table, 1, false)).isPacked).toBe(false);
  expect((await table.packs.read(type)).hasKeyed).toBe(true);
  // A table without packs asks for keys anyway.
  expect((await choose(stores.table, 1)).isPacked).toBe(false);
});
