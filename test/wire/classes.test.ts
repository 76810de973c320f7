import { describe, expect, test, vi } from "vitest";
import { registerCodec } from "../../sdk/wire/codec/classes.ts";
import { decode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import { inspectSerializability } from "../../sdk/wire/codec/inspect.ts";
import { valueExtensions } from "../../sdk/wire/value-extensions.ts";

class Polygon {
  readonly points: Float64Array;
  readonly label: unknown;
  constructor(points: Float64Array, label: unknown = "") {
    this.points = points;
    this.label = label;
  }
  get size() {
    return this.points.length / 2;
  }
}
registerCodec(Polygon, {
  encode: ({ points, label }) => ({ points, label }),
  decode: ({ points, label }) => new Polygon(points, label),
  version: 3,
});

class Registry extends Map<string, number> {}
registerCodec(Registry, { encode: (it) => [...it], decode: (entries) => new Registry(entries), name: "test.Registry" });

class Broken {}
registerCodec(Broken, {
  encode: () => {
    throw new Error("no ink");
  },
  decode: () => new Broken(),
});

const extensions = valueExtensions();
const bytesOf = (value: unknown, canonical = false) => encodeToBytes(value, { extensions, canonical });
const roundTrip = <T>(value: T) => decode(bytesOf(value), extensions) as T;

describe("instances of classes with a codec", () => {
  test("come back as such, wherever they are, and stay one where they were one", () => {
    const polygon = new Polygon(Float64Array.of(1, 2, 3, 4), new Map([["k", 1n]]));
    const back = roundTrip({ list: [polygon], map: new Map([[polygon, new Registry([["a", 1]])]]) });
    expect(back.list[0]).toBeInstanceOf(Polygon);
    expect(back.list[0]).toEqual(polygon);
    expect(back.list[0].size).toBe(2);
    expect([...back.map.keys()][0]).toBe(back.list[0]);
    expect([...back.map.values()][0]).toBeInstanceOf(Registry);
  });

  test("may hold each other, and arrays in them are windows on what was read", () => {
    const inner = new Polygon(new Float64Array(1_000));
    const bytes = bytesOf(new Polygon(Float64Array.of(1), [inner, inner]));
    const back = decode(bytes, extensions) as Polygon;
    const [a, b] = back.label as Polygon[];
    expect(a).toBe(b);
    expect(a.points.buffer).toBe(bytes.buffer);
  });

  test("are part of the canonical form with name, version and content", () => {
    const hex = (value: unknown) => Buffer.from(bytesOf(value, true)).toString("hex");
    const points = Float64Array.of(1, 2);
    expect(hex({ a: new Polygon(points), b: 1 })).toBe(hex({ b: 1, a: new Polygon(points) }));
    expect(hex(new Polygon(points))).not.toBe(hex(new Polygon(Float64Array.of(1, 3))));
    expect(hex(new Polygon(points))).not.toBe(hex({ points, label: "" }));
  });

  test("that hold themselves are refused by name", () => {
    const labels: unknown[] = [];
    const polygon = new Polygon(new Float64Array(0), labels);
    labels.push({ owner: polygon });
    expect(() => bytesOf([polygon])).toThrow("an instance of the class Polygon holds itself");
    // A circle that closes elsewhere is one like any other.
    const owner: { polygon?: Polygon } = {};
    owner.polygon = new Polygon(new Float64Array(0), owner);
    const back = roundTrip(owner);
    expect(back.polygon?.label).toBe(back);
  });
});

describe("a class without a codec", () => {
  class Unknown {}
  class Square extends Polygon {}

  test.each([
    ["no codec at all", new Unknown(), "Unknown"],
    ["a codec of its superclass only", new Square(new Float64Array(1)), "Square"],
  ])("is refused with its path, and told how to get one: %s", (_, value, name) => {
    expect(() => bytesOf({ list: [value] })).toThrow(
      new RegExp(`value\\.list\\[0\\] is an instance of the class ${name}: .*registerCodec`),
    );
  });

  test("is named when decoding where it is not known, and so is another version", async () => {
    const bytes = bytesOf([new Polygon(new Float64Array(1))]);
    vi.resetModules();
    const other = await import("../../sdk/wire/codec/classes.ts");
    const { decode: decodeThere } = await import("../../sdk/wire/codec/codec.ts");
    expect(() => decodeThere(bytes, [other.registeredClasses])).toThrow(
      expect.objectContaining({
        kind: "unregistered-class",
        message: expect.stringContaining("registerCodec(Polygon"),
      }),
    );
    other.registerCodec(Polygon, { encode: () => 0, decode: () => new Polygon(new Float64Array(0)), version: 4 });
    expect(() => decodeThere(bytes, [other.registeredClasses])).toThrow(
      "encoded by version 3 of its codec, and version 4 is registered here",
    );
  });
});

describe("inspectSerializability", () => {
  test("looks into instances, and names codecs that throw", () => {
    const value = { a: new Polygon(new Float64Array(0), { fn: () => 1 }), b: [new Broken()] };
    expect(inspectSerializability(value)).toEqual([
      { path: "value.b[0]", what: "an instance of the class Broken, whose codec threw: no ink" },
      { path: "value.a.label.fn", what: "the function fn" },
    ]);
    expect(() => bytesOf(value.b)).toThrow(CodecError);
  });
});

describe("registerCodec", () => {
  const codec = { encode: () => 0, decode: () => ({}) };
  test.each<[string, unknown, unknown, string]>([
    ["no class", () => 1, codec, "registerCodec needs a class"],
    ["a class without a name", class {}, codec, "needs a name"],
    ["no decode", class A {}, { encode: () => 0 }, "decode must be a function, got undefined"],
    ["no codec", class A {}, undefined, "encode must be a function, got undefined"],
    ["a version that is none", class A {}, { ...codec, version: 0.5 }, "whole number, at least 1, got 0.5"],
    ["the name of another class", class A {}, { ...codec, name: "Polygon" }, "another class of that name"],
  ])("refuses %s", (_, Class, given, message) => {
    expect(() => registerCodec(Class as never, given as never)).toThrow(message);
  });
});
