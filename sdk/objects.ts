import { LabOptionError } from "./errors.ts";
import type { ObjectStore } from "./stores/object-store.ts";
import { loadValue, storeValue } from "./stores/values.ts";
import { encode } from "./wire/codec/codec.ts";
import { contentObject } from "./wire/keys.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

/** Stores a value under the hash of its content. */
export async function putValue<T>(objects: ObjectStore, value: T): Promise<ObjectRef<T>> {
  const encoded = encode(value, { name: "value", extensions: valueExtensions() });
  return new ObjectRef<T>(await storeValue(objects, encoded, contentObject));
}

/** Values of handles, in order. */
export async function getValues(objects: ObjectStore, refs: readonly ObjectRef<unknown>[]): Promise<unknown[]> {
  if (!Array.isArray(refs)) throw new LabOptionError(`get needs an ObjectRef or an array of them, got ${typeof refs}`);
  refs.forEach((ref, index) => {
    if (ref instanceof ObjectRef) return;
    throw new LabOptionError(`refs[${index}] is no ObjectRef; run tasks with lab.runTasks to get their results`);
  });
  return Promise.all(refs.map((ref) => loadValue(objects, ref.slot)));
}
