import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { decode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import type { CodecExtension } from "../../sdk/wire/codec/extensions.ts";
import { writeFrame } from "../../sdk/wire/codec/frame.ts";
import { packTree } from "../../sdk/wire/codec/header.ts";
import { Node, Tag } from "../../sdk/wire/codec/nodes.ts";
import { anyGraph, anyKey } from "./arbitrary.ts";
import { withChecksum } from "./forge.ts";

const SAMPLE = {
  text: "hello",
  list: [1, -0, 1n, new Date(5), /x/g, undefined],
  map: new Map<unknown, unknown>([["k", new Set([1])]]),
  floats: Float64Array.of(1, 2, 3),
  error: new Error("e", { cause: { code: 1 } }),
  sparse: Object.assign(new Array(4), { 2: 1 }),
};

/** Decodes, and lets nothing pass but a value or a CodecError. */
function decodeOrRefuse(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return error;
  }
}

const forgedTree = (flags: number, tree: unknown, buffers: readonly Uint8Array[] = []) =>
  Buffer.concat(writeFrame(flags, packTree(tree), buffers).chunks);
const forgedBytes = (tree: Uint8Array) => Buffer.concat(writeFrame(1, tree, []).chunks);

afterEach(() => {
  // Whatever was decoded: objects are as they were.
  const fresh: Record<string, unknown> = {};
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(fresh.polluted).toBeUndefined();
});

