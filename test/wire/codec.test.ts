import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode, encodeToBytes, joinChunks } from "../../sdk/wire/codec/codec.ts";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import type { CodecExtension } from "../../sdk/wire/codec/extensions.ts";
import { anyGraph, anyKey, anyLeaf, anyTree } from "./arbitrary.ts";
import { expectSame } from "./same.ts";

const roundTrip = (value: unknown) => decode(encodeToBytes(value));

describe("a value comes back as it was", () => {
  const text = "text";
  const withProto = JSON.parse('{"__proto__":{"polluted":true},"a":1}');
  const withStack = Object.assign(new Error("m"), { stack: "Error: m\n    at somewhere" });
  test.each<[string, unknown]>([
    ["null", null],
    ["undefined", undefined],
    ["booleans", [true, false]],
    ["zeros of both signs", [0, -0]],
    ["numbers that are none", [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    [
      "integers at the edges of 32 and 53 bits",
      [2 ** 31, -(2 ** 31), 2 ** 32 - 1, 2 ** 32, 2 ** 53, -(2 ** 53), 2 ** 63, 2 ** 64],
    ],
    ["fractions", [0.1, 5e-324, 1.7976931348623157e308, 1 / 3, 16_777_217.5]],
    ["bigints", [0n, -1n, 2n ** 63n, -(2n ** 64n), 10n ** 500n]],
    ["strings", ["", text, "grüße 🌍", "\u0000", "x".repeat(100_000)]],
    ["strings with lone surrogates", ["\ud800", "a\udfffb", "\udc00\ud800"]],
    ["dates, invalid ones too", [new Date(0), new Date(-1), new Date(8.64e15), new Date(Number.NaN)]],
    ["regular expressions", [/a/, /[/\]]/giu, /\n/, /(?<year>\d{4})/s]],
    ["undefined in objects and arrays", { a: undefined, b: [undefined] }],
    ["arrays with holes", Object.assign(new Array(5), { 1: 1, 3: undefined })],
    ["long arrays with holes", Object.assign(new Array(50), { 3: 1 })],
    ["an array of holes only", new Array(3)],
    ["the result of a regular expression's match", /(?<a>x)/.exec("yx")],
    [
      "maps in maps, with keys of any kind",
      new Map<unknown, unknown>([
        [{ a: 1 }, new Map([[Number.NaN, -0]])],
        [null, 1],
      ]),
    ],
    ["sets in sets", new Set<unknown>([new Set([1]), 1, "1", undefined])],
    ["empty containers", [{}, [], new Map(), new Set(), "", new Uint8Array(), new ArrayBuffer(0)]],
    ["an object with the key __proto__", withProto],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    [
      "an object with the keys of JSON's and objects' own",
      JSON.parse('{"constructor":1,"toJSON":2,"hasOwnProperty":3,"then":4,"valueOf":5}'),
    ],
    ["an object without a prototype with a key of JSON's own", Object.assign(Object.create(null), { toJSON: 1 })],
    ["keys that look like numbers", { 1: "a", "01": "b", "-1": "c", 4294967296: "d" }],
    ["keys with lone surrogates", { "\ud800": 1, "\udfff": 2 }],
    ["an error with its stack", withStack],
    [
      "errors of the language's own classes",
      [new TypeError("t"), new RangeError("r"), new SyntaxError("s"), new URIError("u")],
    ],
    ["an error of a class of one's own, by name", Object.assign(new Error("m"), { name: "NetworkError" })],
    ["an error with a chain of causes", new Error("a", { cause: new TypeError("b", { cause: { code: 7 } }) })],
    ["an error whose cause is null", new Error("a", { cause: null })],
    ["an error without a stack", Object.assign(new Error("m"), { stack: undefined })],
    ["an AggregateError", new AggregateError([new Error("a"), 1], "both", { cause: "c" })],
    [
      "typed arrays of every kind",
      [
        Int8Array.of(-1),
        Uint8Array.of(1),
        Uint8ClampedArray.of(255),
        Int16Array.of(-1),
        Uint16Array.of(1),
        Int32Array.of(-1),
        Uint32Array.of(1),
        Float32Array.of(-0, Number.NaN),
        Float64Array.of(-0, 0.1),
        BigInt64Array.of(-1n),
        BigUint64Array.of(2n ** 64n - 1n),
      ],
    ],
    ["a Buffer, as a Buffer", Buffer.from("bytes")],
    ["a large Buffer", Buffer.alloc(100_000, 7)],
    ["an ArrayBuffer", Uint8Array.of(1, 2, 3).buffer],
    ["a DataView of a part", new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2)],
    ["a window on a larger array", new Float64Array(10).fill(3).subarray(2, 5)],
  ])("%s", (_, value) => {
    expectSame(roundTrip(value), value);
  });

  test("objects of another realm come back as objects of this one", () => {
    const foreign = runInNewContext("({ a: [1, new Map([[1, new Date(5)]])], b: { toJSON: 1 } })");
    expectSame(roundTrip(foreign), { a: [1, new Map([[1, new Date(5)]])], b: { toJSON: 1 } });
  });

  test("a getter counts for what it gives", () => {
    expectSame(
      roundTrip({
        get a() {
          return 1;
        },
      }),
      { a: 1 },
    );
  });

  test("classes of errors come back as such", () => {
    const [type, unknown] = roundTrip([new TypeError("t"), Object.assign(new Error("n"), { name: "Odd" })]) as Error[];
    expect(type).toBeInstanceOf(TypeError);
    expect([unknown.name, unknown.constructor]).toEqual(["Odd", Error]);
    expect(Object.keys(unknown)).toEqual([]);
  });

  test("whatever it is made of", () => {
    fc.assert(
      fc.property(fc.oneof(anyLeaf, anyGraph), (value) => {
        expectSame(roundTrip(value), value);
      }),
      { numRuns: 3_000 },
    );
  });

  test("in canonical form as well", () => {
    fc.assert(
      fc.property(anyTree, (value) => {
        const decoded = decode(encodeToBytes(value, { canonical: true }));
        expectSame(sortedDeep(decoded), sortedDeep(value));
      }),
      { numRuns: 500 },
    );
  });
});

