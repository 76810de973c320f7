import { createHash } from "node:crypto";
import { withoutRuns } from "../wire/keys.ts";
import type { Slot } from "../wire/slot.ts";

const BYTES = 8;
const RESULTS = "results/";

/** Stands for a value: its bytes, or the object that it lies in, whose name has its hash; the same in every run. */
export function fingerprintOfSlot(slot: Slot): string {
  if ("object" in slot) return withoutRuns(slot.object);
  return createHash("sha256").update(comparable(slot.inline)).digest("base64");
}

/** Several returns say where each of them lies. */
function comparable(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.includes(RESULTS) ? Buffer.from(withoutRuns(buffer.toString("latin1")), "latin1") : bytes;
}

/** Stands for the values that a task was computed from; undefined where it needs none. */
export function fingerprintOfInputs(inputs: Readonly<Record<string, Slot>>): Uint8Array | undefined {
  const keys = Object.keys(inputs).sort();
  if (keys.length === 0) return undefined;
  const hash = createHash("sha256");
  for (const key of keys) hash.update(`${key} ${fingerprintOfSlot(inputs[key])}\n`);
  return new Uint8Array(hash.digest().subarray(0, BYTES));
}
