import { resultKey } from "../wire/keys.ts";
import type { Condition, ControlTable, WriteResult } from "./control-table.ts";
import { type Candidate, countingResults, firstOf } from "./counting.ts";
import { fingerprintOfInputs, fingerprintOfSlot } from "./inputs-fingerprint.ts";
import { type ResultName, type ResultRecord, type ResultType, toItem, toRecord } from "./result-items.ts";
import type { ResultPacks } from "./result-packs.ts";

/** What counts after a commit. */
export interface Committed {
  /** Undefined for a result that is not stored. */
  readonly record: ResultRecord | undefined;
  /** Whether it is the caller's own. */
  readonly own: boolean;
}

/** Results that are read from a table at once. */
const SLICE = 10_000;

const isFirst = ({ generation }: ResultRecord): Condition => ({
  when: "absent-or-below",
  attribute: "g",
  value: generation,
});

/**
 * Commits a result, once: the first writer of a generation wins, and everyone else is given what the
 * winner wrote. After this returns, the result is durable.
 *
 * @returns The record that now counts, and whether it is the caller's own.
 */
export async function commitResult(
  table: ControlTable,
  record: ResultRecord,
): Promise<Committed & { readonly record: ResultRecord }> {
  return committedBy(record, await table.putIf(toItem(record), isFirst(record)));
}

/**
 * Commits results one after another: none is durable before those in front of it.
 *
 * @returns For each what `commitResult` returns, up to the first that another writer had won; those behind it were not
 * committed.
 */
export async function commitInOrder(
  table: ControlTable,
  records: readonly ResultRecord[],
): Promise<readonly Committed[]> {
  const writes = records.map((record) => ({ item: toItem(record), condition: isFirst(record) }));
  const written = await table.putInOrder(writes);
  return written.map((result, position) => committedBy(records[position], result));
}

function committedBy(record: ResultRecord, result: WriteResult): Committed & { readonly record: ResultRecord } {
  if (result.written || !result.existing) return { record, own: true };
  const existing = toRecord(result.existing);
  // A write whose answer was lost is sent again, and then meets itself.
  const isItself =
    existing.runId === record.runId && existing.attempt === record.attempt && existing.endedAt === record.endedAt;
  return { record: existing, own: isItself };
}

/** Whether two records hold the same value. */
export function isSameResult(one: ResultRecord | undefined, other: ResultRecord): boolean {
  const [a, b] = [one?.value, other.value];
  if (!a) return false;
  if ("inline" in a) return "inline" in b && Buffer.compare(a.inline, b.inline) === 0;
  return "object" in b && fingerprintOfSlot(a) === fingerprintOfSlot(b);
}

/** One of the results that are stored of a task. */
interface Stored extends Candidate {
  readonly record: ResultRecord;
}

/** A result, and those that it is computed from. */
export interface NeededResult extends ResultName {
  /** Positions, all before its own. */
  readonly dependencies: readonly number[];
}

/** How results are looked for in packs. */
interface ReadOptions {
  /** Packs that were read so long ago, in milliseconds, are not read again. Default 0. */
  readonly maxAgeMs?: number;
}

/**
 * Results by name, undefined where there is none. What they were computed from is not looked at: whoever is about to go
 * on with them takes `readCounting`.
 */
export async function readResults(
  table: ControlTable,
  names: readonly ResultName[],
): Promise<(ResultRecord | undefined)[]> {
  const { packs } = table;
  if (!packs) {
    const records: (ResultRecord | undefined)[] = new Array(names.length).fill(undefined);
    await readKeyed(table, names, [...names.keys()], (record, position) => {
      records[position] = record;
    });
    return records;
  }
  const stored = await readStored(table, packs, names, {});
  return stored.map((each) => firstOf(each)?.record);
}

