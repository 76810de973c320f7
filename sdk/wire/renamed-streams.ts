import { ObjectRef } from "./object-ref.ts";
import type { ObjectSlot } from "./slot.ts";

/**
 * A handle by the name that its object has since it was put again: a stream lies under another one each time, a value
 * under the same.
 *
 * @param slots Where what its task has put lies now.
 */
export function underItsNewName(ref: ObjectRef<unknown>, slots: readonly ObjectSlot[]): ObjectRef<unknown> {
  const { raw, hash } = ref.slot;
  const slot = raw && slots.find((other) => other.raw?.kind === raw.kind && other.hash === hash);
  return slot ? new ObjectRef(slot) : ref;
}
