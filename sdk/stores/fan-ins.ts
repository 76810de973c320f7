import { pack, unpack } from "msgpackr";
import type { FanInSpec } from "../wire/fan-in.ts";
import { fanInKey } from "../wire/keys.ts";
import type { Slot } from "../wire/slot.ts";
import type { Attribute, ControlTable } from "./control-table.ts";

/** Results by cache key. */
type Results = Readonly<Record<string, Slot>>;

/** Longer than any run of which an executor still works, in seconds. */
const KEPT_SECONDS = 24 * 3600;
/** What all inputs of a fan-in may take together in its item, in bytes. */
const MAX_BYTES = 3_000;

/** Attribute in which an input is: it is named by its key, since executors may know of different ones. */
const attributeOf = (key: string): string => `i${key.slice(0, 24)}`;

/**
 * Says that inputs of a fan-in are there, in one write. It is said once: of an attempt that is made, or delivered,
 * again nothing more follows.
 *
 * @returns All of its inputs, if these were the last ones: whoever is given them goes on with it. Undefined, too, where
 * they are too large for an item: then the driver finds out by itself that they are there.
 */
export async function bringInputs(
  table: ControlTable,
  runId: string,
  { spec, item: name }: FanInSpec,
  brought: Results,
): Promise<Results | undefined> {
  const needed = spec.handed ?? [];
  const attributes: Record<string, Attribute> = { ttl: Math.floor(Date.now() / 1_000) + KEPT_SECONDS };
  for (const [key, slot] of Object.entries(brought)) {
    const bytes = new Uint8Array(pack(slot));
    if (bytes.byteLength > MAX_BYTES / needed.length) return undefined;
    attributes[attributeOf(key)] = bytes;
  }
  const [first] = Object.keys(brought);
  const added = await table.addTo(fanInKey(runId, name), attributes, attributeOf(first));
  if (!added.written) return undefined;
  const found = needed.map((key) => [key, added.item[attributeOf(key)]] as const);
  if (found.some(([, bytes]) => bytes === undefined)) return undefined;
  return Object.fromEntries(found.map(([key, bytes]) => [key, unpack(bytes as Uint8Array) as Slot]));
}
