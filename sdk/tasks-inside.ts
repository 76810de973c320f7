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
    if (Array.isArray(value)) for (const element of value) stack.push(element);
    else if (value instanceof Map) stack.push(...value.keys(), ...value.values());
    else if (value instanceof Set) stack.push(...value);
    else stack.push(...Object.values(value));
  }
  // The stack turned the order around; the first in the params is to be the first planned.
  return [...found].reverse();
}

/** Nothing lies in it but primitives: most params are like that. */
function isFlat(params: unknown): boolean {
  if (typeof params !== "object" || params === null) return true;
  if (Object.getPrototypeOf(params) !== Object.prototype) return false;
  return Object.values(params).every((value) => typeof value !== "object" || value === null);
}
