import { expect, test } from "vitest";
import { committedOf, committedReports } from "../../sdk/runners/aws/committed.ts";
import { fingerprintOfInputs } from "../../sdk/stores/inputs-fingerprint.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import type { AttemptSpec } from "../../sdk/wire/attempt.ts";
import type { Slot } from "../../sdk/wire/slot.ts";
import { temporaryStores } from "../stores/folders.ts";
import { packingTable } from "../support/packing.ts";

const type = { namespace: "default", name: "link", version: "1" };
const keyOf = (n: number) => n.toString(16).padStart(64, "0");
const value = (n: number): Slot => ({ inline: Uint8Array.of(n) });

const spec = (n: number, changes: Partial<AttemptSpec> = {}): AttemptSpec => ({
  task: n,
  attempt: 1,
  key: keyOf(n),
  name: type.name,
  version: type.version,
  params: value(0),
  inputs: {},
  resources: { numCpus: 1, numGpus: 0 },
  generation: 0,
  ...changes,
});

const record = (
  n: number,
  from: Readonly<Record<string, Slot>>,
  changes: Partial<ResultRecord> = {},
): ResultRecord => ({
  ...type,
  key: keyOf(n),
  generation: 0,
  value: value(n),
  params: value(0),
  runId: "run-1",
  attempt: 1,
  endedAt: n,
  durationMs: 5,
  peakMemoryMb: 1,
  inputs: fingerprintOfInputs(from),
  ...changes,
});

async function tasksFound(attempts: readonly AttemptSpec[], records: readonly ResultRecord[]) {
  await using stores = await temporaryStores();
  const table = packingTable(stores.table);
  await table.packs.write(records);
  const found = await committedOf(table, { namespace: "default", attempts });
  return committedReports({ attempts }, found).map(({ task }) => task);
}

test("what a chain has written before it broke off is done", async () => {
  const attempts = [spec(1), spec(2, { handed: [keyOf(1)] }), spec(3, { handed: [keyOf(2)] })];
  expect(await tasksFound(attempts, [record(1, {}), record(2, { [keyOf(1)]: value(1) })])).toEqual([1, 2]);
});

test("what somebody else has computed from other values is not", async () => {
  const attempts = [spec(1, { inputs: { [keyOf(9)]: value(9) } }), spec(2, { handed: [keyOf(1)] }), spec(3)];
  const others = [
    record(1, { [keyOf(9)]: value(8) }),
    record(2, { [keyOf(1)]: value(1) }),
    record(3, {}, { runId: "other" }),
  ];
  expect(await tasksFound(attempts, others)).toEqual([3]);
});

test("what is to be replaced is not", async () => {
  expect(await tasksFound([spec(1, { generation: 7 }), spec(2)], [record(1, {}), record(2, {})])).toEqual([2]);
});

test("a result that was handed on without being stored is done with the one that was computed from it", async () => {
  const attempts = [spec(1, { unstored: true }), spec(2, { handed: [keyOf(1)] })];
  expect(await tasksFound(attempts, [record(2, { [keyOf(1)]: value(1) })])).toEqual([1, 2]);
});
