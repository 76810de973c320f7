import type { Encoded } from "../wire/codec/frame.ts";
import { keyNamed, type ObjectName, type ObjectStore, type StoredObject } from "./object-store.ts";

/** The part of an object store whose keys begin with a prefix, as a store of its own. */
export class PrefixedObjects implements ObjectStore {
  readonly #objects: ObjectStore;
  readonly #prefix: string;

  constructor(objects: ObjectStore, prefix: string) {
    this.#objects = objects;
    this.#prefix = prefix;
  }

  get isRemote(): boolean {
    return this.#objects.isRemote;
  }

  #own = (key: string): string => this.#prefix + key;

  #without = (stored: StoredObject): StoredObject => ({ ...stored, key: stored.key.slice(this.#prefix.length) });

  put(name: ObjectName, content: Encoded): Promise<string | undefined> {
    return this.#objects.put(async () => this.#own(await keyNamed(name)), content);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#objects.get(this.#own(key));
  }

  putStream(key: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#objects.putStream(this.#own(key), content);
  }

  getRange(key: string, start: number, bytes: number): Promise<Uint8Array | undefined> {
    return this.#objects.getRange(this.#own(key), start, bytes);
  }

  getStart(key: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.#objects.getStart(this.#own(key), maxBytes);
  }

  has(key: string): Promise<boolean> {
    return this.#objects.has(this.#own(key));
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const found = await this.#objects.stat(this.#own(key));
    return found && this.#without(found);
  }

  touch(key: string): Promise<boolean> {
    return this.#objects.touch(this.#own(key));
  }

  deleteMany(keys: readonly string[]): Promise<void> {
    return this.#objects.deleteMany(keys.map(this.#own));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const stored of this.#objects.list(this.#own(prefix))) yield this.#without(stored);
  }
}
