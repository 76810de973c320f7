import type { ObjectSlot } from "./slot.ts";

const BRAND = Symbol.for("stratolab.object-ref");

/**
 * A handle on a value in the lab's object store, made by `lab.put`. Directly in a task's params it
 * arrives as its value; nested deeper it arrives as a handle. Stored values never change.
 *
 * @typeParam T Type of the value.
 * @example
 * const table = await lab.put(hugeTable);
 * await lab.runTasks(seeds.map((seed) => train({ seed, table }))); // stored once, not per task
 */
export class ObjectRef<out T> {
  /** Where the value lies. */
  readonly slot: ObjectSlot;
  declare readonly __value?: T;
  readonly [BRAND] = true;

  /** @internal */
  constructor(slot: ObjectSlot) {
    this.slot = slot;
    Object.freeze(this);
  }

  /** Also true of a handle made by another copy of the library, as in a bundle. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  toString(): string {
    return `ObjectRef(${this.slot.hash.slice(0, 12)}, ${this.slot.bytes} bytes)`;
  }
}
