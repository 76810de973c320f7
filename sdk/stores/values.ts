import { decode } from "../wire/codec/codec.ts";
import type { CodecExtensions } from "../wire/codec/extensions.ts";
import type { Encoded } from "../wire/codec/frame.ts";
import { isPacked, pack, unpack } from "../wire/codec/packed.ts";
import { ownStorageTask, resultObject } from "../wire/keys.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import { StoredReturns, storedReturns } from "../wire/returns.ts";
import type { ObjectSlot, RawBytes, Slot } from "../wire/slot.ts";
import { valueExtensions } from "../wire/value-extensions.ts";
import { checkOf, isIntact, sha256Of } from "./check.ts";
import { passes } from "./mapped-bytes.ts";
import type { ObjectStore } from "./object-store.ts";

/** The encoded bytes that a slot stands for, checked. Their memory is the caller's until its attempt ends. */
export async function loadBytes(objects: ObjectStore, slot: Slot): Promise<Uint8Array> {
  if ("inline" in slot) return slot.inline;
  const fetch = () => fetchBytes(objects, slot);
  return objects.loaded ? objects.loaded.load(slot, fetch) : fetch();
}

async function fetchBytes(objects: ObjectStore, slot: ObjectSlot): Promise<Uint8Array> {
  const bytes = await objects.get(slot.object);
  if (!bytes) throw new ObjectLostError(slot.object, "is not in the object store", slot.by);
  const damage = damageOf(bytes, slot);
  if (damage === undefined) return bytes;
  // Objects are named by their content and never replaced: this one is in the way of the right one.
  await objects.deleteMany([slot.object]).catch(() => {});
  throw new ObjectLostError(slot.object, damage, slot.by);
}

/** What is wrong with a stored value, without touching it; undefined where it can be loaded. */
export async function findDamage(objects: ObjectStore, slot: Slot): Promise<string | undefined> {
  if ("inline" in slot) return undefined;
  const bytes = await objects.get(slot.object);
  if (!bytes) return `${slot.object} is not in the object store`;
  const damage = damageOf(bytes, slot);
  return damage && `${slot.object} ${damage}`;
}

function damageOf(bytes: Uint8Array, slot: ObjectSlot): string | undefined {
  if (bytes.byteLength !== slot.bytes) return `has ${bytes.byteLength} bytes, not ${slot.bytes}`;
  return passes(bytes, slot, isIntact) ? undefined : "was changed after it was stored";
}

/** The value that a slot stands for, with all of several returns. Default extensions: those of any value. */
export async function loadValue(
  objects: ObjectStore,
  slot: Slot,
  extensions: CodecExtensions = valueExtensions(),
): Promise<unknown> {
  const stored = await loadStored(objects, slot, extensions);
  return stored instanceof StoredReturns ? stored.whole((own) => loadStored(objects, own, extensions)) : stored;
}

/** A value that lies in its slot. */
interface ValueInHand {
  readonly value: unknown;
}

/** The value that a slot stands for, where nothing has to be fetched for it: a promise each takes longer than most. */
export function valueInHand(slot: Slot, extensions: CodecExtensions = valueExtensions()): ValueInHand | undefined {
  if (!("inline" in slot) || isPacked(slot.inline)) return undefined;
  const value = decode(slot.inline, [storedReturns, ...extensions]);
  return value instanceof StoredReturns ? undefined : { value };
}

/** The value that a slot stands for; of several returns, where they lie. */
export async function loadStored(
  objects: ObjectStore,
  slot: Slot,
  extensions: CodecExtensions = valueExtensions(),
): Promise<unknown> {
  if ("raw" in slot && slot.raw) return revive(slot.raw, await loadBytes(objects, slot));
  return decode(await unpack(await loadBytes(objects, slot)), [storedReturns, ...extensions]);
}

/** What was put as a stream is bytes when it is loaded whole; a Blob is a Blob again. */
function revive(raw: RawBytes, bytes: Uint8Array): Uint8Array | Blob {
  if (raw.kind === "stream") return bytes;
  const memory = bytes as Uint8Array<ArrayBuffer>;
  if (raw.kind === "blob") return new Blob([memory], { type: raw.type });
  return new File([memory], raw.name, { type: raw.type, lastModified: raw.lastModified });
}

/** An encoded value as it is stored: smaller than it is where its way is long. */
const asStored = async (objects: ObjectStore, encoded: Encoded) => (objects.isRemote ? await pack(encoded) : encoded);

/** Stores an encoded value under the hash of what is stored. */
export async function storeValue(
  objects: ObjectStore,
  encoded: Encoded,
  keyOf: (hash: string) => string,
  before?: (object: string) => Promise<void>,
): Promise<ObjectSlot> {
  const stored = await asStored(objects, encoded);
  let [object, hash] = ["", ""];
  const find = async () => {
    hash = sha256Of(stored.chunks);
    object = keyOf(hash);
    await before?.(object);
    return object;
  };
  const file = await objects.put(find, stored);
  return { object, bytes: stored.byteLength, hash, ...(file === undefined ? {} : { file }) };
}

/** The key of a task's result, by its cache key and a hash of what is stored. */
export type ObjectOfResult = (taskKey: string, hash: string) => string;

/**
 * Stores an encoded result, or one of its returns, under its task.
 *
 * @param objectOf Its key. Default in the lab's own storage.
 * @param name Of the return, so that no two of a task share an object.
 */
export async function storeResult(
  objects: ObjectStore,
  encoded: Encoded,
  taskKey: string,
  objectOf: ObjectOfResult = resultObject,
  name = "",
): Promise<ObjectSlot> {
  const stored = await asStored(objects, encoded);
  let [object, hash] = ["", ""];
  const find = () => {
    hash = checkOf(stored.chunks);
    object = objectOf(taskKey, sha256Of([Buffer.from(`${name} ${stored.byteLength} ${hash}`)]));
    return object;
  };
  const isElsewhere = ownStorageTask(objectOf(taskKey, "")) !== undefined;
  const file = await objects.put(isElsewhere ? find() : find, stored);
  const slot: ObjectSlot = { object, bytes: stored.byteLength, hash, ...(file === undefined ? {} : { file }) };
  objects.loaded?.keep(slot, stored);
  return slot;
}
