import { type ItemKey, RESULT_PREFIX, resultKey } from "../wire/keys.ts";
import type { Success } from "../wire/outcome.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { Slot } from "../wire/slot.ts";
import { refuseNewer } from "../wire/version.ts";
import type { Attribute, Item } from "./control-table.ts";
import { setSlot, slotOf } from "./slot-attributes.ts";

/** What the results of one kind have in common: the code that made them, in a namespace. */
export interface ResultType {
  readonly namespace: string;
  /** Task name. */
  readonly name: string;
  /** Code version, or the version the user gave. */
  readonly version: string;
}

/** Which result is meant: by its cache key, and where it may lie. */
export interface ResultName extends ResultType {
  readonly key: string;
}

/** The result of a task, as the control table keeps it. */
export interface ResultRecord extends ResultName {
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
  /** Stands for the values that it was computed from, where that may matter. */
  readonly inputs?: Uint8Array | undefined;
}

/** What of a result is known before its task is executed. */
type OrderedResult = Pick<ResultRecord, "key" | "name" | "version" | "generation" | "keepMs" | "params" | "attempt">;

/** The record of a result that an attempt has told. */
export const recordOfTold = (
  { key, name, version, generation, keepMs, params, attempt }: OrderedResult,
  { value, usage, inputs }: Pick<Success, "value" | "usage" | "inputs">,
  { namespace, runId }: Pick<ResultRecord, "namespace" | "runId">,
): ResultRecord => ({
  key,
  namespace,
  name,
  version,
  generation,
  keepMs,
  value,
  params,
  runId,
  attempt,
  endedAt: usage.endedAt,
  durationMs: usage.runMs,
  peakMemoryMb: usage.peakMemoryMb,
  inputs,
});

/** An expired result stays for a day, so that nobody who has just looked it up misses it, and the reason is known. */
const EXPIRED_STAYS_MS = 86_400_000;

/** When a result may go, in seconds since the epoch; undefined for those that are kept for good, or for a run. */
export const ttlOf = ({ keepMs, endedAt }: ResultRecord): number | undefined =>
  keepMs !== undefined && keepMs > 0 ? Math.ceil((endedAt + keepMs + EXPIRED_STAYS_MS) / 1_000) : undefined;

/** Written for every task: one object with its fields, not several spread into one. */
export function toItem(record: ResultRecord): Item {
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
    t: record.endedAt,
    d: Math.round(record.durationMs * 1000) / 1000,
    m: record.peakMemoryMb,
  };
  if (record.keepMs !== undefined) item.k = record.keepMs;
  if (record.inputs !== undefined) item.i = record.inputs;
  const ttl = ttlOf(record);
  if (ttl !== undefined) item.ttl = ttl;
  setSlot(item, "v", record.value);
  setSlot(item, "p", record.params);
  return item;
}

/** The cache key of a result, by its item. */
export const keyOfResult = (item: Item): string => item.pk.slice(RESULT_PREFIX.length);

export function toRecord(item: Item): ResultRecord {
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
    ...(item.i instanceof Uint8Array ? { inputs: new Uint8Array(item.i) } : {}),
    value: slotOf("v", item),
    params: slotOf("p", item),
  };
}
