import { checkOf, isCheck, isIntact } from "../sdk/stores/check.ts";
import { isMapped } from "../sdk/stores/mapped-bytes.ts";
import type { LoadedObjects, ObjectStore } from "../sdk/stores/object-store.ts";
import { joinChunks } from "../sdk/wire/codec/codec.ts";
import type { Encoded } from "../sdk/wire/codec/frame.ts";
import type { ObjectSlot } from "../sdk/wire/slot.ts";
import type { SpillFolder } from "./spill-folder.ts";

/** An object in memory. Typed arrays that tasks were given are windows on it. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly check: string;
  /** An attempt is using the memory itself. */
  isLent: boolean;
}

/**
 * What an executor has loaded, for its next attempts: in memory up to a bound, and what is used in turn; then on
 * disk where the store is far away; least recently used out.
 *
 * An attempt is lent the memory itself, so that 100 MB are neither fetched nor copied for each. It may write to it;
 * so before it is lent again it is checked, and fetched anew if it was changed, from then on for each attempt alone.
 */
export class LoadedCache {
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #loading = new Map<string, Promise<unknown>>();
  /** Objects that some attempt has written to. */
  readonly #changed = new Set<string>();
  readonly #disk: SpillFolder | undefined;
  #bytes = 0;
  #maxBytes = 0;
  #needed: ReadonlySet<string> = new Set();

  constructor(disk: SpillFolder | undefined) {
    this.#disk = disk;
  }

  /**
   * An attempt begins.
   *
   * @param needed Objects that it will load: they stay, whatever their size.
   * @param maxBytes Of all others.
   */
  begin(needed: ReadonlySet<string>, maxBytes: number): AttemptObjects | Promise<AttemptObjects> {
    this.#needed = needed;
    this.#maxBytes = maxBytes;
    const objects = new AttemptObjects(this);
    return this.#bytes <= maxBytes ? objects : this.#trim().then(() => objects);
  }

  /** @returns The bytes, and whether they are the kept memory itself, to be given back. */
  async load(slot: ObjectSlot, fetch: () => Promise<Uint8Array>): Promise<{ bytes: Uint8Array; lent?: Kept }> {
    const { object } = slot;
    for (let others = this.#loading.get(object); others; others = this.#loading.get(object)) await others;
    const found = this.#take(object);
    if (found) return found;
    const loading = this.#loadAnew(slot, fetch);
    // Whoever waits for it asks again, and hears by itself what is wrong.
    this.#loading.set(
      object,
      loading.catch(() => {}),
    );
    try {
      const bytes = await loading;
      // Another mapping of a file costs less than to find out whether this one was written to.
      return isMapped(bytes) || this.#changed.has(object) ? { bytes } : { bytes, lent: this.#keep(slot, bytes, true) };
    } finally {
      this.#loading.delete(object);
    }
  }

  /**
   * Fetches what attempts will load soon, as far as there is room beside what is kept. Whoever loads some of it
   * meanwhile waits for that.
   */
  prefetch(slots: readonly ObjectSlot[], fetch: (slot: ObjectSlot) => Promise<Uint8Array>): void {
    let room = this.#maxBytes - this.#bytes;
    for (const slot of slots) {
      const { object, bytes } = slot;
      if (this.#kept.has(object)) continue;
      room -= bytes;
      if (room < 0) return;
      if (!this.#loading.has(object) && !this.#changed.has(object)) void this.#fetchAhead(slot, fetch);
    }
  }

  async #fetchAhead(slot: ObjectSlot, fetch: (slot: ObjectSlot) => Promise<Uint8Array>): Promise<void> {
    // What is wrong with it is for whoever needs it to find.
    const loading = this.#loadAnew(slot, () => fetch(slot)).catch(() => undefined);
    this.#loading.set(slot.object, loading);
    const bytes = await loading;
    if (bytes && !isMapped(bytes)) this.#keep(slot, bytes, false);
    this.#loading.delete(slot.object);
  }

  async #loadAnew(slot: ObjectSlot, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const spilled = await this.#disk?.read(slot.object);
    return spilled?.byteLength === slot.bytes && isIntact(spilled, slot.hash) ? spilled : fetch();
  }

