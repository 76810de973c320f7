import { createHash } from "node:crypto";
import { decode } from "../wire/codec/codec.ts";
import type { CodecExtensions } from "../wire/codec/extensions.ts";
import type { ObjectSlot, Slot } from "../wire/slot.ts";
import type { ObjectStore } from "./object-store.ts";

/** A stored value is not there, or is not what it was when it was stored. */
export class LostValue extends Error {
  readonly object: string;

  constructor(object: string, why: string) {
    super(`${object} ${why}`);
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

function damageOf(bytes: Uint8Array, slot: ObjectSlot): string | undefined {
  if (bytes.byteLength !== slot.bytes) return `has ${bytes.byteLength} bytes, not ${slot.bytes}`;
  const isWhole = createHash("sha256").update(bytes).digest("hex") === slot.hash;
  return isWhole ? undefined : "was changed after it was stored";
}

/** The value that a slot stands for. */
export async function loadValue(objects: ObjectStore, slot: Slot, extensions?: CodecExtensions): Promise<unknown> {
  return decode(await loadBytes(objects, slot), extensions);
}
