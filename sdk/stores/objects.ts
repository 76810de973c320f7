import type { Readable } from "node:stream";
import type { Stored } from "../wire/byte-stream.ts";
import { encode } from "../wire/codec/codec.ts";
import type { CodecExtensions } from "../wire/codec/extensions.ts";
import { isStream } from "../wire/codec/shapes.ts";
import { contentObject } from "../wire/keys.ts";
import { LabError } from "../wire/lab-error.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import { ObjectRef } from "../wire/object-ref.ts";
import type { ObjectSlot, RawBytes } from "../wire/slot.ts";
import { readStream, storeStream } from "./byte-streams.ts";
import type { ObjectStore } from "./object-store.ts";
import { loadValue, storeValue } from "./values.ts";

interface Naming {
  readonly keyOf?: (hash: string) => string;
  readonly before?: (object: string) => Promise<void>;
}

interface PutOptions extends Naming {
  readonly by?: string;
  readonly likeness?: () => string | undefined;
}

/**
 * Stores a value under the hash of its content; a stream or a Blob as the bytes that it gives.
 *
 * @param how `by`: cache key of the task that puts it. `keyOf`: its name, by the hash of its content; `before`: is
 * told the name before it is stored. `likeness`: what equals it when it is put again; asked for when it was encoded.
 */
export async function putObject<T>(
  objects: ObjectStore,
  value: T,
  extensions: CodecExtensions,
  { by, ...naming }: PutOptions = {},
): Promise<ObjectRef<Stored<T>>> {
  const slot = await store(objects, value, extensions, naming);
  return new ObjectRef<Stored<T>>(by === undefined ? slot : { ...slot, by });
}

async function store(
  objects: ObjectStore,
  value: unknown,
  extensions: CodecExtensions,
  { keyOf = contentObject, before, likeness }: Omit<PutOptions, "by">,
): Promise<ObjectSlot> {
  if (value instanceof Blob) return storeStream(objects, value.stream(), kindOf(value), before);
  if (isStream(value)) return storeStream(objects, value, { kind: "stream" }, before);
  const encoded = encode(value, { name: "value", extensions });
  const like = likeness?.();
  const slot = await storeValue(objects, encoded, keyOf, before);
  return like === undefined ? slot : { ...slot, like };
}

/** The value of a handle. @throws ObjectLostError that says what can be done. */
export async function loadObject(
  objects: ObjectStore,
  slot: ObjectSlot,
  extensions: CodecExtensions,
): Promise<unknown> {
  try {
    return await loadValue(objects, slot, extensions);
  } catch (error) {
    throw error instanceof ObjectLostError && error.producer === undefined ? notRebuilt(error) : error;
  }
}

/** Nobody but its caller has what `lab.put` was given. */
function notRebuilt({ object, message }: ObjectLostError): ObjectLostError {
  const advice = "lab.put stored it, so no task can make it again: put the value again, and use the new handle";
  return new ObjectLostError(object, `${message.slice(object.length + 1)}. ${advice}`);
}

function kindOf(blob: Blob): RawBytes {
  const { type } = blob;
  if (!(blob instanceof File)) return { kind: "blob", type };
  return { kind: "file", type, name: blob.name, lastModified: blob.lastModified };
}

/** The value of a handle, or those of several, in order. */
export async function getObjects(
  objects: ObjectStore,
  refs: ObjectRef<unknown> | readonly ObjectRef<unknown>[],
  extensions: CodecExtensions,
): Promise<unknown> {
  if (refs instanceof ObjectRef) return loadObject(objects, refs.slot, extensions);
  if (!Array.isArray(refs)) throw invalid(`get needs an ObjectRef or an array of them, got ${typeof refs}`);
  refs.forEach((ref, index) => {
    if (ref instanceof ObjectRef) return;
    throw invalid(`refs[${index}] is no ObjectRef; run tasks with lab.runTasks to get their results`);
  });
  return Promise.all(refs.map((ref) => loadObject(objects, ref.slot, extensions)));
}

/** The bytes of a handle on a stream or a Blob, as they come. */
export async function getObjectStream(objects: ObjectStore, ref: ObjectRef<unknown>): Promise<Readable> {
  if (!(ref instanceof ObjectRef)) throw invalid(`getStream needs an ObjectRef, got ${typeof ref}`);
  if (!ref.slot.raw) {
    throw invalid(`getStream needs the handle of a stream or a Blob, and ${ref} is that of a value: load it with get`);
  }
  return readStream(objects, ref.slot);
}

/** @throws LabError of kind `invalid-option` for anything but a handle. */
export function checkIsRef(method: string, ref: ObjectRef<unknown>): ObjectRef<unknown> {
  if (ref instanceof ObjectRef) return ref;
  throw invalid(`${method} needs an ObjectRef, got ${typeof ref}`);
}

const invalid = (message: string) => new LabError("invalid-option", message);
