import type { ObjectSlot } from "./slot.ts";

const BRAND = Symbol.for("stratolab.object-ref");

/** What a handle's release does, where this process has made it. */
const releases = new WeakMap<ObjectRef<unknown>, () => Promise<void>>();

/** @internal */
export function onRelease(ref: ObjectRef<unknown>, release: () => Promise<void>): void {
  releases.set(ref, release);
}

/**
 * A handle on a value in the lab's object store, made by `lab.put`, or by `ctx.put` in a task. Directly in a task's
 * params it arrives as its value, as with Ray; nested deeper it arrives as a handle, to be loaded with `ctx.get` or
 * handed on. Stored values never change.
 *
 * The value is held until the handle is released, by `ref.release()` or `using`, or its lab is closed. If no task was
 * given it by then it is deleted; else it stays as long as the results of these tasks do.
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

  /** Lets go of the value. Does nothing for a handle that another process has made, or a second time. */
  async release(): Promise<void> {
    const release = releases.get(this);
    releases.delete(this);
    await release?.();
  }

  [Symbol.dispose](): void {
    void this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** As it is shown inside of something else, such as the params of a task. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `ObjectRef(${this.slot.bytes} bytes)`;
  }

  toString(): string {
    return `ObjectRef(${this.slot.hash.slice(0, 12)}, ${this.slot.bytes} bytes)`;
  }
}
