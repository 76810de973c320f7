import { createCipheriv, createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/*
 * What a stored value is checked by. Results have a GMAC: they are named by their task, so nothing depends on two
 * contents never sharing a check, and its multiplications are what processors do at the speed of their memory, where
 * SHA-256 takes five to ten times as long (docs/architecture.md). What is named by its content has SHA-256 as its name.
 */
const PREFIX = "gmac-";
const OLD_PREFIX = "crc32x8-";

/** It guards against damage, not against people: anybody may know the key. */
const KEY = Buffer.alloc(16);
const NONCE = Buffer.alloc(12);

/** What Node takes at once, with room. */
const AT_ONCE_BYTES = 1024 ** 3;

/** The check of a value in pieces. */
export function checkOf(chunks: readonly Uint8Array[]): string {
  const sum = createCipheriv("aes-128-gcm", KEY, NONCE);
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += AT_ONCE_BYTES) {
      sum.setAAD(chunk.subarray(start, start + AT_ONCE_BYTES));
    }
  }
  sum.final();
  return PREFIX + sum.getAuthTag().toString("hex");
}

/** Whether it is one of results, and not a SHA-256. */
export const isCheck = (check: string): boolean => check.startsWith(PREFIX) || check.startsWith(OLD_PREFIX);

/** Whether the bytes are those of the check: one of `checkOf`, or what older results have. */
export function isIntact(bytes: Uint8Array, check: string): boolean {
  if (check.startsWith(PREFIX)) return checkOf([bytes]) === check;
  if (check.startsWith(OLD_PREFIX)) return crcsOf(bytes) === check;
  return sha256Of([bytes]) === check;
}

/** SHA-256 of what comes in pieces, in hexadecimal. */
export function sha256Of(chunks: readonly Uint8Array[]): string {
  const digest = createHash("sha256");
  for (const chunk of chunks) digest.update(chunk);
  return digest.digest("hex");
}

/** The CRC-32s of its eighths, which results had before. */
function crcsOf(bytes: Uint8Array): string {
  const partBytes = Math.max(1, Math.ceil(bytes.byteLength / 8));
  const sums = Array.from({ length: 8 }, (_, part) => crc32(bytes.subarray(part * partBytes, (part + 1) * partBytes)));
  return OLD_PREFIX + sums.map((sum) => sum.toString(16).padStart(8, "0")).join("");
}