describe("identity", () => {
  test("of what occurs twice is kept", () => {
    const inner = { n: 1 };
    const [a, b, map] = roundTrip([inner, inner, new Map([[inner, inner]])]) as [object, object, Map<object, object>];
    expect(a).toBe(b);
    expect(map.get(a)).toBe(a);
  });

  test("of what is equal is not made up", () => {
    const [a, b] = roundTrip([{ n: 1 }, { n: 1 }]) as object[];
    expect(a).not.toBe(b);
  });

  test("closes circles", () => {
    const self: Record<string, unknown> = { list: [] };
    (self.list as unknown[]).push(self);
    self.map = new Map([[self, self]]);
    self.set = new Set([self]);
    const back = roundTrip(self) as { list: unknown[]; map: Map<unknown, unknown>; set: Set<unknown> };
    expect(back.list[0]).toBe(back);
    expect(back.map.get(back)).toBe(back);
    expect(back.set.has(back)).toBe(true);
  });

  test("an error may be its own cause", () => {
    const error = new Error("ouroboros");
    error.cause = error;
    const back = roundTrip(error) as Error;
    expect(back.cause).toBe(back);
  });

  test("of memory that two views share is kept: what one writes, the other reads", () => {
    const memory = new ArrayBuffer(16);
    const value = { floats: new Float64Array(memory), bytes: new Uint8Array(memory, 8, 4), memory };
    value.floats[1] = Math.PI;
    const back = roundTrip(value) as typeof value;
    expect(back.floats.buffer).toBe(back.bytes.buffer);
    expect(back.memory).toBe(back.bytes.buffer);
    expect([back.bytes.byteOffset, back.bytes.length]).toEqual([8, 4]);
    back.bytes.fill(0);
    expect(back.floats[1]).not.toBe(Math.PI);
  });

  test("of one view that occurs twice is kept", () => {
    const view = Int32Array.of(1, 2);
    const [a, b] = roundTrip([view, view]) as Int32Array[];
    expect(a).toBe(b);
  });

  test("a window alone takes no more of its memory along than it shows", () => {
    const encoded = encode(new Uint8Array(1_000_000).subarray(5, 8));
    expect(encoded.byteLength).toBeLessThan(300);
  });

  test("small Buffers take nothing of the pool along that they come from", () => {
    const encoded = encode([Buffer.from("a"), Buffer.from("b"), Buffer.from("c")]);
    expect(encoded.byteLength).toBeLessThan(500);
  });
});

