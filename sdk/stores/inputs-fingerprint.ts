import { createHash } from "node:crypto";
import type { Slot } from "../wire/slot.ts";

const BYTES = 8;

/** Stands for a value: its bytes, or the object that it lies in, whose name has its hash. */
export function fingerprintOfSlot(slot: Slot): string {
  if ("object" in slot) return slot.object;
  return createHash("sha256").update(slot.inline).digest("base64");
}

/** Stands for the values that a task was computed from; undefined where it needs none. */
export function fingerprintOfInputs(inputs: Readonly<Record<string, Slot>>): Uint8Array | undefined {
  const keys = Object.keys(inputs).sort();
  if (keys.length === 0) return undefined;
  const hash = createHash("sha256");
  for (const key of keys) hash.update(`${key} ${fingerprintOfSlot(inputs[key])}\n`);
  return new Uint8Array(hash.digest().subarray(0, BYTES));
}
