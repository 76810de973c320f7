import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import { readFrame, writeFrame } from "../../sdk/wire/codec/frame.ts";
import { withChecksum } from "./forge.ts";

const bytesOf = (flags: number, tree: Uint8Array, buffers: readonly Uint8Array[]) =>
  Buffer.concat(writeFrame(flags, tree, buffers).chunks);

const TREE = Uint8Array.of(0xc0);

describe("a frame", () => {
  test("is laid out as it is written down", () => {
    const bytes = bytesOf(1, Uint8Array.of(0xa1, 0x78), [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
    expect(bytes.subarray(0, 2).toString("latin1")).toBe("SL");
    expect([bytes[2], bytes[3]]).toEqual([1, 1]);
    expect([bytes.readUInt32LE(4), bytes.readUInt32LE(8)]).toEqual([2, 2]);
    // The table: byte length in 64 bits, encoding, zero.
    expect([...new Uint32Array(Uint8Array.from(bytes.subarray(16, 48)).buffer)]).toEqual([3, 0, 0, 0, 1, 0, 0, 0]);
    expect([...bytes.subarray(48, 50)]).toEqual([0xa1, 0x78]);
    expect([...bytes.subarray(64, 67)]).toEqual([1, 2, 3]);
    expect([...bytes.subarray(128, 129)]).toEqual([4]);
    expect(bytes.byteLength).toBe(129);
    expect(bytes.readUInt32LE(12)).toBe(crc32(bytes.subarray(16, 50), crc32(bytes.subarray(0, 12))));
  });

  test("without buffers is its head and its tree", () => {
    expect(bytesOf(0, TREE, []).byteLength).toBe(17);
  });

  test("gives back what it was made of, every buffer at a multiple of 64 bytes", () => {
    const pieces = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.nat({ max: 1 }), pieces, fc.array(pieces, { maxLength: 5 }), (flags, tree, buffers) => {
        const bytes = bytesOf(flags, tree, buffers);
        const frame = readFrame(bytes);
        expect(frame.flags).toBe(flags);
        expect(Buffer.compare(frame.tree, tree)).toBe(0);
        expect(frame.buffers.map((buffer) => [...buffer])).toEqual(buffers.map((buffer) => [...buffer]));
        for (const buffer of frame.buffers) {
          if (buffer.byteLength > 0) expect((buffer.byteOffset - bytes.byteOffset) % 64).toBe(0);
        }
      }),
    );
  });

  test("does not copy its buffers", () => {
    const buffer = new Uint8Array(1_000);
    expect(writeFrame(0, TREE, [buffer]).chunks.at(-1)).toBe(buffer);
    const bytes = bytesOf(0, TREE, [buffer]);
    expect(readFrame(bytes).buffers[0].buffer).toBe(bytes.buffer);
  });
});

describe("what is no frame", () => {
  const good = bytesOf(0, TREE, [Uint8Array.of(1, 2, 3)]);
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good);
    change(bytes);
    return withChecksum(bytes);
  };

  test.each<[string, Uint8Array, string]>([
    [
      "nothing",
      new Uint8Array(),
      "cannot decode a value of 0 bytes: it is shorter than the 16 bytes of a frame's head",
    ],
    ["half a head", good.subarray(0, 15), "it is shorter than the 16 bytes of a frame's head"],
    [
      "another file",
      Buffer.from("PK\u0003\u0004, certainly no frame"),
      "it does not start with the mark of an encoded value",
    ],
    [
      "a frame of a later version",
      changed((bytes) => bytes.writeUInt8(2, 2)),
      "it has format version 2, this stratolab reads 1; use the one that wrote it, or a newer one",
    ],
    [
      "a tree longer than everything",
      changed((bytes) => bytes.writeUInt32LE(2 ** 32 - 1, 4)),
      "it was cut short or changed",
    ],
    ["more buffers than bytes", changed((bytes) => bytes.writeUInt32LE(2 ** 32 - 1, 8)), "it was cut short or changed"],
    [
      "a buffer longer than everything",
      changed((bytes) => bytes.writeUInt32LE(2 ** 31, 16)),
      "its buffer 0 should end at byte 2147483712, it was cut short",
    ],
    [
      "a buffer longer than any number can say",
      changed((bytes) => bytes.writeUInt32LE(2 ** 32 - 1, 20)),
      "its buffer 0 should end at byte",
    ],
    [
      "a buffer that is cut short",
      good.subarray(0, good.byteLength - 1),
      "its buffer 0 should end at byte 67, it was cut short",
    ],
    ["a frame with something behind it", Buffer.concat([good, Buffer.from("more")]), "4 bytes follow its end"],
    ["a frame whose tree was changed", Buffer.from(good).fill(0xc1, 32, 33), "its checksum does not match"],
    ["a frame whose table was changed", Buffer.from(good).fill(2, 16, 17), "its checksum does not match"],
  ])("%s is refused by what is wrong with it", (_, bytes, message) => {
    expect(() => readFrame(bytes)).toThrow(CodecError);
    expect(() => readFrame(bytes)).toThrow(message);
  });

  test("a frame with a flag that this version does not know is refused", () => {
    expect(() => readFrame(changed((bytes) => bytes.writeUInt8(0x80, 3)))).toThrow(CodecError);
  });

  test("a buffer in an encoding that this version does not know is refused", () => {
    expect(() => readFrame(changed((bytes) => bytes.writeUInt32LE(1, 24)))).toThrow(CodecError);
  });
});
