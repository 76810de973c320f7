import { slotsNamedIn, slotsReachedFrom } from "../sdk/stores/named-slots.ts";
import type { ObjectStore } from "../sdk/stores/object-store.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import { ObjectLostError } from "../sdk/wire/object-lost-error.ts";
import { ObjectRef } from "../sdk/wire/object-ref.ts";
import { likenessIn, underItsNewName } from "../sdk/wire/renamed-streams.ts";
import type { ObjectSlot } from "../sdk/wire/slot.ts";

/**
 * Where objects lie that earlier attempts have missed. Params name streams as they were called then; the results of
 * the tasks that have put them again tell what they are called now, themselves or by objects that they lead to.
 */
export class RemadeObjects {
  readonly #remade: NonNullable<AttemptSpec["remade"]>;
  readonly #objects: ObjectStore;
  readonly #extensions: CodecExtensions;
  readonly #read = new Map<string, Promise<readonly ObjectSlot[]>>();
  /** Objects in the place of which nothing was put. */
  readonly #unlike = new Set<string>();

  constructor(remade: NonNullable<AttemptSpec["remade"]>, objects: ObjectStore, extensions: CodecExtensions) {
    this.#remade = remade;
    this.#objects = objects;
    this.#extensions = extensions;
  }

  /** What is to be loaded for a handle, or for each of several; whatever is no handle is given back. */
  async now<R>(refs: R): Promise<R> {
    if (Array.isArray(refs)) return (await Promise.all(refs.map((ref) => this.now(ref)))) as R;
    if (!(refs instanceof ObjectRef) || !likenessIn(refs.slot)) return refs;
    const { by, object } = refs.slot;
    if (by === undefined || !this.#remade[by]) return refs;
    const renamed = underItsNewName(refs, await this.#slotsOf(by)) as R;
    if (renamed === refs) this.#unlike.add(object);
    return renamed;
  }

  /** What is to be told of an object that is lost although its task ran again; undefined of any other error. */
  lossIn(error: unknown): ObjectLostError | undefined {
    if (!(error instanceof ObjectLostError) || !this.#unlike.has(error.object)) return undefined;
    return new ObjectLostError(error.object, "is lost, and its task has put nothing equal when it ran again");
  }

  #slotsOf(producer: string): Promise<readonly ObjectSlot[]> {
    let slots = this.#read.get(producer);
    if (!slots) {
      const [objects, extensions] = [this.#objects, this.#extensions];
      const named = slotsNamedIn(objects, this.#remade[producer], extensions);
      slots = named
        .then((those) => slotsReachedFrom(objects, those, extensions))
        .catch((error) => {
          // The result is lost in its turn: its task makes it again.
          throw error instanceof ObjectLostError
            ? new ObjectLostError(error.object, "is not in the object store", producer)
            : error;
        });
      this.#read.set(producer, slots);
    }
    return slots;
  }
}
