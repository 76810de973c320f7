import type { ObjectStore } from "../stores/object-store.ts";
import { loadReturn } from "../stores/returns.ts";
import { loadValue, valueInHand } from "../stores/values.ts";
import { partOf, type Task } from "../task.ts";
import type { Slot } from "../wire/slot.ts";

/** What one task asks for of a result that lies in its slot; undefined where it has to be loaded. */
export function askedInHand(slot: Slot, asking: readonly Task<unknown>[]): (() => unknown) | undefined {
  if (asking.some((task) => partOf(task) !== undefined)) return undefined;
  const found = valueInHand(slot);
  return found && (() => found.value);
}

/**
 * Loads of a result what some tasks ask for: all of it, or those of its returns that are asked for.
 *
 * @returns What each of the tasks is given.
 */
export async function loadAsked(
  objects: ObjectStore,
  slot: Slot,
  asking: readonly Task<unknown>[],
): Promise<(task: Task<unknown>) => unknown> {
  const parts = new Map<string | undefined, unknown>();
  await Promise.all(
    [...new Set(asking.map(partOf))].map(async (part) => {
      const value = part === undefined ? await loadValue(objects, slot) : (await loadReturn(objects, slot, part)).value;
      parts.set(part, value);
    }),
  );
  return (task) => parts.get(partOf(task));
}