describe("depth", () => {
  test.each<[string, (inner: unknown) => unknown]>([
    ["arrays", (inner) => [inner]],
    ["objects", (inner) => ({ inner })],
    ["maps", (inner) => new Map([["inner", inner]])],
    ["sets", (inner) => new Set([inner])],
  ])("of 100,000 %s is no trouble", (_, wrap) => {
    let value: unknown = "core";
    for (let depth = 0; depth < 100_000; depth++) value = wrap(value);
    expectSame(roundTrip(value), value);
  });

  test("of 3,000 causes of errors is no trouble either", () => {
    let cause: unknown = "core";
    for (let depth = 0; depth < 3_000; depth++) cause = Object.assign(new Error("e", { cause }), { stack: "" });
    expectSame(roundTrip(cause), cause);
  });

  test("of all kinds mixed, in a linked list with links back", () => {
    interface Link {
      next?: Link;
      previous?: Link;
    }
    const first: Link = {};
    let last = first;
    for (let count = 0; count < 50_000; count++) {
      const next: Link = { previous: last };
      last.next = next;
      last = next;
    }
    expectSame(roundTrip(first), first);
  });
});

describe("memory", () => {
  test("of typed arrays is not copied into the encoded value", () => {
    const floats = new Float64Array(1_000);
    const { chunks } = encode({ floats });
    expect(chunks.some(({ buffer }) => buffer === floats.buffer)).toBe(true);
  });

  test("of decoded typed arrays is that of the encoded value, where it is aligned", () => {
    const bytes = encodeToBytes({ floats: Float64Array.of(1, 2, 3) });
    const { floats } = decode(bytes) as { floats: Float64Array };
    expect(floats.buffer).toBe(bytes.buffer);
    expect([...floats]).toEqual([1, 2, 3]);
  });

  test.each([0, 1, 3, 4, 7, 8, 63])("may start anywhere: at offset %i of a larger Buffer", (offset) => {
    const value = {
      floats: Float64Array.of(1, -2.5),
      shorts: Int16Array.of(-1, 2),
      bytes: Buffer.from("x"),
      big: BigInt64Array.of(-5n),
    };
    const bytes = encodeToBytes(value);
    const larger = Buffer.alloc(bytes.byteLength + offset + 5, 0xff);
    larger.set(bytes, offset);
    expectSame(decode(larger.subarray(offset, offset + bytes.byteLength)), value);
  });

  test("chunks are as long as they say, and joined as they come", () => {
    fc.assert(
      fc.property(anyGraph, (value) => {
        const encoded = encode(value);
        const joined = joinChunks(encoded);
        expect(joined.byteLength).toBe(encoded.byteLength);
        expect(Buffer.concat(encoded.chunks).equals(joined)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the canonical form", () => {
  /** The same tree with the keys of every object in another order. */
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== "object" || value === null) return value;
    const turned = {};
    for (const [key, inner] of Object.entries(value).reverse()) {
      Object.defineProperty(turned, key, {
        value: shuffled(inner),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return turned;
  };
  const canonical = (value: unknown) => Buffer.from(encodeToBytes(value, { canonical: true })).toString("hex");

  test.each([
    ["two keys", { a: 1, b: 2 }, { b: 2, a: 1 }],
    ["keys at depth", { x: [{ a: 1, b: [{ c: 1, d: 2 }] }] }, { x: [{ b: [{ d: 2, c: 1 }], a: 1 }] }],
    ["keys beside what plain data has not", { a: -0, b: new Map() }, { b: new Map(), a: -0 }],
    ["the key __proto__", JSON.parse('{"__proto__":1,"a":2}'), JSON.parse('{"a":2,"__proto__":1}')],
    ["keys beyond ASCII", { é: 1, z: 2, "🌍": 3 }, { "🌍": 3, z: 2, é: 1 }],
  ])("is the same for %s in any order", (_, a, b) => {
    expect(canonical(a)).toBe(canonical(b));
  });

  test("is the same for any tree with its keys in any order", () => {
    fc.assert(
      fc.property(anyTree, (value) => {
        expect(canonical(shuffled(value))).toBe(canonical(value));
      }),
      { numRuns: 500 },
    );
  });

  test("is the same for objects with and without a prototype", () => {
    expect(canonical(Object.assign(Object.create(null), { a: 1 }))).toBe(canonical({ a: 1 }));
  });

  test.each<[string, unknown, unknown]>([
    ["0 and -0", 0, -0],
    ["1 and true", 1, true],
    ['1 and "1"', 1, "1"],
    ["1 and 1n", 1, 1n],
    ["null and undefined", null, undefined],
    ["a hole and undefined", new Array(1), [undefined]],
    ["a missing key and undefined", {}, { a: undefined }],
    ["a Map and its entries", new Map([["a", 1]]), [["a", 1]]],
    ["a Set and its elements", new Set([1]), [1]],
    ["an object and a Map", { a: 1 }, new Map([["a", 1]])],
    ["a date and its time", new Date(5), 5],
    ["a Buffer and its bytes", Buffer.from("a"), Uint8Array.of(97)],
    ["floats of two sizes", Float32Array.of(1), Float64Array.of(1)],
    ["typed arrays of other bytes", Uint8Array.of(1), Uint8Array.of(2)],
    [
      "two orders of a Map",
      new Map([
        [1, 1],
        [2, 2],
      ]),
      new Map([
        [2, 2],
        [1, 1],
      ]),
    ],
    ["a string and the text of a bigint", "ff", 255n],
  ])("differs between %s", (_, a, b) => {
    expect(canonical(a)).not.toBe(canonical(b));
  });

  test("differs between values that differ", () => {
    fc.assert(
      fc.property(anyTree, anyTree, (a, b) => {
        const same = (() => {
          try {
            expectSame(sortedDeep(a), sortedDeep(b));
            return true;
          } catch {
            return false;
          }
        })();
        expect(canonical(a) === canonical(b)).toBe(same);
      }),
      { numRuns: 500 },
    );
  });

  test("without being asked for, keeps keys in the order they were", () => {
    expect(Object.keys(roundTrip({ b: 1, a: 2, c: -0 }) as object)).toEqual(["b", "a", "c"]);
  });
});

describe("extensions", () => {
  class Point {
    readonly x: number;
    constructor(x: number) {
      this.x = x;
    }
  }
  const points: CodecExtension<Point, readonly [number]> = {
    kind: "point",
    match: (value) => value instanceof Point,
    lower: ({ x }) => [x],
    raise: ([x]) => new Point(x),
  };

  test("carry instances of classes, wherever they are", () => {
    const value = { list: [new Point(1)], map: new Map([[new Point(2), new Point(3)]]) };
    const bytes = encodeToBytes(value, { extensions: [points] });
    const back = decode(bytes, [points]) as typeof value;
    expect(back.list[0]).toBeInstanceOf(Point);
    expect([...back.map].flat().map(({ x }) => x)).toEqual([2, 3]);
  });

  test("carry what they lower to when that is no plain data", () => {
    const holders: CodecExtension = {
      kind: "holder",
      match: (value) => value instanceof Point,
      lower: () => new Map([["deep", new Date(1)]]),
      raise: (data) => data,
    };
    expectSame(decode(encodeToBytes([new Point(1)], { extensions: [holders] }), [holders]), [
      new Map([["deep", new Date(1)]]),
    ]);
  });

  test("keep identity: one instance stays one", () => {
    const point = new Point(1);
    const [a, b] = decode(encodeToBytes([point, point], { extensions: [points] }), [points]) as Point[];
    expect([a, b]).toEqual([new Point(1), new Point(1)]);
  });

  test("that are missing when decoding are an error by their kind", () => {
    const bytes = encodeToBytes([new Point(1)], { extensions: [points] });
    expect(() => decode(bytes)).toThrow(
      new CodecError("cannot decode a value: it holds a point, for which no codec is registered here"),
    );
  });

  test("that throw when decoding are a CodecError", () => {
    const broken: CodecExtension = {
      ...(points as CodecExtension),
      raise: () => {
        throw new Error("out of order");
      },
    };
    const bytes = encodeToBytes([new Point(1)], { extensions: [points] });
    expect(() => decode(bytes, [broken])).toThrow(new CodecError("cannot decode a value: out of order"));
  });
});

describe("what cannot be encoded", () => {
  class Socket {}
  test.each<[string, unknown, string, string]>([
    ["a function", { fn: () => 1 }, "value.fn", "the function fn"],
    ["a function without a name", [() => 1], "value[0]", "the function (anonymous)"],
    ["a class", { model: class Model {} }, "value.model", "the class Model"],
    ["a symbol", { s: Symbol("tag") }, "value.s", "the symbol tag"],
    ["an instance of a class", { socket: new Socket() }, "value.socket", "an instance of the class Socket"],
    ["a Promise", { result: Promise.resolve(1) }, "value.result", "a Promise; await it first"],
    ["a WeakMap", new WeakMap(), "value", "an instance of the class WeakMap"],
    ["shared memory", { m: new SharedArrayBuffer(1) }, "value.m", "shared memory; pass a copy of it"],
    [
      "a view on shared memory",
      new Uint8Array(new SharedArrayBuffer(1)),
      "value",
      "a view of shared memory; pass a copy of it, such as its slice()",
    ],
    ["a boxed primitive", { n: Object(1) }, "value.n", "an instance of the class Number"],
    ["a URL", { url: new URL("http://x") }, "value.url", "an instance of the class URL"],
  ])("%s is refused with its path", (_, value, path, what) => {
    expect(() => encode(value)).toThrow(
      expect.objectContaining({
        name: "CodecError",
        path,
        message: expect.stringContaining(`${path} is ${what}: that cannot be sent to another process`),
      }),
    );
  });

  test("is found at any depth, by a path as one would write it", () => {
    const value = { items: [0, { "a b": new Map([["k", new Set([{ deep: [Symbol.iterator] }])]]) }] };
    expect(() => encode(value, { name: "params" })).toThrow(
      'params.items[1]["a b"].get("k") element.deep[0] is the symbol Symbol.iterator',
    );
  });

  test("is found where a getter throws", () => {
    const value = {
      ok: 1,
      items: [
        {
          get lazy(): number {
            throw new RangeError("not yet");
          },
        },
      ],
    };
    expect(() => encode(value, { name: "params" })).toThrow(
      expect.objectContaining({
        name: "CodecError",
        path: "params.items[0].lazy",
        message: "params.items[0].lazy is a property whose getter threw: not yet",
      }),
    );
  });

  test("is found in the causes of errors", () => {
    expect(() => encode(new Error("a", { cause: { retry: () => 1 } }))).toThrow(
      "value.cause.retry is the function retry",
    );
  });

  test("is found in what extensions lower to", () => {
    const extension: CodecExtension = {
      kind: "k",
      match: (value) => value instanceof Socket,
      lower: () => ({ fn: () => 1 }),
      raise: (data) => data,
    };
    expect(() => encode([new Socket()], { extensions: [extension] })).toThrow("value[0].fn is the function fn");
  });

  test("is refused wherever it is put, and only then", () => {
    fc.assert(
      fc.property(anyTree, fc.array(anyKey, { maxLength: 4 }), (tree, path) => {
        const wrap = (core: unknown) =>
          path.reduce<unknown>(
            (inner, key, index) =>
              index % 2 === 0
                ? Object.fromEntries([
                    ["beside", tree],
                    [key, inner],
                  ])
                : [tree, inner],
            core,
          );
        expect(() => encode(wrap(tree))).not.toThrow();
        expect(() => encode(wrap(() => 1))).toThrow(CodecError);
      }),
      { numRuns: 300 },
    );
  });
});

/** Objects with their keys in order, so that only what matters is compared. */
function sortedDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedDeep);
  if (typeof value !== "object" || value === null) return value;
  const sorted = {};
  for (const key of Object.keys(value).sort()) {
    Object.defineProperty(sorted, key, {
      value: sortedDeep((value as Record<string, unknown>)[key]),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return sorted;
}
