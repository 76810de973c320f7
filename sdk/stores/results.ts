import { type ItemKey, RESULT_PREFIX, resultKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { Slot } from "../wire/slot.ts";
import { refuseNewer } from "../wire/version.ts";
import type { Attribute, Condition, ControlTable, Item, WriteResult } from "./control-table.ts";
import { setSlot, slotOf } from "./slot-attributes.ts";

/** The result of a task, as the control table keeps it under the task's cache key. */
export interface ResultRecord {
  readonly key: string;
  readonly namespace: string;
  /** Task name. */
  readonly name: string;
  /** Code version, or the version the user gave. */
  readonly version: string;
  /** Replaces records of a smaller generation; 0 unless a result had to be replaced. */
  readonly generation: number;
  /** For how long it counts, in milliseconds: 0 for its run only, absent for good. */
  readonly keepMs?: number | undefined;
  readonly value: Slot;
  /** The task's params, so that it can be listed and built again. */
  readonly params: Slot;
  readonly runId: string;
  readonly attempt: number;
  /** When the attempt ended, in milliseconds since the epoch. */
  readonly endedAt: number;
  readonly durationMs: number;
  readonly peakMemoryMb: number;
}

/** An expired result stays for a day, so that nobody who has just looked it up misses it, and the reason is known. */
const EXPIRED_STAYS_MS = 86_400_000;

/** A result as an item. Written for every task: one object with its fields, not several spread into one. */
export function resultItem(record: ResultRecord): Item {
  const { keepMs, endedAt } = record;
  const { pk, sk } = resultKey(record.key);
  const item: Record<string, Attribute> & ItemKey = {
    pk,
    sk,
    f: PROTOCOL_VERSION,
    ns: record.namespace,
    n: record.name,
    cv: record.version,
    g: record.generation,
    r: record.runId,
    a: record.attempt,
    t: endedAt,
    d: Math.round(record.durationMs * 1000) / 1000,
    m: record.peakMemoryMb,
  };
  if (keepMs !== undefined) item.k = keepMs;
  if (keepMs !== undefined && keepMs > 0) item.ttl = Math.ceil((endedAt + keepMs + EXPIRED_STAYS_MS) / 1_000);
  setSlot(item, "v", record.value);
  setSlot(item, "p", record.params);
  return item;
}

/** The cache key of a result, by its item. */
export const keyOfResult = (item: Item): string => item.pk.slice(RESULT_PREFIX.length);

function toRecord(item: Item): ResultRecord {
  refuseNewer(`the stored result ${item.pk}`, item.f);
  return {
    key: keyOfResult(item),
    namespace: String(item.ns),
    name: String(item.n),
    version: String(item.cv),
    generation: Number(item.g),
    runId: String(item.r),
    attempt: Number(item.a),
    endedAt: Number(item.t),
    durationMs: Number(item.d),
    peakMemoryMb: Number(item.m),
    ...(item.k === undefined ? {} : { keepMs: Number(item.k) }),
    value: slotOf("v", item),
    params: slotOf("p", item),
  };
}

/** What counts after a commit. */
export interface Committed {
  /** Undefined for a result that is not stored. */
  readonly record: ResultRecord | undefined;
  /** Whether it is the caller's own. */
  readonly own: boolean;
}

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
  return committedBy(record, await table.putIf(resultItem(record), isFirst(record)));
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
  const writes = records.map((record) => ({ item: resultItem(record), condition: isFirst(record) }));
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
  return "object" in b && a.object === b.object;
}

/** Results by cache key, undefined where there is none. */
export async function readResults(table: ControlTable, keys: readonly string[]): Promise<(ResultRecord | undefined)[]> {
  const items = await table.getMany(keys.map(resultKey));
  return items.map((item) => (item ? toRecord(item) : undefined));
}

/** Forgets results; the objects they point at are the caller's to delete. */
export async function deleteResults(table: ControlTable, keys: readonly string[]): Promise<void> {
  await table.deleteMany(keys.map(resultKey));
}

/** Every result of a namespace, or of all of them, in no order. */
export async function* listResults(table: ControlTable, namespace: string | undefined): AsyncIterable<ResultRecord> {
  for await (const item of table.scan(RESULT_PREFIX)) {
    if (namespace === undefined || item.ns === namespace) yield toRecord(item);
  }
}
