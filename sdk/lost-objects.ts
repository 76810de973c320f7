import { slotsReachedFrom } from "./stores/named-slots.ts";
import type { ObjectStore } from "./stores/object-store.ts";
import { encode } from "./wire/codec/codec.ts";
import { lostIn } from "./wire/object-lost-error.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { objectReferences } from "./wire/references.ts";
import { underItsNewName } from "./wire/renamed-streams.ts";
import type { ObjectSlot } from "./wire/slot.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

type Ref = ObjectRef<unknown>;

/**
 * Loads what handles stand for. Those of values that tasks have put, and that are lost, are made again.
 *
 * @param makeAgain Runs the task of a cache key again and gives its result; undefined where that cannot be.
 */
export async function loadOrMakeAgain<R extends Ref | readonly Ref[], T>(
  refs: R,
  load: (refs: R) => Promise<T>,
  objects: ObjectStore,
  makeAgain: (producer: string) => Promise<{ readonly result: unknown } | undefined>,
): Promise<T> {
  let wanted = refs;
  // Each time by another task; with several refs more than one may be lost.
  for (let tries = Array.isArray(refs) ? refs.length : 1; ; tries--) {
    try {
      return await load(wanted);
    } catch (error) {
      const producer = lostIn(error)?.producer;
      const made = producer === undefined || tries === 0 ? undefined : await makeAgain(producer);
      if (!made) throw error;
      const slots = await slotsReachedFrom(objects, slotsIn(made.result), valueExtensions());
      const renamed = (ref: Ref) => (ref.slot.by === producer ? underItsNewName(ref, slots) : ref);
      wanted = (Array.isArray(wanted) ? wanted.map(renamed) : renamed(wanted as Ref)) as R;
    }
  }
}

/** Where the values of the handles in a result lie. */
function slotsIn(result: unknown): readonly ObjectSlot[] {
  const slots: ObjectSlot[] = [];
  const noting = objectReferences(
    (value) => value instanceof ObjectRef,
    (value) => {
      const { slot } = value as Ref;
      slots.push(slot);
      return slot;
    },
  );
  encode(result, { extensions: [noting as never, ...valueExtensions()] });
  return slots;
}