describe("bytes by accident", () => {
  const whole = Buffer.from(encodeToBytes(SAMPLE));

  test("cut short at any place are refused", () => {
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => decode(whole.subarray(0, length)), `of ${length} bytes`).toThrow(CodecError);
    }
  });

  test("with any one bit of the head, the table or the tree turned are refused", () => {
    const headBytes = 16 + whole.readUInt32LE(8) * 16 + whole.readUInt32LE(4);
    for (let bit = 0; bit < headBytes * 8; bit++) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect(() => decode(bytes), `bit ${bit}`).toThrow(CodecError);
    }
  });

  test("of any kind are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decode(bytes)).toThrow(CodecError);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("bytes by malice, their checksum right", () => {
  test("changed anywhere give a value or a CodecError, and nothing else", () => {
    const change = fc.record({
      at: fc.nat({ max: 10_000 }),
      to: fc.oneof(
        fc.constantFrom(0xdd, 0xdf, 0xdb, 0xc6, 0xd4, 0xc7, 0xc1, 0xff, 0x72, 0x53, 0x65),
        fc.nat({ max: 255 }),
      ),
    });
    fc.assert(
      fc.property(anyGraph, fc.array(change, { minLength: 1, maxLength: 4 }), (value, changes) => {
        const bytes = Buffer.from(encodeToBytes(value));
        for (const { at, to } of changes) bytes[4 + (at % (bytes.byteLength - 4))] = to;
        decodeOrRefuse(withChecksum(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test("with any MessagePack in the place of the tree give a value or a CodecError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (tree) => {
        decodeOrRefuse(forgedBytes(tree));
      }),
      { numRuns: 5_000 },
    );
  });

  test("with nodes of any kind, holding anything, give a value or a CodecError", () => {
    const node = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.oneof(
          fc.constantFrom<unknown>(null, undefined, true, -1, 0, 1, 2, 0.5, 2 ** 32, 1e9, Number.NaN, "Float64Array"),
          anyKey,
        ),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(anyKey, tie("tree"), { maxKeys: 3 }),
        fc.tuple(fc.nat({ max: 17 }), tie("tree")).map(([tag, data]) => new Node(tag, data)),
        fc
          .tuple(tie("tree"), fc.array(tie("tree"), { maxLength: 3 }))
          .map(([root, table]) => new Node(Tag.Table, [root, table])),
        fc.nat({ max: 3 }).map((index) => new Node(Tag.Reference, index)),
        fc
          .tuple(
            fc.constantFrom("Uint8Array", "Float64Array", "DataView", "Buffer", "BigInt64Array", "constructor"),
            fc.integer({ min: -1, max: 3 }),
            fc.integer({ min: -8, max: 40 }),
            fc.oneof(fc.integer({ min: -1, max: 40 }), fc.constantFrom(2 ** 31, 2 ** 53, 0.5, Number.NaN)),
          )
          .map((data) => new Node(Tag.View, data)),
      ),
    })).tree;
    const buffers = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 });
    fc.assert(
      fc.property(node, buffers, (tree, memory) => {
        decodeOrRefuse(forgedTree(1, tree, memory));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ["an array", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["an array that would just fit memory", [0xdd, 0x01, 0xff, 0xff, 0xff]],
    ["a map", [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ["a string", [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ["binary data", [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ["an extension", [0xc9, 0xff, 0xff, 0xff, 0xff, 0x53]],
    ["a thousand arrays in each other", Array.from({ length: 1_000 }, () => [0xdd, 0x00, 0x00, 0x10, 0x00]).flat()],
  ])("that claim the length of %s are refused without memory for it", (_, tree) => {
    const before = process.memoryUsage();
    expect(() => decode(forgedBytes(Uint8Array.from(tree)))).toThrow(CodecError);
    const after = process.memoryUsage();
    const grownMb = (after.heapTotal + after.external - before.heapTotal - before.external) / 2 ** 20;
    expect(grownMb).toBeLessThan(64);
  });

  test("nested deeper than any encoder would are refused, not a crash", () => {
    expect(() => decode(forgedBytes(new Uint8Array(1_000_000).fill(0x91)))).toThrow(CodecError);
  });

  test.each<[string, unknown]>([
    ["refers to itself", new Node(Tag.Table, [new Node(Tag.Reference, 0), [new Node(Tag.Reference, 0)]])],
    ["refers to what is not there", new Node(Tag.Table, [new Node(Tag.Reference, 7), []])],
    ["refers without a table", [new Node(Tag.Reference, 0)]],
    ["refers to a negative place", new Node(Tag.Table, [new Node(Tag.Reference, -1), [1]])],
    ["refers to a place by name", new Node(Tag.Table, [new Node(Tag.Reference, "length"), [1]])],
    ["is of a kind that a newer version may have", new Node(99, null)],
    ["is a number that is none", new Node(Tag.BigInt, "0xzz")],
    ["is a regular expression that is none", new Node(Tag.RegExp, ["(", ""])],
    ["is a regular expression with flags that are none", new Node(Tag.RegExp, ["a", "q"])],
    ["is a view on a buffer that is not there", new Node(Tag.View, ["Uint8Array", 0, 0, 1])],
    ["is a view of a kind that is none", new Node(Tag.View, ["Function", 0, 0, 0])],
    ["is a view of an inherited kind", new Node(Tag.View, ["constructor", 0, 0, 0])],
    ["is an array of negative length", new Node(Tag.Array, [-1, []])],
    ["is an array longer than arrays are", new Node(Tag.Array, [2 ** 32, []])],
    ["is a Map of no pairs", new Node(Tag.Map, [1, 2])],
    ["is a Set of nothing", new Node(Tag.Set, null)],
    ["is an error of nothing", new Node(Tag.Error, null)],
    ["is an extension without a kind", new Node(Tag.Custom, [])],
  ])("whose part %s are refused", (_, tree) => {
    expect(() => decode(forgedTree(1, tree, []))).toThrow(CodecError);
  });

  test("with an extension that stands in itself are refused", () => {
    const extension: CodecExtension = { kind: "k", match: () => false, lower: (value) => value, raise: (data) => data };
    const tree = new Node(Tag.Table, [
      new Node(Tag.Reference, 0),
      [new Node(Tag.Custom, ["k", new Node(Tag.Reference, 0)])],
    ]);
    expect(() => decode(forgedTree(1, tree), [extension])).toThrow(CodecError);
  });

  test("that hide nodes from the reader by a wrong flag give no node away", () => {
    const value = decodeOrRefuse(forgedTree(0, [new Node(Tag.BigInt, "1")]));
    const [inner] = Array.isArray(value) ? value : [];
    expect(inner).not.toBeInstanceOf(Node);
  });

  test.each([
    ["as a plain key", () => packTree(JSON.parse('{"__proto__":{"polluted":1}}'))],
    ["as a key of an object node", () => packTree(new Node(Tag.Object, [["__proto__", { polluted: 1 }]]))],
    ["as a key of an array", () => packTree(new Node(Tag.Array, [0, [["__proto__", { polluted: 1 }]]]))],
    [
      "as a key of shared objects",
      () => packTree(new Node(Tag.Table, [new Node(Tag.Reference, 0), [JSON.parse('{"__proto__":{"polluted":1}}')]])),
    ],
  ])("with __proto__ %s change no prototype", (_, tree) => {
    const value = decodeOrRefuse(forgedBytes(tree()));
    const owner = Array.isArray(value) ? Array.prototype : Object.prototype;
    if (!(value instanceof CodecError)) expect(Object.getPrototypeOf(value)).toBe(owner);
    expect((value as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("with constructors' and prototypes' names as keys change nobody else's", () => {
    const tree = { constructor: { prototype: { polluted: 1 } } };
    expect(decode(forgedBytes(packTree(tree)))).toEqual(tree);
  });

  test("never become functions", () => {
    // Record definitions, as other users of MessagePack have them: r(64) = [a], then a record of it.
    for (const tree of [
      [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
      [0xd5, 0x72, 0x40, 0x00, 0x91, 0xa1, 0x61, 0x01],
    ]) {
      const value = decodeOrRefuse(forgedBytes(Uint8Array.from(tree)));
      expect(typeof value).not.toBe("function");
    }
  });
});
