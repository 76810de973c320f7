import { crc32 } from "node:zlib";

const FIXED_BYTES = 16;
const TABLE_ENTRY_BYTES = 16;

/** The same bytes with the checksum that a frame of such a head must have: what a forger would do. */
export function withChecksum(bytes: Uint8Array): Buffer {
  const forged = Buffer.from(bytes);
  if (forged.byteLength < FIXED_BYTES) return forged;
  const headBytes = FIXED_BYTES + forged.readUInt32LE(8) * TABLE_ENTRY_BYTES + forged.readUInt32LE(4);
  forged.writeUInt32LE(crc32(forged.subarray(FIXED_BYTES, headBytes), crc32(forged.subarray(0, 12))), 12);
  return forged;
}
