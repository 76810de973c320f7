/**
 * What msgpack has no word for is carried as a node: a tag and its data, already lowered. Tags are
 * part of the stored format: never renumber one, only add.
 */
export const Tag = {
  Reference: 0, // index into the table of shared values
  Undefined: 1, // unused by the encoder since msgpackr has its own; kept reserved
  NegativeZero: 2,
  BigInt: 3, // hexadecimal digits with sign
  Date: 4, // milliseconds, NaN for an invalid date
  RegExp: 5, // [source, flags]
  Map: 6, // [[key, value], …]
  Set: 7, // [value, …]
  Error: 8, // {name, message, stack?, cause?, errors?, properties?}
  ArrayBuffer: 9, // buffer index
  View: 10, // [view name, buffer index, byte offset, length in elements, true where others see the same memory]
  Array: 11, // sparse or with own properties: [length, [[key, value], …]]
  String: 12, // UTF-16 code units as bytes, for strings with lone surrogates
  Table: 13, // [root, [shared value, …]]
  Custom: 14, // [kind, data] of a codec extension
  Object: 15, // [[key, value], …] for keys that a msgpack map must not carry
} as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

/** A tagged value inside the lowered tree. */
class TaggedNode {
  readonly tag: number;
  readonly data: unknown;

  constructor(tag: number, data: unknown) {
    this.tag = tag;
    this.data = data;
  }
}

/**
 * What the copies of the codec in one process have in common, such as one in a script and one in the
 * library that it tests: msgpackr knows one reader of nodes a process, whichever copy it is of.
 */
interface Common {
  readonly Node: typeof TaggedNode;
  /** Set while a tree is read that may hold nodes. */
  nodesAllowed: boolean;
}

const COMMON = Symbol.for("stratolab.codec.1");
const commons = globalThis as unknown as Record<symbol, Common | undefined>;
commons[COMMON] ??= { Node: TaggedNode, nodesAllowed: false };

export const common: Common = commons[COMMON];
export const Node = common.Node;
export type Node = TaggedNode;
