import type { Encoded } from "../wire/codec/frame.ts";

/** An object that was stored. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/**
 * The object store: large values, bundles, whatever does not fit an item. Objects never change: a
 * second `put` of a key leaves the first as it is.
 */
export interface ObjectStore {
  /** Stores the chunks under the key unless it is there already; whole or not at all. */
  put(key: string, content: Encoded): Promise<void>;
  /** The object in memory of its own, or undefined where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  deleteMany(keys: readonly string[]): Promise<void>;
  list(prefix: string): AsyncIterable<StoredObject>;
}
