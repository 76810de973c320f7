import { crc32 } from "node:zlib";
import { CodecError } from "./codec-error.ts";
import { Segments } from "./segments.ts";

/*
 * An encoded value is one frame:
 *
 *   0  "SL"           magic
 *   2  version, u8
 *   3  flags, u8      bit 0: the tree holds nodes that must be raised
 *   4  tree bytes, u32
 *   8  buffers, u32   how many follow out of band
 *  12  crc32, u32     of bytes 0 to 12, the table and the tree
 *  16  table          16 bytes a buffer: byte length as two u32, encoding, zero
 *      tree           MessagePack
 *      padding and buffer, for each: buffers start at multiples of ALIGNMENT from the frame's start
 *
 * All numbers are little-endian; typed arrays are stored little-endian, as every platform that
 * Node supports for Lambda and Fargate has them.
 */
const MAGIC = 0x4c53;
const VERSION = 1;
const FIXED_BYTES = 16;
const TABLE_ENTRY_BYTES = 16;
/** 64 bytes: a cache line, and what Apache Arrow wants of its buffers. */
const ALIGNMENT = 64;

export const FLAG_NODES = 1;
const KNOWN_FLAGS = FLAG_NODES;

/** A frame in pieces, not joined: large buffers are the caller's own memory, never copied. */
export interface Encoded {
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
  /** What the value shares was written out at each place: decoded, it is equal but not shared. */
  readonly spread?: true;
}

interface Frame {
  readonly flags: number;
  readonly tree: Uint8Array;
  readonly buffers: readonly Uint8Array[];
}

/** Up to here a loop is faster than two windows on the memory and two calls of zlib. */
const SHORT_BYTES = 160;

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function checksum(bytes: Uint8Array, headBytes: number): number {
  if (headBytes > SHORT_BYTES) return crc32(bytes.subarray(FIXED_BYTES, headBytes), crc32(bytes.subarray(0, 12)));
  let crc = -1;
  for (let index = 0; index < headBytes; index++) {
    // The checksum itself is left out.
    if (index === 12) index = FIXED_BYTES;
    if (index < headBytes) crc = CRC_TABLE[(crc ^ bytes[index]) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
const align = (offset: number) => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

const piecesOf = (buffer: Uint8Array | Segments) => (buffer instanceof Segments ? buffer.pieces : [buffer]);

/** A frame without buffers. As nothing asks for its memory, a small one costs no more than any object. */
function writeTree(flags: number, tree: Uint8Array): Encoded {
  const head = new Uint8Array(FIXED_BYTES + tree.byteLength);
  const setUint32 = (at: number, value: number) => {
    for (let byte = 0; byte < 4; byte++) head[at + byte] = value >>> (8 * byte);
  };
  head[0] = MAGIC & 0xff;
  head[1] = MAGIC >> 8;
  head[2] = VERSION;
  head[3] = flags;
  setUint32(4, tree.byteLength);
  head.set(tree, FIXED_BYTES);
  setUint32(12, checksum(head, head.byteLength));
  return { chunks: [head], byteLength: head.byteLength };
}

/** Lays out a frame around the tree and the buffers. */
export function writeFrame(flags: number, tree: Uint8Array, buffers: readonly (Uint8Array | Segments)[]): Encoded {
  if (buffers.length === 0) return writeTree(flags, tree);
  const lengths = buffers.map((buffer) => piecesOf(buffer).reduce((sum, { byteLength }) => sum + byteLength, 0));
  const headBytes = FIXED_BYTES + buffers.length * TABLE_ENTRY_BYTES + tree.byteLength;
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, VERSION);
  view.setUint8(3, flags);
  view.setUint32(4, tree.byteLength, true);
  view.setUint32(8, buffers.length, true);
  lengths.forEach((length, index) => {
    const entry = FIXED_BYTES + index * TABLE_ENTRY_BYTES;
    view.setUint32(entry, length % 2 ** 32, true);
    view.setUint32(entry + 4, Math.floor(length / 2 ** 32), true);
  });
  head.set(tree, FIXED_BYTES + buffers.length * TABLE_ENTRY_BYTES);
  view.setUint32(12, checksum(head, headBytes), true);

  const chunks: Uint8Array[] = [head];
  let offset = headBytes;
  buffers.forEach((buffer, index) => {
    const start = align(offset);
    if (start > offset) chunks.push(new Uint8Array(start - offset));
    for (const piece of piecesOf(buffer)) chunks.push(piece);
    offset = start + lengths[index];
  });
  return { chunks, byteLength: offset };
}

/** How many bytes a frame has before its buffers, by its first ones; undefined where they begin no frame. */
export function headBytes(start: Uint8Array): number | undefined {
  if (start.byteLength < FIXED_BYTES) return undefined;
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (view.getUint16(0, true) !== MAGIC || view.getUint8(2) !== VERSION) return undefined;
  return FIXED_BYTES + view.getUint32(8, true) * TABLE_ENTRY_BYTES + view.getUint32(4, true);
}

/** Reads a frame; the buffers are views on `bytes`. Every length is checked before it is believed. */
export function readFrame(bytes: Uint8Array): Frame {
  const refuse = (why: string): never => {
    throw new CodecError(`cannot decode a value of ${bytes.byteLength} bytes: ${why}`);
  };
  if (bytes.byteLength < FIXED_BYTES) refuse(`it is shorter than the ${FIXED_BYTES} bytes of a frame's head`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0, true) !== MAGIC) refuse("it does not start with the mark of an encoded value");
  const version = view.getUint8(2);
  if (version !== VERSION) {
    refuse(
      `it has format version ${version}, this stratolab reads ${VERSION}; use the one that wrote it, or a newer one`,
    );
  }
  const flags = view.getUint8(3);
  if ((flags & ~KNOWN_FLAGS) !== 0)
    refuse(`it has flags ${flags}, which this stratolab does not know; use a newer one`);
  const treeBytes = view.getUint32(4, true);
  const count = view.getUint32(8, true);
  const headBytes = FIXED_BYTES + count * TABLE_ENTRY_BYTES + treeBytes;
  if (headBytes > bytes.byteLength) refuse(`its head says ${headBytes} bytes, it was cut short or changed`);
  if (view.getUint32(12, true) !== checksum(bytes, headBytes)) {
    refuse("its checksum does not match, it was changed after it was written");
  }
  const buffers: Uint8Array[] = [];
  let offset = headBytes;
  for (let index = 0; index < count; index++) {
    const entry = FIXED_BYTES + index * TABLE_ENTRY_BYTES;
    const length = view.getUint32(entry, true) + view.getUint32(entry + 4, true) * 2 ** 32;
    const encoding = view.getUint32(entry + 8, true);
    if (encoding !== 0) {
      refuse(`its buffer ${index} has encoding ${encoding}, which this stratolab does not know; use a newer one`);
    }
    const start = align(offset);
    if (start + length > bytes.byteLength)
      refuse(`its buffer ${index} should end at byte ${start + length}, it was cut short`);
    buffers.push(bytes.subarray(start, start + length));
    offset = start + length;
  }
  if (offset !== bytes.byteLength) refuse(`${bytes.byteLength - offset} bytes follow its end`);
  return {
    flags,
    tree: bytes.subarray(FIXED_BYTES + count * TABLE_ENTRY_BYTES, headBytes),
    buffers,
  };
}
