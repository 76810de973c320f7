import type { ObjectStore } from "../stores/object-store.ts";
import { loadReturn } from "../stores/returns.ts";
import { loadValue } from "../stores/values.ts";
import { partOf, type Task } from "../task.ts";
import type { Slot } from "../wire/slot.ts";

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
