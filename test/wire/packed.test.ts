import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode, joinChunks } from "../../sdk/wire/codec/codec.ts";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import { pack, unpack, unpackStart } from "../../sdk/wire/codec/packed.ts";

const MB = 2 ** 20;
/** Bytes that do not shrink, the same each time. */
const noise = (bytes: number) =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes / 64) }, (_, index) => createHash("sha512").update(String(index)).digest()),
  ).subarray(0, bytes);
const records = (count: number) => Array.from({ length: count }, (_, id) => ({ id, name: `item ${id % 97}` }));

describe("a value is made smaller where that pays", () => {
  test.each<[string, unknown]>([
    ["records", records(5_000)],
    ["records of several blocks", records(60_000)],
    ["zeros", new Float64Array(3 * 131_072 + 1)],
    ["half zeros, half noise", [new Uint8Array(3 * MB), noise(1.5 * MB)]],
    ["many small buffers", Array.from({ length: 2_000 }, (_, index) => new Uint8Array(50).fill(index))],
  ])("and comes back as it was: %s", async (_, value) => {
    const encoded = encode(value);
    const packed = await pack(encoded);
    expect(packed.byteLength).toBeLessThan(encoded.byteLength * 0.7);
    expect(packed.chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(packed.byteLength);
    const plain = await unpack(joinChunks(packed));
    expect(Buffer.compare(plain, joinChunks(encoded))).toBe(0);
    expect(isDeepStrictEqual(decode(plain), value)).toBe(true);
  });

  test.each<[string, unknown]>([
    ["what does not shrink", { noise: new Uint8Array(noise(3 * MB)) }],
    ["what is small", { text: "x".repeat(10_000) }],
    ["nothing", undefined],
  ])("and not at all, nor copied, otherwise: %s", async (_, value) => {
    const encoded = encode(value);
    expect(await pack(encoded)).toBe(encoded);
    const bytes = joinChunks(encoded);
    expect(await unpack(bytes)).toBe(bytes);
    expect(unpackStart(bytes)).toBe(bytes);
  });

  test("and its first bytes can be had from the first of what is stored", async () => {
    const encoded = encode(records(150_000));
    const stored = joinChunks(await pack(encoded));
    const starts = [100, 4_096, 400_000, stored.byteLength].map((length) => unpackStart(stored.subarray(0, length)));
    expect(starts.slice(0, 2)).toEqual([undefined, undefined]);
    expect(starts[2]?.byteLength).toBe(MB);
    for (const start of starts.slice(2) as Uint8Array[]) {
      expect(Buffer.compare(start, joinChunks(encoded).subarray(0, start.byteLength))).toBe(0);
    }
  });
});

test("what was cut short, changed or forged is refused", async () => {
  const encoded = encode(records(40_000));
  const stored = Buffer.from(joinChunks(await pack(encoded)));
  const refused = (bytes: Uint8Array) => expect(unpack(bytes)).rejects.toThrow(CodecError);
  for (const length of [16, 20, 1_000, stored.byteLength - 1]) await refused(stored.subarray(0, length));
  const forged = Buffer.from(stored);
  forged.writeUInt32LE(0xffff_fff0, 4);
  forged.writeUInt32LE(0xffff, 12);
  await refused(forged);
  const small = Buffer.alloc(20);
  stored.copy(small, 0, 0, 16);
  small.writeUInt32LE(1, 4);
  small.writeUInt32LE(1_000_000, 8);
  await refused(small);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: stored.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const bytes = Buffer.from(stored);
      bytes[at] ^= by;
      // A turned bit may give other bytes of the same length: the hash of what is stored tells.
      const plain = await unpack(bytes).catch((error) => error);
      if (!(plain instanceof Uint8Array)) expect(plain).toBeInstanceOf(CodecError);
    }),
    { numRuns: 100 },
  );
});
