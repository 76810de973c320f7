import { producerOf, Task } from "./task.ts";
import { ObjectRef } from "./wire/object-ref.ts";

const NONE: readonly never[] = [];

/** Tasks in params at any depth of arrays and plain objects, Maps and Sets. */
export function tasksInside(params: unknown): readonly Task<unknown>[] {
  if (isFlat(params)) return NONE;
  const found = new Set<Task<unknown>>();
  const seen = new Set<object>();
  const stack: unknown[] = [params];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== "object" || value === null) continue;
    if (value instanceof Task) {
      found.add(producerOf(value));
      continue;
    }
    if (value instanceof ObjectRef || ArrayBuffer.isView(value) || seen.has(value)) continue;
    seen.add(value);
    // One after another: as arguments of one call there may be too many.
    for (const inner of elementsOf(value)) stack.push(inner);
  }
  // The stack turned the order around; the first in the params is to be the first planned.
  return [...found].reverse();
}

function elementsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return Array.isArray(value) || value instanceof Set ? value : Object.values(value);
}

/** Nothing lies in it but primitives: most params are like that. */
function isFlat(params: unknown): boolean {
  if (typeof params !== "object" || params === null) return true;
  if (Object.getPrototypeOf(params) !== Object.prototype) return false;
  return Object.values(params).every((value) => typeof value !== "object" || value === null);
}
