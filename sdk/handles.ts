import { sha256Of } from "./stores/check.ts";
import { letGo, takeHold } from "./stores/holders.ts";
import { putObject } from "./stores/objects.ts";
import type { Stores } from "./stores/stores.ts";
import type { Stored } from "./wire/byte-stream.ts";
import { contentObject } from "./wire/keys.ts";
import { ObjectRef, onRelease } from "./wire/object-ref.ts";
import { objectReferences } from "./wire/references.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

interface Held {
  /** Handles of this lab that are not released. */
  handles: number;
  /** This lab stored it; nobody had it before. */
  readonly isOwn: boolean;
  /** A task was given it, or it is part of another value: results may name it. */
  isUsed: boolean;
}

/** The objects that a lab has put, and holds until their handles are released or it is closed. */
export class Handles {
  readonly #stores: Stores;
  readonly #labId: string;
  readonly #held = new Map<string, Held>();
  readonly #releasing = new Set<Promise<unknown>>();

  constructor(stores: Stores, labId: string) {
    this.#stores = stores;
    this.#labId = labId;
  }

  async put<T>(value: T): Promise<ObjectRef<Stored<T>>> {
    const { table, objects } = this.#stores;
    const inside = objectReferences(
      (part) => part instanceof ObjectRef,
      (part) => {
        const { slot } = part as ObjectRef<unknown>;
        this.use([slot.object]);
        return slot;
      },
    );
    let isOwn = true;
    const ref = await putObject(objects, value, [inside as never, ...valueExtensions()], {
      // Of their own: params and what tasks put may be the same bytes, and know nothing of holders.
      keyOf: (hash) => contentObject(sha256Of([Buffer.from(`lab.put ${hash}`)])),
      before: async (object) => {
        await takeHold(table, object, `lab:${this.#labId}`);
        isOwn = !(await objects.has(object));
      },
    });
    const { object } = ref.slot;
    const held = this.#held.get(object) ?? { handles: 0, isOwn, isUsed: false };
    held.handles += 1;
    this.#held.set(object, held);
    onRelease(ref, () => this.#release(object));
    return ref;
  }

  /** Tasks are given these objects: from then on it is for results, and for the clean-up, whether they stay. */
  use(objects: Iterable<string>): void {
    for (const object of objects) {
      const held = this.#held.get(object);
      if (held) held.isUsed = true;
    }
  }

  #release(object: string): Promise<void> {
    const held = this.#held.get(object);
    if (!held) return Promise.resolve();
    held.handles -= 1;
    if (held.handles > 0) return Promise.resolve();
    const released = this.#letGo(object, held).catch(() => {});
    this.#releasing.add(released);
    return released.finally(() => this.#releasing.delete(released));
  }

  async #letGo(object: string, { isOwn, isUsed }: Held): Promise<void> {
    this.#held.delete(object);
    if (isUsed) await takeHold(this.#stores.table, object, "used");
    await letGo(this.#stores, object, `lab:${this.#labId}`, isOwn && !isUsed);
  }

  /** The lab ends, and with it all of its handles. */
  async close(): Promise<void> {
    await Promise.all([...this.#releasing, ...[...this.#held].map((each) => this.#letGo(...each).catch(() => {}))]);
  }
}