  #take(object: string): { bytes: Uint8Array; lent?: Kept } | undefined {
    const kept = this.#kept.get(object);
    if (!kept) return undefined;
    const bytes = kept.isLent ? kept.bytes.slice() : kept.bytes;
    if (!isIntact(bytes, kept.check)) {
      this.#changed.add(object);
      this.#drop(object);
      return undefined;
    }
    this.#kept.delete(object);
    this.#kept.set(object, kept);
    if (kept.isLent) return { bytes };
    kept.isLent = true;
    return { bytes, lent: kept };
  }

  #keep({ object, hash }: ObjectSlot, bytes: Uint8Array, isLent: boolean): Kept {
    const kept = { bytes, check: isCheck(hash) ? hash : checkOf([bytes]), isLent };
    this.#drop(object);
    this.#kept.set(object, kept);
    this.#bytes += bytes.byteLength;
    return kept;
  }

  /** What was stored from here, where fetching it would take long. */
  async keepStored(slot: ObjectSlot, stored: Encoded): Promise<void> {
    if (!this.#disk || stored.byteLength > this.#maxBytes / 2) return;
    // A copy: the chunks are memory of the task's.
    const joined = joinChunks(stored);
    this.#keep(slot, joined === stored.chunks[0] ? joined.slice() : joined, false);
    await this.#trim();
  }

  #drop(object: string): void {
    const kept = this.#kept.get(object);
    if (kept && this.#kept.delete(object)) this.#bytes -= kept.bytes.byteLength;
  }

  async #trim(): Promise<void> {
    const spilling: Promise<void>[] = [];
    for (const [object, { bytes, check, isLent }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      if (this.#needed.has(object)) continue;
      this.#drop(object);
      // What an attempt is writing to at this moment, or has written to, is no copy of the object.
      if (this.#disk && !isLent && isIntact(bytes, check)) spilling.push(this.#disk.write(object, bytes));
    }
    await Promise.all(spilling);
  }
}

/** The cache as one attempt sees it. */
export class AttemptObjects implements LoadedObjects {
  readonly #cache: LoadedCache;
  readonly #lent: Kept[] = [];

  constructor(cache: LoadedCache) {
    this.#cache = cache;
  }

  async load(slot: ObjectSlot, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { bytes, lent } = await this.#cache.load(slot, fetch);
    if (lent) this.#lent.push(lent);
    return bytes;
  }

  keep(slot: ObjectSlot, stored: Encoded): void {
    // A disk that is full costs a request later on, not the attempt.
    void this.#cache.keepStored(slot, stored).catch(() => {});
  }

  /** The attempt is over, and its result stored: what it was lent is free. */
  end(): void {
    for (const kept of this.#lent) kept.isLent = false;
  }
}

/** A store whose values are loaded through an attempt's view of the cache. */
export class StoreWithLoaded implements ObjectStore {
  readonly #objects: ObjectStore;
  readonly loaded: LoadedObjects;

  constructor(objects: ObjectStore, loaded: LoadedObjects) {
    this.#objects = objects;
    this.loaded = loaded;
  }

  get isRemote(): boolean {
    return this.#objects.isRemote;
  }

  put(...args: Parameters<ObjectStore["put"]>): ReturnType<ObjectStore["put"]> {
    return this.#objects.put(...args);
  }

  get(...args: Parameters<ObjectStore["get"]>): ReturnType<ObjectStore["get"]> {
    return this.#objects.get(...args);
  }

  putStream(...args: Parameters<ObjectStore["putStream"]>): ReturnType<ObjectStore["putStream"]> {
    return this.#objects.putStream(...args);
  }

  getRange(...args: Parameters<ObjectStore["getRange"]>): ReturnType<ObjectStore["getRange"]> {
    return this.#objects.getRange(...args);
  }

  getStart(...args: Parameters<ObjectStore["getStart"]>): ReturnType<ObjectStore["getStart"]> {
    return this.#objects.getStart(...args);
  }

  has(...args: Parameters<ObjectStore["has"]>): ReturnType<ObjectStore["has"]> {
    return this.#objects.has(...args);
  }

  stat(...args: Parameters<ObjectStore["stat"]>): ReturnType<ObjectStore["stat"]> {
    return this.#objects.stat(...args);
  }

  touch(...args: Parameters<ObjectStore["touch"]>): ReturnType<ObjectStore["touch"]> {
    return this.#objects.touch(...args);
  }

  deleteMany(...args: Parameters<ObjectStore["deleteMany"]>): ReturnType<ObjectStore["deleteMany"]> {
    return this.#objects.deleteMany(...args);
  }

  list(...args: Parameters<ObjectStore["list"]>): ReturnType<ObjectStore["list"]> {
    return this.#objects.list(...args);
  }
}
