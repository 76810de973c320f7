import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { streamObject } from "../wire/keys.ts";
import { LabError } from "../wire/lab-error.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import type { ObjectSlot, RawBytes } from "../wire/slot.ts";
import type { ObjectStore } from "./object-store.ts";

/** What is read at once, and once more ahead: so much of a stream is in memory. */
const PART_BYTES = 8 * 1024 * 1024;

/**
 * Stores what a stream gives, never more than some parts of it in memory. Its name is drawn and no hash
 * of its content, which is known at the end only.
 *
 * @param before Is told the name before it is stored.
 */
export async function storeStream(
  objects: ObjectStore,
  source: AsyncIterable<unknown>,
  raw: RawBytes,
  before?: (object: string) => Promise<void>,
): Promise<ObjectSlot> {
  const object = streamObject(randomBytes(20).toString("hex"));
  await before?.(object);
  const hash = createHash("sha256");
  let bytes = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      if (!(piece instanceof Uint8Array)) throw notBytes(piece);
      if (piece.byteLength === 0) continue;
      hash.update(piece);
      bytes += piece.byteLength;
      yield piece;
    }
  }
  await objects.putStream(object, measured());
  return { object, bytes, hash: hash.digest("hex"), raw };
}

function notBytes(piece: unknown): LabError {
  const what = typeof piece === "object" ? (piece?.constructor?.name ?? "null") : typeof piece;
  return new LabError(
    "invalid-option",
    `put: a stream has to give Uint8Arrays, this one gives a ${what}. Encode text first, for one with TextEncoderStream; put values that are no bytes one by one`,
  );
}

/**
 * Reads what `storeStream` stored. It ends with an error, and not well, where the bytes are not those
 * that were stored.
 *
 * @throws ObjectLostError when it is not there.
 */
export async function readStream(objects: ObjectStore, slot: ObjectSlot): Promise<Readable> {
  const found = await objects.stat(slot.object);
  if (!found) throw new ObjectLostError(slot.object, "is not in the object store", slot.by);
  if (found.bytes !== slot.bytes)
    throw new ObjectLostError(slot.object, `has ${found.bytes} bytes, not ${slot.bytes}`, slot.by);
  return Readable.from(checked(objects, slot), { objectMode: false, highWaterMark: PART_BYTES });
}

async function* checked(objects: ObjectStore, slot: ObjectSlot): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  const read = (start: number) => {
    const part = start < slot.bytes ? objects.getRange(slot.object, start, PART_BYTES) : undefined;
    // Whether it went wrong is asked when its turn comes.
    part?.catch(() => {});
    return part;
  };
  let ahead = read(0);
  for (let offset = 0; offset < slot.bytes; ) {
    const part = await ahead;
    if (!part || part.byteLength === 0)
      throw new ObjectLostError(slot.object, `ends at byte ${offset} of ${slot.bytes}`, slot.by);
    offset += part.byteLength;
    ahead = read(offset);
    hash.update(part);
    if (offset >= slot.bytes && hash.digest("hex") !== slot.hash) {
      throw new ObjectLostError(slot.object, "was changed after it was stored", slot.by);
    }
    yield part;
  }
}
