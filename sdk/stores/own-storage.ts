import type { CacheStorage } from "../wire/cache-options.ts";
import { joinChunks } from "../wire/codec/codec.ts";
import type { Encoded } from "../wire/codec/frame.ts";
import { ownStorageTask } from "../wire/keys.ts";
import { LabError } from "../wire/lab-error.ts";
import type { ObjectName, ObjectStore, StoredObject } from "./object-store.ts";

/** The storage that a task type brings along, where this process knows it. */
export type StorageOfTask = (taskName: string) => CacheStorage | undefined;

/** An object store that keeps results of some task types where those want them. */
export class OwnStorages implements ObjectStore {
  readonly #objects: ObjectStore;
  readonly #storageOf: StorageOfTask;

  constructor(objects: ObjectStore, storageOf: StorageOfTask) {
    this.#objects = objects;
    this.#storageOf = storageOf;
  }

  get isRemote(): boolean {
    return this.#objects.isRemote;
  }

  /** Undefined for what lies in the lab's own storage. */
  #own(object: string): { readonly storage: CacheStorage; readonly key: string } | undefined {
    const own = ownStorageTask(object);
    if (!own) return undefined;
    const storage = this.#storageOf(own.taskName);
    if (storage) return { storage, key: own.key };
    throw new LabError(
      "no-storage",
      `results of ${own.taskName} lie in a storage of its own, which only processes know that have imported its module: import it here`,
    );
  }

  async put(name: ObjectName, content: Encoded): Promise<string | undefined> {
    const own = typeof name === "string" ? this.#own(name) : undefined;
    if (!own) return this.#objects.put(name, content);
    await own.storage.put(own.key, joinChunks(content));
    return undefined;
  }

  async get(object: string): Promise<Uint8Array | undefined> {
    const own = this.#own(object);
    if (!own) return this.#objects.get(object);
    const bytes = await own.storage.get(own.key);
    // Memory of its own, so that typed arrays in it are aligned.
    return bytes && new Uint8Array(bytes);
  }

  putStream(object: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#objects.putStream(object, content);
  }

  async getRange(object: string, start: number, bytes: number): Promise<Uint8Array | undefined> {
    if (!this.#own(object)) return this.#objects.getRange(object, start, bytes);
    return (await this.get(object))?.subarray(start, start + bytes);
  }

  async getStart(object: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.#own(object) ? this.getRange(object, 0, maxBytes) : this.#objects.getStart(object, maxBytes);
  }

  async has(object: string): Promise<boolean> {
    return this.#own(object) ? (await this.get(object)) !== undefined : this.#objects.has(object);
  }

  async stat(object: string): Promise<StoredObject | undefined> {
    if (!this.#own(object)) return this.#objects.stat(object);
    const bytes = await this.get(object);
    // A clean-up never asks: such storages are not its business.
    return bytes && { key: object, bytes: bytes.byteLength, modifiedAtMs: Date.now() };
  }

  async touch(object: string): Promise<boolean> {
    return this.#own(object) ? this.has(object) : this.#objects.touch(object);
  }

  async deleteMany(objects: readonly string[]): Promise<void> {
    const kept = objects.filter((object) => !ownStorageTask(object));
    const own = objects.flatMap((object) => this.#own(object) ?? []);
    await Promise.all([
      ...(kept.length > 0 ? [this.#objects.deleteMany(kept)] : []),
      ...own.map(({ storage, key }) => storage.delete([key])),
    ]);
  }

  list(prefix: string): AsyncIterable<StoredObject> {
    return this.#objects.list(prefix);
  }
}