/** The results of a plan that count, undefined where none does. */
export async function readCounting(
  table: ControlTable,
  nodes: readonly NeededResult[],
  options: ReadOptions = {},
): Promise<(ResultRecord | undefined)[]> {
  const { packs } = table;
  if (!packs) return readResults(table, nodes);
  const stored = await readStored(table, packs, nodes, options);
  const counting = countingResults(
    nodes.map(({ dependencies }, position) => ({ candidates: stored[position], dependencies })),
    (position, inputs) => {
      const { dependencies } = nodes[position];
      const values = dependencies.map((dependency, index) => [nodes[dependency].key, inputs[index].record.value]);
      return textOf(fingerprintOfInputs(Object.fromEntries(values))) ?? "";
    },
  );
  return counting.map((each) => each?.record);
}

/** Whether a result was computed from these values, as far as that is written down. */
export function isComputedFrom({ inputs }: ResultRecord, values: Parameters<typeof fingerprintOfInputs>[0]): boolean {
  return inputs === undefined || textOf(inputs) === textOf(fingerprintOfInputs(values));
}

/** All that is stored of each task: in packs of any depth, and by keys where there may be some. */
async function readStored(
  table: ControlTable,
  packs: ResultPacks,
  names: readonly ResultName[],
  { maxAgeMs }: ReadOptions,
): Promise<Stored[][]> {
  const stored = names.map((): Stored[] => []);
  const keyed: number[] = [];
  await Promise.all(
    positionsByType(names).map(async (positions) => {
      const keys = positions.map((position) => names[position].key);
      const { byKey, hasKeyed } = await packs.find(names[positions[0]], keys, maxAgeMs);
      for (const position of positions) {
        for (const { record, pack } of byKey.get(names[position].key) ?? []) {
          stored[position].push(asStored(record, pack.sk));
        }
      }
      if (hasKeyed) for (const position of positions) keyed.push(position);
    }),
  );
  await readKeyed(table, names, keyed, (record, position) => stored[position].push(asStored(record, "")));
  return stored;
}

/**
 * Results under their own keys, a slice of them at a time: what a table has of a million tasks is several times as large
 * as what is taken from it, and others have their turn between two slices.
 */
async function readKeyed(
  table: ControlTable,
  names: readonly ResultName[],
  positions: readonly number[],
  take: (record: ResultRecord, position: number) => void,
): Promise<void> {
  for (let start = 0; start < positions.length; start += SLICE) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    const slice = positions.slice(start, start + SLICE);
    const items = await table.getMany(slice.map((position) => resultKey(names[position].key)));
    items.forEach((item, index) => {
      if (item) take(toRecord(item), slice[index]);
    });
  }
}

const asStored = (record: ResultRecord, pack: string): Stored => ({
  generation: record.generation,
  endedAt: record.endedAt,
  id: `${pack} ${record.attempt}`,
  // Seldom asked for.
  get value() {
    return fingerprintOfSlot(record.value);
  },
  inputs: textOf(record.inputs),
  record,
});

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("base64");

/** Positions of results of the same type, together. */
export function positionsByType(types: readonly ResultType[]): number[][] {
  const byType = new Map<string, number[]>();
  types.forEach(({ namespace, name, version }, position) => {
    const type = JSON.stringify([namespace, name, version]);
    const positions = byType.get(type);
    if (positions) positions.push(position);
    else byType.set(type, [position]);
  });
  return [...byType.values()];
}

/** Of several results of one task the one that counts, whatever they were computed from. */
export function distinctResults(records: readonly ResultRecord[]): ResultRecord[] {
  const byKey = new Map<string, ResultRecord>();
  for (const record of records) {
    const known = byKey.get(record.key);
    byKey.set(record.key, known ? (firstOf([asStored(known, ""), asStored(record, "")]) as Stored).record : record);
  }
  return [...byKey.values()];
}

/** Forgets results; the objects they point at are the caller's to delete. */
export async function deleteResults(table: ControlTable, names: readonly ResultName[]): Promise<void> {
  const keyed = table.packs ? await table.packs.remove(names) : names;
  await table.deleteMany(keyed.map(({ key }) => resultKey(key)));
}
