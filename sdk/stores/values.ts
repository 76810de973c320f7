import { createHash } from "node:crypto";
import { decode } from "../wire/codec/codec.ts";
import type { CodecExtensions } from "../wire/codec/extensions.ts";
import type { Encoded } from "../wire/codec/frame.ts";
import { pack, unpack } from "../wire/codec/packed.ts";
import { LabError } from "../wire/lab-error.ts";
import type { ObjectSlot, RawBytes, Slot } from "../wire/slot.ts";
import { valueExtensions } from "../wire/value-extensions.ts";
import type { ObjectStore } from "./object-store.ts";

/** A stored value is not there, or is not what it was when it was stored. */
export class LostValue extends LabError {
  readonly object: string;

  constructor(object: string, why: string) {
    super("object-lost", `${object} ${why}`);
    this.object = object;
  }
}

/** The encoded bytes that a slot stands for, checked against their hash. */
export async function loadBytes(objects: ObjectStore, slot: Slot): Promise<Uint8Array> {
  if ("inline" in slot) return slot.inline;
  const bytes = await objects.get(slot.object);
  if (!bytes) throw new LostValue(slot.object, "is not in the object store");
  const damage = damageOf(bytes, slot);
  if (damage === undefined) return bytes;
  // Objects are named by their content and never replaced: this one is in the way of the right one.
  await objects.deleteMany([slot.object]).catch(() => {});
  throw new LostValue(slot.object, damage);
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
  const isWhole = createHash("sha256").update(bytes).digest("hex") === slot.hash;
  return isWhole ? undefined : "was changed after it was stored";
}

/** The value that a slot stands for. Default extensions: those of any value, in this copy of the library. */
export async function loadValue(
  objects: ObjectStore,
  slot: Slot,
  extensions: CodecExtensions = valueExtensions(),
): Promise<unknown> {
  if ("raw" in slot && slot.raw) return revive(slot.raw, await loadBytes(objects, slot));
  return decode(await unpack(await loadBytes(objects, slot)), extensions);
}

/** What was put as a stream is bytes when it is loaded whole; a Blob is a Blob again. */
function revive(raw: RawBytes, bytes: Uint8Array): Uint8Array | Blob {
  if (raw.kind === "stream") return bytes;
  const memory = bytes as Uint8Array<ArrayBuffer>;
  if (raw.kind === "blob") return new Blob([memory], { type: raw.type });
  return new File([memory], raw.name, { type: raw.type, lastModified: raw.lastModified });
}

/**
 * Stores an encoded value, smaller than it is where its way is long.
 *
 * @param keyOf Its key, by the hash of what is stored.
 */
export async function storeValue(
  objects: ObjectStore,
  encoded: Encoded,
  keyOf: (hash: string) => string,
): Promise<ObjectSlot> {
  const stored = objects.isRemote ? await pack(encoded) : encoded;
  const digest = createHash("sha256");
  for (const chunk of stored.chunks) digest.update(chunk);
  const hash = digest.digest("hex");
  const object = keyOf(hash);
  await objects.put(object, stored);
  return { object, bytes: stored.byteLength, hash };
}
