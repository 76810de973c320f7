import { ObjectRef } from "./object-ref.ts";
import type { ObjectSlot } from "./slot.ts";

/**
 * What equals for objects that lie under other names each time they are put, a stream or a value that names some;
 * undefined of other values, which lie under the same name again.
 */
export const likenessIn = ({ raw, hash, like }: ObjectSlot): string | undefined => like ?? (raw && raw.kind + hash);

/**
 * A handle by the name that its object has since it was put again. The same handle where nothing like it was put, or
 * the name is the same.
 *
 * @param slots Where what its task has put lies now.
 */
export function underItsNewName(ref: ObjectRef<unknown>, slots: readonly ObjectSlot[]): ObjectRef<unknown> {
  const likeness = likenessIn(ref.slot);
  const slot = likeness && slots.find((other) => likenessIn(other) === likeness);
  return slot ? new ObjectRef(slot) : ref;
}
