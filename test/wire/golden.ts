/** Values whose encoded form is kept in `golden/`, one file each. Add to them; never change one. */
export const GOLDEN: Readonly<Record<string, () => unknown>> = {
  plain: () => ({
    text: "grüße 🌍",
    numbers: [0, 1, -1, 127, 128, 255, 256, 65_536, 2 ** 32, -(2 ** 31), 0.5, 1e300],
    truths: [true, false, null, undefined],
    nested: { list: [[], {}, [{ deep: "x" }]] },
  }),
  nothing: () => undefined,
  text: () => "x".repeat(40),
  numbers: () => [-0, Number.NaN, Number.POSITIVE_INFINITY, 0n, -255n, 2n ** 70n],
  dates: () => [new Date(0), new Date(1_700_000_000_000), new Date(Number.NaN)],
  patterns: () => [/a+b/giu, /[/]/],
  maps: () =>
    new Map<unknown, unknown>([
      ["a", new Map([[1, 2]])],
      [{ key: true }, null],
    ]),
  sets: () => new Set<unknown>(["a", 1, new Set()]),
  surrogates: () => ({ "\ud800": "\udfff" }),
  prototype: () => JSON.parse('{"__proto__":1,"constructor":2}'),
  sparse: () => Object.assign(new Array(5), { 1: "one", 3: undefined }),
  match: () => Object.assign(["yx"], { index: 0, input: "yx", groups: undefined }),
  errors: () => {
    const error = new TypeError("outer", { cause: new AggregateError([new Error("inner")], "several") });
    const named = Object.assign(new Error("n"), { name: "NetworkError" });
    for (const each of [error, error.cause, (error.cause as AggregateError).errors[0], named]) each.stack = "a stack";
    return [error, named];
  },
  views: () => ({
    bytes: Uint8Array.of(1, 2, 3),
    clamped: Uint8ClampedArray.of(4),
    shorts: Int16Array.of(-1),
    floats: Float64Array.of(1.5, -0, Math.PI),
    big: BigUint64Array.of(2n ** 64n - 1n),
    data: new DataView(Uint8Array.of(7, 8).buffer),
    buffer: Buffer.from("buffer"),
    memory: Uint8Array.of(9).buffer,
  }),
  "every-view": () => {
    const numbers = [0, 1, 2, 250];
    const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array];
    return {
      whole: kinds.map((Kind) => Kind.from(numbers)),
      floats: [Float32Array.of(0.5, Number.NaN, -0), Float64Array.of(0.1, Number.NEGATIVE_INFINITY, -0)],
      bigs: [BigInt64Array.of(-(2n ** 63n), 1n), BigUint64Array.of(2n ** 64n - 1n)],
      windows: [new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2), Uint16Array.of(1, 2, 3).subarray(1)],
      empty: [new Float64Array(), new ArrayBuffer(0), Buffer.alloc(0)],
    };
  },
  "shared-memory": () => {
    const memory = new ArrayBuffer(16);
    new Uint8Array(memory).fill(7);
    return [new Float64Array(memory), new Uint8Array(memory, 4, 8)];
  },
  circles: () => {
    const self: Record<string, unknown> = { name: "self", list: [] };
    (self.list as unknown[]).push(self, new Map([[self, self]]));
    return self;
  },
  deep: () => {
    let value: unknown = "core";
    for (let depth = 0; depth < 450; depth++) value = [value];
    return value;
  },
};
