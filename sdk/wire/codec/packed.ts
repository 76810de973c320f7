import { promisify } from "node:util";
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import { CodecError } from "./codec-error.ts";
import type { Encoded } from "./frame.ts";

/*
 * An encoded value, made smaller:
 *
 *   0  "SZ"           magic
 *   2  version, u8
 *   3  encoding, u8   1: deflate (RFC 1951)
 *   4  blocks, u32    how many follow
 *   8  bytes, two u32 that the value has
 *  16  stored bytes of each block, u32
 *      blocks         each BLOCK_BYTES of the value, the last one the rest; as it is where it did not shrink
 *
 * Deflate is what every Node has that stratolab runs on: zstd came with 22.15 and 23.8, and what one
 * process writes another one reads.
 */
const MAGIC = 0x5a53;
const VERSION = 1;
const DEFLATE = 1;
const HEAD_BYTES = 16;
const BLOCK_BYTES = 1024 * 1024;
const BLOCKS_AT_ONCE = 4;

/** Smaller ones take longer to make a request for than to send. */
const MIN_BYTES = 16 * 1024;
const SAMPLES = 16;
const SAMPLE_BYTES = 4 * 1024;
/** What a value has to shrink to, to be worth it: S3 takes 90 MB/s a connection, level 1 gives about as much. */
const WORTHWHILE = 0.7;
/** The fastest level: the higher ones gain a few per cent and take three times as long. */
const LEVEL = { level: 1 };

const deflate = promisify(deflateRaw) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
const inflate = promisify(inflateRaw) as (bytes: Uint8Array, options: object) => Promise<Buffer>;

/**
 * The value as it should travel: smaller where that pays, and otherwise as it is, uncopied. What it
 * would shrink to is guessed from 64 KB taken from all over it.
 */
export async function pack(encoded: Encoded): Promise<Encoded> {
  if (encoded.byteLength < MIN_BYTES || !looksWorthwhile(encoded)) return encoded;
  const count = Math.ceil(encoded.byteLength / BLOCK_BYTES);
  const blocks = new Array<Uint8Array>(count);
  await inLanes(count, async (index) => {
    const plain = range(encoded.chunks, index * BLOCK_BYTES, BLOCK_BYTES);
    const smaller = await deflate(plain, LEVEL);
    blocks[index] = smaller.byteLength < plain.byteLength ? smaller : plain;
  });
  const head = new DataView(new ArrayBuffer(HEAD_BYTES + 4 * count));
  head.setUint16(0, MAGIC, true);
  head.setUint8(2, VERSION);
  head.setUint8(3, DEFLATE);
  head.setUint32(4, count, true);
  head.setUint32(8, encoded.byteLength % 2 ** 32, true);
  head.setUint32(12, Math.floor(encoded.byteLength / 2 ** 32), true);
  blocks.forEach((block, index) => {
    head.setUint32(HEAD_BYTES + 4 * index, block.byteLength, true);
  });
  const byteLength = blocks.reduce((sum, block) => sum + block.byteLength, head.byteLength);
  if (byteLength > encoded.byteLength * WORTHWHILE) return encoded;
  return { chunks: [new Uint8Array(head.buffer), ...blocks], byteLength };
}

function looksWorthwhile({ chunks, byteLength }: Encoded): boolean {
  const bytes = Math.min(SAMPLE_BYTES, Math.ceil(byteLength / SAMPLES));
  const samples = Array.from({ length: SAMPLES }, (_, index) =>
    range(chunks, Math.floor((index * (byteLength - bytes)) / (SAMPLES - 1)), bytes),
  );
  return deflateRawSync(Buffer.concat(samples), LEVEL).byteLength <= SAMPLES * bytes * WORTHWHILE;
}

/** Bytes from a place on: a window where they lie in one chunk, joined where they do not. */
function range(chunks: readonly Uint8Array[], start: number, length: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const chunk of chunks) {
    const from = Math.max(0, start - offset);
    const to = Math.min(chunk.byteLength, start + length - offset);
    if (from < to) pieces.push(chunk.subarray(from, to));
    offset += chunk.byteLength;
    if (offset >= start + length) break;
  }
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

