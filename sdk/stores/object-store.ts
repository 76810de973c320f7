import type { Encoded } from "../wire/codec/frame.ts";
import type { ObjectSlot } from "../wire/slot.ts";

/** An object that was stored. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/** What whoever works with a store keeps of it beside it. */
export interface LoadedObjects {
  /** The bytes of an object, from here or fetched. */
  load(slot: ObjectSlot, fetch: () => Promise<Uint8Array>): Promise<Uint8Array>;
  /** What was stored from here may be needed here next. */
  keep(slot: ObjectSlot, stored: Encoded): void;
}

/** The key of an object; or what finds it while the content is on its way already, for one in the lab's own storage. */
export type ObjectName = string | (() => string | Promise<string>);

export const keyNamed = async (name: ObjectName): Promise<string> => (typeof name === "string" ? name : name());

/**
 * The object store: large values, bundles, whatever does not fit an item. Objects never change: a
 * second `put` of a key leaves the first as it is, but for its age: clean-ups go by age, and what
 * somebody has just put must not go because somebody else put it long ago.
 */
export interface ObjectStore {
  /** It takes longer to send bytes to it than to make them fewer. */
  readonly isRemote: boolean;
  /** In executors: what was loaded stays for the next attempt. */
  readonly loaded?: LoadedObjects;
  /**
   * Stores the chunks under the name unless it is there already; whole or not at all.
   *
   * @returns Where it was written just now to a file that others map: what tells that file from any other.
   */
  put(name: ObjectName, content: Encoded): Promise<string | undefined>;
  /** The object in memory of its own, or undefined where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Stores what comes under a key that is nobody else's, little of it in memory; whole or not at all. */
  putStream(key: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** So many bytes of the object from a place on, fewer at its end, or undefined where there is none. */
  getRange(key: string, start: number, bytes: number): Promise<Uint8Array | undefined>;
  /** The object's first bytes, at most so many, or undefined where there is none. */
  getStart(key: string, maxBytes: number): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  /** What `list` would say of it, undefined where there is none. */
  stat(key: string): Promise<StoredObject | undefined>;
  /** As if it had been put again, without its content: whether it is there, to stay for a while. */
  touch(key: string): Promise<boolean>;
  deleteMany(keys: readonly string[]): Promise<void>;
  list(prefix: string): AsyncIterable<StoredObject>;
}
