import type { Attribute, Item } from "../stores/control-table.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import { headBytes } from "../wire/codec/frame.ts";
import { unpackStart } from "../wire/codec/packed.ts";
import { isStreamObject, OBJECT_FOLDERS } from "../wire/keys.ts";

/*
 * What an item or an object names, found by how names look and not by what the bytes mean: so kinds of items
 * that came later, and nested ones, are understood as well. A false name keeps something that could go.
 */

/** Keys of objects as the functions in sdk/wire/keys.ts make them, and the hash of a bundle on its own. */
const NAMES =
  /content\/[0-9a-f]{2}\/[0-9a-f]{40}(?:-bytes)?|results\/[^/\s]{1,2}\/[\w.-]+?-[0-9a-f]{16}|checkpoints\/[^/\s]{1,2}\/[\w.-]+?-\d+-\d+-[0-9a-f]{16}|[0-9a-f]{64}/g;

/** The head of a stored value is read with its first bytes in most cases. */
const FIRST_BYTES = 4_096;

const isKey = (text: string) => OBJECT_FOLDERS.some((folder) => text.startsWith(`${folder}/`));

function* namesInText(text: string): Generator<string> {
  if (isKey(text)) yield text;
  for (const [name] of text.matchAll(NAMES)) yield name;
}

function* namesInBytes(bytes: Uint8Array): Generator<string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  for (const [name] of text.matchAll(NAMES)) yield name;
}

/** Everything that an item names. */
export function* namesInItem(item: Item): Generator<string> {
  for (const value of Object.values(item) as Attribute[]) {
    if (typeof value === "string") yield* namesInText(value);
    else if (value instanceof Uint8Array) yield* namesInBytes(value);
  }
}

/** Everything that a stored object names. Of a value only the head is read: numbers in bulk name nothing. */
export async function namesInObject(objects: ObjectStore, key: string): Promise<readonly string[]> {
  if (isStreamObject(key)) return [];
  for (let wanted = FIRST_BYTES; ; wanted *= 16) {
    const stored = await objects.getStart(key, wanted);
    if (!stored) return [];
    const isWhole = stored.byteLength < wanted;
    const start = unpackStart(stored);
    if (start === undefined && !isWhole) continue;
    const value = start ?? stored;
    const needed = headBytes(value) ?? Number.POSITIVE_INFINITY;
    if (isWhole || needed <= value.byteLength) return [...namesInBytes(value)];
  }
}