interface Layout {
  readonly bytes: number;
  /** Where each block begins in what is stored, and, at last, where the last one ends. */
  readonly starts: readonly number[];
}

/** Whether a stored value was made smaller. */
export const isPacked = (stored: Uint8Array) =>
  stored.byteLength >= HEAD_BYTES && stored[0] === (MAGIC & 0xff) && stored[1] === MAGIC >> 8;

const refuse = (why: string): never => {
  throw new CodecError(`cannot unpack a value: ${why}`);
};

/** The layout, where so much of it is there. Every length is checked before it is believed. */
function layoutOf(stored: Uint8Array, isWhole: boolean): Layout | undefined {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (view.getUint8(2) !== VERSION || view.getUint8(3) !== DEFLATE) {
    refuse(
      `it has format ${view.getUint8(2)}.${view.getUint8(3)}, which this stratolab does not read; use a newer one`,
    );
  }
  const count = view.getUint32(4, true);
  const bytes = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
  if (count !== Math.ceil(bytes / BLOCK_BYTES)) refuse(`it says ${bytes} bytes in ${count} blocks`);
  const headBytes = HEAD_BYTES + 4 * count;
  if (headBytes > stored.byteLength)
    return isWhole ? refuse(`its head says ${headBytes} bytes, it was cut short`) : undefined;
  const starts = [headBytes];
  for (let index = 0; index < count; index++) starts.push(starts[index] + view.getUint32(HEAD_BYTES + 4 * index, true));
  const end = starts[count];
  if (isWhole && end !== stored.byteLength) refuse(`its blocks end at byte ${end}, and it has ${stored.byteLength}`);
  return { bytes, starts };
}

const blockBytes = ({ bytes }: Layout, index: number) => Math.min(BLOCK_BYTES, bytes - index * BLOCK_BYTES);

/**
 * What `pack` was given; the same memory where it did nothing.
 *
 * @throws CodecError when the bytes were cut short or changed.
 */
export async function unpack(stored: Uint8Array): Promise<Uint8Array> {
  if (!isPacked(stored)) return stored;
  const layout = layoutOf(stored, true) as Layout;
  const { bytes, starts } = layout;
  const inflated = async (index: number) => {
    const block = stored.subarray(starts[index], starts[index + 1]);
    const expected = blockBytes(layout, index);
    if (block.byteLength === expected) return block;
    const plain = await inflate(block, { maxOutputLength: BLOCK_BYTES }).catch((error) => {
      throw new CodecError(`cannot unpack a value: block ${index} was changed: ${error.message}`, "", { cause: error });
    });
    return plain.byteLength === expected
      ? plain
      : refuse(`block ${index} has ${plain.byteLength} bytes, not ${expected}`);
  };
  // Memory is asked for when the first block has shown that this is no forgery of a length.
  const first = await inflated(0);
  const whole = Buffer.allocUnsafeSlow(bytes);
  whole.set(first);
  await inLanes(starts.length - 2, async (index) => whole.set(await inflated(index + 1), (index + 1) * BLOCK_BYTES));
  return whole;
}

/**
 * The first bytes of a value, by the first bytes of what is stored, as far as they reach; undefined
 * where more of that is needed.
 */
export function unpackStart(stored: Uint8Array): Uint8Array | undefined {
  if (!isPacked(stored)) return stored;
  const layout = layoutOf(stored, false);
  const end = layout?.starts.findLast((start) => start <= stored.byteLength);
  if (!layout || end === undefined || end === layout.starts[0]) return undefined;
  const blocks: Uint8Array[] = [];
  for (let index = 0; layout.starts[index] < end; index++) {
    const block = stored.subarray(layout.starts[index], layout.starts[index + 1]);
    blocks.push(
      block.byteLength === blockBytes(layout, index) ? block : inflateRawSync(block, { maxOutputLength: BLOCK_BYTES }),
    );
  }
  return Buffer.concat(blocks);
}

/** Some of `count` at a time, in order: zlib works beside this thread. */
async function inLanes(count: number, body: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await body(next++);
  };
  await Promise.all(Array.from({ length: BLOCKS_AT_ONCE }, lane));
}
