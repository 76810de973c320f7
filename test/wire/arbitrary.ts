import fc from "fast-check";

/** Names that mean something to objects, to encoders or to paths, and strings that are no Unicode. */
export const anyKey: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "toJSON",
    "hasOwnProperty",
    "valueOf",
    "then",
    "length",
    "0",
    "01",
    "",
    "a b",
    "\ud800",
    "\udfff\ud800",
    "größe",
  ),
  fc.string({ maxLength: 5 }),
);

/** Strings of any UTF-16 code units, lone surrogates included. */
const anyString: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 20, unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 10 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("\u0000", "x".repeat(300), "é".repeat(70_000)),
);

const anyView: fc.Arbitrary<unknown> = fc
  .tuple(
    fc.uint8Array({ maxLength: 40 }),
    fc.nat({ max: 3 }),
    fc.constantFrom(
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
      DataView,
    ),
  )
  .map(([bytes, skipped, View]) => {
    const elementBytes = View === DataView ? 1 : (View as Uint8ArrayConstructor).BYTES_PER_ELEMENT;
    const whole = new Uint8Array(64 + 64);
    whole.set(bytes, skipped * elementBytes);
    const AnyView = View as unknown as Uint8ArrayConstructor;
    return new AnyView(whole.buffer, skipped * elementBytes, Math.floor(bytes.length / elementBytes));
  });

const anyError: fc.Arbitrary<unknown> = fc
  .tuple(anyString, fc.constantFrom(Error, TypeError, RangeError, SyntaxError, URIError, EvalError, ReferenceError))
  .map(([message, ErrorClass]) => new ErrorClass(message));

/** Values without anything inside. */
export const anyLeaf: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(null, undefined, true, false, 0, -0, Number.NaN, 2 ** 53, -(2 ** 31)),
  },
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
  { weight: 3, arbitrary: anyString },
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a+b/giu, /[/\]]\//, /(?:)/, /\ud83c/),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Uint8Array.from(bytes).buffer),
  anyView,
  anyError,
);

/** What a container holds, by index: of the leaves, or of the containers, its own owner included. */
type Place = { readonly leaf: number } | { readonly container: number };

type ContainerSpec = {
  readonly kind: "object" | "bare" | "array" | "sparse" | "match" | "map" | "set" | "error" | "aggregate";
  readonly inside: readonly { readonly key: string; readonly at: Place; readonly keyAt: Place }[];
};

const anyPlace = (leaves: number): fc.Arbitrary<Place> =>
  fc.oneof(fc.record({ leaf: fc.nat({ max: leaves - 1 }) }), fc.record({ container: fc.nat({ max: 11 }) }));

function build(leaves: readonly unknown[], specs: readonly ContainerSpec[]): unknown {
  const containers: object[] = specs.map(({ kind }) => {
    switch (kind) {
      case "object":
        return {};
      case "bare":
        return Object.create(null);
      case "map":
        return new Map();
      case "set":
        return new Set();
      case "error":
        return new Error("outer");
      case "aggregate":
        return new AggregateError([], "several");
      default:
        return [];
    }
  });
  const valueAt = (place: Place) =>
    "leaf" in place ? leaves[place.leaf] : containers[place.container % containers.length];
  specs.forEach(({ kind, inside }, index) => {
    const container = containers[index];
    inside.forEach(({ key, at, keyAt }, position) => {
      const value = valueAt(at);
      const define = (name: string) =>
        Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
      if (kind === "map") (container as Map<unknown, unknown>).set(valueAt(keyAt), value);
      else if (kind === "set") (container as Set<unknown>).add(value);
      else if (kind === "array") (container as unknown[]).push(value);
      else if (kind === "sparse") (container as unknown[])[position * 2 + 1] = value;
      else if (kind === "match") define(position % 2 === 0 || key === "length" ? String(position) : key);
      else if (kind === "error") (container as Error).cause = value;
      else if (kind === "aggregate") (container as AggregateError).errors.push(value);
      else define(key);
    });
  });
  return containers[0];
}

/** Graphs of containers of every kind: nested, shared and in circles. */
export const anyGraph: fc.Arbitrary<unknown> = fc.array(anyLeaf, { minLength: 1, maxLength: 8 }).chain((leaves) =>
  fc
    .array(
      fc.record({
        kind: fc.constantFrom(
          "object" as const,
          "bare" as const,
          "array" as const,
          "sparse" as const,
          "match" as const,
          "map" as const,
          "set" as const,
          "error" as const,
          "aggregate" as const,
        ),
        inside: fc.array(fc.record({ key: anyKey, at: anyPlace(leaves.length), keyAt: anyPlace(leaves.length) }), {
          maxLength: 5,
        }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((specs) => build(leaves, specs)),
);

/** Trees as JSON has them, with any keys: what the encoder takes as it is. */
export const anyTree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double(), anyKey),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(anyKey, tie("tree"), { maxKeys: 5 }),
    // Long enough that not all of it is looked at.
    fc.array(fc.nat(), { minLength: 30, maxLength: 35 }),
  ),
})).tree;
