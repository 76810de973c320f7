import { sha256Of } from "../sdk/stores/check.ts";
import type { ObjectStore } from "../sdk/stores/object-store.ts";
import { getObjectStream, getObjects, putObject } from "../sdk/stores/objects.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { CodecExtension, CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import type { TaskObjects } from "../sdk/wire/definition.ts";
import { contentObject, isStreamObject } from "../sdk/wire/keys.ts";
import { LabError } from "../sdk/wire/lab-error.ts";
import { ObjectRef } from "../sdk/wire/object-ref.ts";
import { objectReferences } from "../sdk/wire/references.ts";
import { likenessIn } from "../sdk/wire/renamed-streams.ts";
import type { ObjectSlot } from "../sdk/wire/slot.ts";
import { likenessOf } from "./likeness.ts";
import { RemadeObjects } from "./remade-objects.ts";

/**
 * Streams that were deleted with their attempts. Code that keeps a handle beyond its attempt, in a variable of its
 * module for one, runs in this process: so nothing can name them any more that is not told.
 */
const gone = new Set<string>();

/**
 * `ctx.put`, `ctx.get` and `ctx.getStream` of one attempt of a task, and what becomes of what it has put: what its
 * result names, directly or in another object, stays as long as that does, and what tasks were given that it runs is
 * for their results to hold. The rest goes when the result is there. What an attempt without one has put the next one
 * finds again, and else a clean-up: but for its streams, whose names were drawn and are found by nobody.
 */
export class AttemptPuts implements TaskObjects {
  readonly #objects: ObjectStore;
  readonly #extensions: CodecExtensions;
  readonly #taskKey: string;
  readonly #remade: RemadeObjects | undefined;
  /** What it has put, with the objects that lie in each; most put nothing. */
  #put: Map<string, readonly string[]> | undefined;
  #given: Set<string> | undefined;
  /** All that a handle was written of: for a task, into another object, its state, or its result. */
  #named: Set<string> | undefined;
  #isAbandoned = false;

  constructor(objects: ObjectStore, extensions: CodecExtensions, { key, remade }: Pick<AttemptSpec, "key" | "remade">) {
    this.#objects = objects;
    this.#extensions = extensions;
    this.#taskKey = key;
    this.#remade = remade && new RemadeObjects(remade, objects, extensions);
  }

  put = (async (value: unknown) => {
    const inside: ObjectSlot[] = [];
    const ref = await putObject(
      this.#objects,
      value,
      this.noting((slot) => inside.push(slot)),
      {
        by: this.#taskKey,
        // Each task has its own, which nobody else names: so it can tell what of them is needed.
        keyOf: (hash) => contentObject(sha256Of([Buffer.from(`ctx.put ${this.#taskKey} ${hash}`)])),
        likeness: () => (inside.some(likenessIn) ? likenessOf(value, this.#extensions) : undefined),
      },
    );
    this.#put ??= new Map();
    this.#put.set(
      ref.slot.object,
      inside.map(({ object }) => object),
    );
    if (this.#isAbandoned) await this.abandon();
    return ref;
  }) as TaskObjects["put"];

  get = (async (refs: never) =>
    getObjects(this.#objects, await this.now(refs), this.#extensions)) as TaskObjects["get"];

  getStream = (async (ref: never) => getObjectStream(this.#objects, await this.now(ref))) as TaskObjects["getStream"];

  /** What is to be loaded for a handle, or for each of several: streams that were missed lie under other names now. */
  now<R>(refs: R): R | Promise<R> {
    return this.#remade ? this.#remade.now(refs) : refs;
  }

  /** What is to be told of an error: what was not put again when its task ran again is lost for good. */
  lossIn(error: unknown): unknown {
    return this.#remade?.lossIn(error) ?? error;
  }

  /** Extensions to encode a value with, which note the objects that it names. */
  noting(note?: (slot: ObjectSlot) => void): CodecExtensions {
    const handles = objectReferences(
      (part) => part instanceof ObjectRef,
      (part) => {
        const { slot } = part as ObjectRef<unknown>;
        this.#name(slot.object);
        note?.(slot);
        return slot;
      },
    ) as CodecExtension;
    return [{ ...handles, raise: (slot) => new ObjectRef(slot as ObjectSlot) }, ...this.#extensions];
  }

  /** The same for its result: most attempts have put nothing, and there is nothing to note. */
  notingResult(note: (slot: ObjectSlot) => void): CodecExtensions {
    return this.#put || gone.size > 0 ? this.noting(note) : this.#extensions;
  }

  #name(object: string): string {
    if (gone.has(object))
      throw new LabError("stale-handle", `${object} went with the attempt that put it: put it again`);
    this.#named ??= new Set();
    this.#named.add(object);
    return object;
  }

  /** Tasks are given these objects: their results may name them. */
  give(objects: Iterable<string>): void {
    this.#given ??= new Set();
    for (const object of objects) this.#given.add(this.#name(object));
  }

  /** Whether it has put anything. */
  get hasPut(): boolean {
    return this.#put !== undefined;
  }

  /**
   * It has ended without a result: streams that it has put go, also those that are still on their way, unless a handle
   * was written that may be read elsewhere.
   */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    if (this.#put) await this.#drop((object) => isStreamObject(object) && !this.#named?.has(object));
  }

  /** The result that counts is there, and names these objects: what nothing leads to is deleted. */
  async leave(named: Iterable<string>): Promise<void> {
    const kept = new Set([...named, ...(this.#given ?? [])]);
    for (const object of kept) for (const inner of this.#put?.get(object) ?? []) kept.add(inner);
    await this.#drop((object) => !kept.has(object));
  }

  async #drop(isLeft: (object: string) => boolean): Promise<void> {
    const left = [...(this.#put?.keys() ?? [])].filter((object) => isLeft(object) && !gone.has(object));
    // Values are found again under the same name by whoever puts them again.
    for (const object of left) if (isStreamObject(object)) gone.add(object);
    // Where that cannot be done now a clean-up does it.
    if (left.length > 0) await this.#objects.deleteMany(left).catch(() => {});
  }
}
