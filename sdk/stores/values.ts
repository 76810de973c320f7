import { createHash } from "node:crypto";
import { decode } from "../wire/codec/codec.ts";
import type { CodecExtensions } from "../wire/codec/extensions.ts";
import type { Slot } from "../wire/slot.ts";
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
async function loadBytes(objects: ObjectStore, slot: Slot): Promise<Uint8Array> {
  if ("inline" in slot) return slot.inline;
  const bytes = await objects.get(slot.object);
  if (!bytes) throw new LostValue(slot.object, "is not in the object store");
  if (bytes.byteLength !== slot.bytes) {
    throw new LostValue(slot.object, `has ${bytes.byteLength} bytes, not ${slot.bytes}`);
  }
  if (createHash("sha256").update(bytes).digest("hex") !== slot.hash) {
    throw new LostValue(slot.object, "was changed after it was stored");
  }
  return bytes;
}

/** The value that a slot stands for. */
export async function loadValue(objects: ObjectStore, slot: Slot, extensions?: CodecExtensions): Promise<unknown> {
  return decode(await loadBytes(objects, slot), extensions);
}
