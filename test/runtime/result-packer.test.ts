import { expect, test } from "vitest";
import { ResultPacker } from "../../runtime/result-packer.ts";
import { readResults } from "../../sdk/stores/results.ts";
import type { Assignment, AttemptSpec } from "../../sdk/wire/attempt.ts";
import type { AttemptReport } from "../../sdk/wire/invocation.ts";
import type { Outcome, Usage } from "../../sdk/wire/outcome.ts";
import { temporaryStores } from "../stores/folders.ts";
import { packingTable } from "../support/packing.ts";

const keyOf = (task: number) => task.toString(16).padStart(64, "0");
const nameOf = (task: number) => ({ key: keyOf(task), namespace: "default", name: "train", version: "1" });

const usage: Usage = {
  startedAt: 1_000,
  endedAt: 2_000,
  loadMs: 1,
  runMs: 2,
  storeMs: 3,
  cpuMs: 4,
  peakMemoryMb: 5,
  bytesIn: 6,
  bytesOut: 7,
};

const spec = (task: number, changes: Partial<AttemptSpec> = {}): AttemptSpec => ({
  task,
  attempt: 1,
  ...nameOf(task),
  params: { inline: Uint8Array.of(1) },
  inputs: {},
  resources: { numCpus: 1, numGpus: 0 },
  generation: 0,
  ...changes,
});

const ok = (task: number, bytes = 4): AttemptReport => ({
  task,
  attempt: 1,
  outcome: { kind: "ok", value: { inline: new Uint8Array(bytes).fill(task) }, usage },
});

async function packer(attempts: readonly AttemptSpec[], { packed = true, broken = 0 } = {}) {
  const stores = await temporaryStores();
  const table = packingTable(stores.table);
  const told: (readonly [task: number, kind: Outcome["kind"], seen?: string | undefined])[] = [];
  let failing = broken;
  const assignment = { id: "1", runId: "run-1", namespace: "default", attempts, ...(packed ? { packed } : {}) };
  const writes: number[] = [];
  const write = table.packs.write.bind(table.packs);
  const loose: boolean[] = [];
  table.packs.write = async (records, how) => {
    if (failing-- > 0) throw new Error("the table is away");
    await write(records, how);
    writes.push(records.length);
    loose.push(how?.isLoose ?? false);
  };
  const packing = new ResultPacker({
    assignment: assignment as unknown as Assignment,
    stores: async () => ({ table, objects: stores.objects }),
    report: ({ task, outcome }) =>
      told.push(outcome.kind === "ok" ? [task, "ok"] : [task, outcome.kind, (outcome as { seen?: string }).seen]),
  });
  const stored = async () => {
    const found = await readResults(
      table,
      attempts.map(({ task }) => nameOf(task)),
    );
    return found.map((each) => each !== undefined);
  };
  return { packing, told, writes, loose, stored, [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose]() };
}

test("results of an assignment are one pack, told when it is written", async () => {
  await using at = await packer([spec(1), spec(2), spec(3)]);
  at.packing.report(ok(1));
  at.packing.report(ok(2));
  expect(at.told).toEqual([]);
  at.packing.report(ok(3));
  expect(at.told).toEqual([]);
  await at.packing.finish();
  expect(at.told).toEqual([
    [1, "ok"],
    [2, "ok"],
    [3, "ok"],
  ]);
  expect(at.writes).toEqual([3]);
  expect(await at.stored()).toEqual([true, true, true]);
});

test("what was reported before the process died is written, and what was not is not", async () => {
  await using at = await packer([spec(1), spec(2), spec(3)]);
  at.packing.report(ok(1));
  at.packing.report({ task: 2, attempt: 1, outcome: { kind: "user-error", seen: "Error: no", usage } });
  await at.packing.finish();
  expect(at.told).toEqual([
    [1, "ok"],
    [2, "user-error", "Error: no"],
  ]);
  expect(await at.stored()).toEqual([true, false, false]);
});

test("many or large results are several packs, in order", async () => {
  await using at = await packer([1, 2, 3, 4, 5].map((task) => spec(task)));
  for (const task of [1, 2, 3, 4, 5]) at.packing.report(ok(task, 16_000));
  await at.packing.finish();
  expect(at.writes).toEqual([3, 2]);
  expect(at.told.map(([task]) => task)).toEqual([1, 2, 3, 4, 5]);
});

test("a result that is not stored, and a failure with nothing before it, need no pack", async () => {
  await using at = await packer([spec(1), spec(2), spec(3)]);
  at.packing.report({ task: 1, attempt: 1, outcome: { kind: "user-error", seen: "Error: no", usage } });
  await at.packing.finish();
  expect(at.told).toHaveLength(1);
  at.packing.report({ ...ok(2), outcome: { ...ok(2).outcome, unstored: true } as Outcome });
  await at.packing.finish();
  expect(at.told).toHaveLength(2);
  expect(at.writes).toEqual([]);
});

test("where a pack cannot be written, nothing counts that was computed from what was to be in it", async () => {
  const attempts = [spec(1), spec(2, { handed: [keyOf(1)] }), spec(3, { handed: [keyOf(2)] }), spec(4)];
  await using at = await packer(attempts, { broken: 1 });
  at.packing.report(ok(1));
  at.packing.flush();
  for (const task of [2, 3, 4]) at.packing.report(ok(task));
  await at.packing.finish();
  expect(at.told).toEqual([
    [1, "executor-lost", "storing its result: the table is away"],
    [2, "passed-over", "a result that it was handed could not be stored"],
    [3, "passed-over", "a result that it was handed could not be stored"],
    [4, "ok"],
  ]);
  expect(await at.stored()).toEqual([false, false, false, true]);
});

test("results are written together where some were computed from others", async () => {
  await using at = await packer([spec(1), spec(2), spec(3, { handed: [keyOf(2)] })]);
  at.packing.report(ok(1));
  at.packing.flush();
  for (const task of [2, 3]) at.packing.report(ok(task));
  await at.packing.finish();
  expect(at.writes).toEqual([1, 2]);
  expect(at.loose).toEqual([true, false]);
});

test("results that are not packed are told as they come", async () => {
  await using at = await packer([spec(1), spec(2)], { packed: false });
  at.packing.report(ok(1));
  expect(at.told).toEqual([[1, "ok"]]);
  await at.packing.finish();
  expect(await at.stored()).toEqual([false, false]);
});
