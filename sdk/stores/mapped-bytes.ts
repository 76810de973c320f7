import type { BigIntStats } from "node:fs";
import type { ObjectSlot } from "../wire/slot.ts";

/*
 * Bytes that are a private mapping of a file: to make another costs nothing, and what was found intact once is so
 * until the file is another. What was written since this process began is in the same system's memory: it is
 * what its writer wrote if the file is the one that its writer names.
 */

/** Which file, of what age. */
const fileOf = new WeakMap<Uint8Array, string>();

/** Checks that files have passed, least recently used first. */
const passed = new Map<string, string>();
const REMEMBERED = 10_000;

const beganNs = BigInt(Math.round((Date.now() - process.uptime() * 1_000) * 1e6));

/** Tells a file from any other, and from what it will be when it is written again. */
export const fileStamp = ({ dev, ino, size, mtimeNs }: BigIntStats): string => `${dev} ${ino} ${size} ${mtimeNs}`;

const isNew = (file: string): boolean => BigInt(file.slice(file.lastIndexOf(" ") + 1)) > beganNs;

/** @param file Says which file it is, and when it was last written. */
export function markMapped(bytes: Uint8Array, file: string): void {
  fileOf.set(bytes, file);
}

export const isMapped = (bytes: Uint8Array): boolean => fileOf.has(bytes);

/** Whether bytes are those of a slot; a file that was not written since is checked once. */
export function passes(
  bytes: Uint8Array,
  { hash: check, file: written }: Pick<ObjectSlot, "hash" | "file">,
  isIntact: (bytes: Uint8Array, check: string) => boolean,
): boolean {
  const file = fileOf.get(bytes);
  if (file === undefined) return isIntact(bytes, check);
  const isKnown = passed.get(file) === check || (file === written && isNew(file));
  if (!isKnown && !isIntact(bytes, check)) return false;
  passed.delete(file);
  passed.set(file, check);
  if (passed.size > REMEMBERED) passed.delete(passed.keys().next().value as string);
  return true;
}
