import { encode, encodeToBytes, joinChunks } from "../wire/codec/codec.ts";
import type { CodecExtensions } from "../wire/codec/extensions.ts";
import type { Encoded } from "../wire/codec/frame.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import { namesOfReturns, type ReturnNames, StoredReturns, storedReturns } from "../wire/returns.ts";
import { type Slot, slotBytes } from "../wire/slot.ts";
import type { ObjectStore } from "./object-store.ts";
import { loadStored, loadValue, storeResult } from "./values.ts";

/** Values of several returns, encoded. @throws CodecError with the name of the return. */
export function encodeReturns(
  values: readonly unknown[],
  returns: ReturnNames,
  extensions: CodecExtensions,
): readonly Encoded[] {
  const path = (name: string) => (typeof returns === "number" ? `result[${name}]` : `result.${name}`);
  return namesOfReturns(returns).map((name, index) => encode(values[index], { name: path(name), extensions }));
}

/**
 * Stores each return as an object of its own, small ones beside each other, and gives what stands for all of
 * them: an encoded `StoredReturns`, whose objects a clean-up finds by their names.
 */
export async function storeReturns(
  objects: ObjectStore,
  encoded: readonly Encoded[],
  returns: ReturnNames,
  { taskKey, inlineBytes }: { readonly taskKey: string; readonly inlineBytes: number },
): Promise<Encoded> {
  const names = namesOfReturns(returns);
  const each = inlineBytes / (2 * encoded.length);
  const slots = await Promise.all(
    encoded.map(
      async (value, index): Promise<Slot> =>
        value.byteLength <= each ? { inline: joinChunks(value) } : storeResult(objects, value, taskKey, names[index]),
    ),
  );
  const named = new Map(names.map((name, index) => [name, slots[index]]));
  const bytes = encodeToBytes(new StoredReturns(named, typeof returns === "number"), { extensions: [storedReturns] });
  return { chunks: [bytes], byteLength: bytes.byteLength };
}

/** Where one of several returns lies. @throws ObjectLostError when the result was stored without it. */
export function slotOfReturn(stored: unknown, name: string, where: Slot): Slot {
  const slot = stored instanceof StoredReturns ? stored.slots.get(name) : undefined;
  if (slot) return slot;
  const object = "object" in where ? where.object : "its result";
  throw new ObjectLostError(object, `was stored without a return named ${name}`);
}

/** One of several returns, without the others. */
export async function loadReturn(
  objects: ObjectStore,
  slot: Slot,
  name: string,
  extensions?: CodecExtensions,
): Promise<{ readonly value: unknown; readonly bytes: number }> {
  const own = slotOfReturn(await loadStored(objects, slot, extensions), name, slot);
  return { value: await loadValue(objects, own, extensions), bytes: slotBytes(own) };
}
