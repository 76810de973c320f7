import type { CodecExtension, CodecExtensions } from "../wire/codec/extensions.ts";
import { ObjectRef } from "../wire/object-ref.ts";
import { madeObjectReferences } from "../wire/references.ts";
import type { ObjectSlot, Slot } from "../wire/slot.ts";
import type { ObjectStore } from "./object-store.ts";
import { loadValue } from "./values.ts";

/** Where the values lie of the handles in a stored value, with all of several returns. */
export async function slotsNamedIn(
  objects: ObjectStore,
  slot: Slot,
  extensions: CodecExtensions,
): Promise<readonly ObjectSlot[]> {
  const named: ObjectSlot[] = [];
  const noted = madeObjectReferences((each) => {
    named.push(each);
    return new ObjectRef(each);
  });
  await loadValue(objects, slot, [noted as CodecExtension, ...extensions]);
  return named;
}

/** With these, what they lead to: those that name streams are read, one after another. */
export async function slotsReachedFrom(
  objects: ObjectStore,
  named: readonly ObjectSlot[],
  extensions: CodecExtensions,
): Promise<readonly ObjectSlot[]> {
  const reached = new Map(named.map((slot) => [slot.object, slot]));
  for (const slot of reached.values()) {
    if (slot.like === undefined) continue;
    for (const inner of await slotsNamedIn(objects, slot, extensions)) {
      if (!reached.has(inner.object)) reached.set(inner.object, inner);
    }
  }
  return [...reached.values()];
}
