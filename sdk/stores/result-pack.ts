import { deflateRawSync, inflateRawSync } from "node:zlib";
import { pack, unpack } from "msgpackr";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { Slot } from "../wire/slot.ts";
import { refuseNewer } from "../wire/version.ts";
import type { Attribute, Item } from "./control-table.ts";
import { type ResultRecord, ttlOf } from "./result-items.ts";

/*
 * A pack: results of one task type and one run in one item, a row each. What rows have in common stands in the item
 * once; rows that are much alike are small when they are deflated, and an item is paid for by the KB.
 */

type SlotCell = Uint8Array | readonly [object: string, bytes: number, hash: string];
type Row = readonly [
  /** Bytes for the hash that it is. */
  key: Uint8Array | string,
  generation: number,
  value: SlotCell,
  params: SlotCell,
  attempt: number,
  endedAfterMs: number,
  durationUs: number,
  peakMemoryMb: number,
  keepMs?: number | null,
  inputs?: Uint8Array,
];

const HASH = /^(?:[0-9a-f]{32}){1,2}$/;

/**
 * Results of one task type and one run as an item.
 *
 * @param pk The partition that it is for.
 * @param id Names the pack; no other one has it.
 */
export function toPack(records: readonly ResultRecord[], pk: string, id: string): Item {
  const [{ namespace, name, version, runId, endedAt }] = records;
  const item: Record<string, Attribute> & Pick<Item, "pk" | "sk"> = {
    pk,
    sk: id,
    f: PROTOCOL_VERSION,
    ns: namespace,
    n: name,
    cv: version,
    r: runId,
    t: endedAt,
    ...rowsOf(records, endedAt),
  };
  const ttls = records.map(ttlOf);
  if (ttls.every((ttl) => ttl !== undefined)) item.ttl = Math.max(...ttls);
  return item;
}

/** Rows as attributes, and how many they are: rows are only ever taken out, so the number is the pack's version. */
export const rowsOf = (
  records: readonly ResultRecord[],
  since: number,
): { readonly e: Uint8Array; readonly c: number } => ({
  e: deflateRawSync(pack(records.map((record) => toRow(record, since)))),
  c: records.length,
});

/** The results in a pack, in their order. */
export function recordsOf(item: Item): ResultRecord[] {
  refuseNewer(`the stored results ${item.pk}`, item.f);
  const since = Number(item.t);
  return (unpack(inflateRawSync(item.e as Uint8Array)) as Row[]).map((row) => {
    const [key, generation, value, params, attempt, endedAfterMs, durationUs, peakMemoryMb, keepMs, inputs] = row;
    return {
      key: typeof key === "string" ? key : Buffer.from(key).toString("hex"),
      namespace: String(item.ns),
      name: String(item.n),
      version: String(item.cv),
      generation,
      runId: String(item.r),
      attempt,
      endedAt: since + endedAfterMs,
      durationMs: durationUs / 1_000,
      peakMemoryMb,
      ...(typeof keepMs === "number" ? { keepMs } : {}),
      ...(inputs ? { inputs: new Uint8Array(inputs) } : {}),
      value: fromCell(value),
      params: fromCell(params),
    };
  });
}

function toRow(record: ResultRecord, since: number): Row {
  const { key, generation, value, params, attempt, endedAt, durationMs, peakMemoryMb, keepMs, inputs } = record;
  const row = [
    HASH.test(key) ? Buffer.from(key, "hex") : key,
    generation,
    toCell(value),
    toCell(params),
    attempt,
    endedAt - since,
    Math.round(durationMs * 1_000),
    peakMemoryMb,
  ] as const;
  if (inputs) return [...row, keepMs ?? null, inputs];
  return keepMs === undefined ? row : [...row, keepMs];
}

const toCell = (slot: Slot): SlotCell => ("inline" in slot ? slot.inline : [slot.object, slot.bytes, slot.hash]);

function fromCell(cell: SlotCell): Slot {
  // A copy: what was read is a window on the whole pack.
  if (cell instanceof Uint8Array) return { inline: new Uint8Array(cell) };
  const [object, bytes, hash] = cell;
  return { object, bytes, hash };
}
