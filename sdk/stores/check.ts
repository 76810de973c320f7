import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/*
 * What a stored value is checked by. Results have the CRC-32s of their eighths: they are named by their task, so
 * nothing depends on two contents never sharing a check, and SHA-256 would take eight times as long as reading
 * (docs/architecture.md). What is named by its content has SHA-256 as its name.
 */
const PARTS = 8;
const PREFIX = "crc32x8-";

/** The check of a value of so many bytes, in pieces. */
export function checkOf(chunks: readonly Uint8Array[], byteLength: number): string {
  const partBytes = Math.max(1, Math.ceil(byteLength / PARTS));
  const sums = new Array<number>(PARTS).fill(0);
  let at = 0;
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; ) {
      const part = Math.floor(at / partBytes);
      const end = Math.min(chunk.byteLength, start + (part + 1) * partBytes - at);
      sums[part] = crc32(chunk.subarray(start, end), sums[part]);
      at += end - start;
      start = end;
    }
  }
  return PREFIX + sums.map((sum) => sum.toString(16).padStart(8, "0")).join("");
}

/** Whether it is one of `checkOf`, and not a SHA-256. */
export const isCheck = (check: string): boolean => check.startsWith(PREFIX);

/** Whether the bytes are those of the check: one of `checkOf`, or SHA-256 as older results have it. */
export function isIntact(bytes: Uint8Array, check: string): boolean {
  if (isCheck(check)) return checkOf([bytes], bytes.byteLength) === check;
  return createHash("sha256").update(bytes).digest("hex") === check;
}

/** SHA-256 of what comes in pieces, in hexadecimal. */
export function sha256Of(chunks: readonly Uint8Array[]): string {
  const digest = createHash("sha256");
  for (const chunk of chunks) digest.update(chunk);
  return digest.digest("hex");
}
