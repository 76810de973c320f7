import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode } from "../../sdk/wire/codec/codec.ts";
import { inspectSerializability } from "../../sdk/wire/codec/inspect.ts";
import { anyGraph } from "./arbitrary.ts";

class Socket {}

describe("inspectSerializability", () => {
  test.each([
    ["plain data", { a: [1, "x", null, undefined, 1n, new Date(), /x/, new Map(), new Set(), Buffer.from("x")] }],
    ["an error with a cause", new Error("a", { cause: new AggregateError([new Error("b")]) })],
    ["typed arrays", [new Float64Array(1), new DataView(new ArrayBuffer(1))]],
    ["a function's absence", undefined],
  ])("has nothing to say against %s", (_, value) => {
    expect(inspectSerializability(value)).toEqual([]);
  });

  test("lists every part that cannot be sent, outermost first", () => {
    const value = {
      fit: () => 1,
      layers: [{ activation: Symbol("relu") }, { socket: new Socket() }],
      pending: Promise.resolve(),
      Model: class Model {},
    };
    expect(inspectSerializability(value)).toEqual([
      { path: "value.fit", what: "the function fit" },
      { path: "value.pending", what: "a Promise; await it first" },
      { path: "value.Model", what: "the class Model" },
      { path: "value.layers[0].activation", what: "the symbol relu" },
      { path: "value.layers[1].socket", what: "an instance of the class Socket" },
    ]);
  });

  test.each<[string, unknown, string]>([
    ["a key that is no name", { "a b": Socket }, 'value["a b"]'],
    ["a key with quotes", { 'a"b': Socket }, 'value["a\\"b"]'],
    ["an element of an array", [[Socket]], "value[0][0]"],
    ["a property of an array", Object.assign([1], { extra: Socket }), "value.extra"],
    ["an element behind a hole", Object.assign(new Array(3), { 2: Socket }), "value[2]"],
    ["a value of a Map", new Map([["key", Socket]]), 'value.get("key")'],
    ["a value of a Map under an object", new Map([[{}, Socket]]), "value.get(…)"],
    ["a key of a Map", new Map([[Socket, 1]]), "value key"],
    ["a value of a Map under a number", new Map([[7, Socket]]), 'value.get("7")'],
    ["an element of a Set", new Set([Socket]), "value element"],
    ["the cause of an error", new Error("x", { cause: Socket }), "value.cause"],
    ["one of several errors", new AggregateError([Socket]), "value.errors[0]"],
  ])("names %s as one would write it", (_, value, path) => {
    expect(inspectSerializability(value)).toEqual([{ path, what: "the class Socket" }]);
  });

  test("lists what a getter that throws keeps to itself, beside the rest", () => {
    const value = {
      get lazy(): number {
        throw new RangeError("not yet");
      },
      fit: () => 1,
    };
    expect(inspectSerializability(value)).toEqual([
      { path: "value.lazy", what: "a property whose getter threw: not yet" },
      { path: "value.fit", what: "the function fit" },
    ]);
  });

  test("calls the value as it is told to", () => {
    expect(inspectSerializability(Socket, "params")).toEqual([{ path: "params", what: "the class Socket" }]);
  });

  test("names a part once that occurs twice, and ends in circles", () => {
    const socket = new Socket();
    const value: unknown[] = [socket, socket];
    value.push(value);
    expect(inspectSerializability(value)).toHaveLength(1);
  });

  test("stops after a hundred", () => {
    expect(inspectSerializability(Array.from({ length: 1_000 }, () => () => 1))).toHaveLength(100);
  });

  test("looks into values of any depth", () => {
    let value: unknown = Socket;
    for (let depth = 0; depth < 20_000; depth++) value = [value];
    const [{ path }] = inspectSerializability(value);
    expect(path).toBe(`value${"[0]".repeat(20_000)}`);
  });

  test("finds something exactly where encoding refuses", () => {
    const parts = fc.constantFrom<unknown>(() => 1, Symbol("s"), new Socket(), 1, "plain", Object(1), new WeakSet());
    fc.assert(
      fc.property(anyGraph, fc.array(parts, { maxLength: 3 }), (graph, extra) => {
        const value = [graph, { extra }];
        const issues = inspectSerializability(value);
        if (issues.length === 0) expect(() => encode(value)).not.toThrow();
        else expect(() => encode(value)).toThrow(issues[0].path);
      }),
      { numRuns: 300 },
    );
  });
});
