import { createHash } from "node:crypto";
import type { Encoded } from "../wire/codec/frame.ts";
import { contentObject } from "../wire/keys.ts";
import type { ObjectSlot } from "../wire/slot.ts";
import type { ObjectStore } from "./object-store.ts";

/** Stores bytes under the hash of their content. */
export async function putContent(objects: ObjectStore, { chunks, byteLength }: Pick<Encoded, "chunks" | "byteLength">) {
  const digest = createHash("sha256");
  for (const chunk of chunks) digest.update(chunk);
  const hash = digest.digest("hex");
  const object = contentObject(hash);
  await objects.put(object, { chunks, byteLength });
  return { object, bytes: byteLength, hash } satisfies ObjectSlot;
}
