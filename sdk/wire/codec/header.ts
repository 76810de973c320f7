import { addExtension, Packr } from "msgpackr";
import { CodecError } from "./codec-error.ts";
import { Node } from "./nodes.ts";

/** Application extension type of a {@link Node} in MessagePack. Part of the stored format. */
const NODE_EXTENSION = 0x53;

/**
 * Makes nodes of the copy of this library that is reading, or refuses them; set while a tree is read. Copies
 * in one process may share MessagePack and its one list of extensions, so this is shared, too.
 */
const READING = Symbol.for("stratolab.reading-node");
type MakeNode = (pair: [number, unknown]) => unknown;
const shared = globalThis as { [READING]?: MakeNode | undefined };

const refuse: MakeNode = () => {
  throw new CodecError("cannot decode a value: it holds nodes, and says that it holds none");
};
const make: MakeNode = ([tag, data]) => new Node(tag, data);

addExtension({
  Class: Node,
  type: NODE_EXTENSION,
  write: (node: Node) => [node.tag, node.data],
  read: (pair: [number, unknown]) => (shared[READING] ?? refuse)(pair),
});

// Records are off: their decoder compiles a function per shape, and stored data must never become
// code. Variable map sizes make the bytes the canonical, shortest MessagePack. A property named toJSON is
// data like any other.
const packr = new Packr({ useRecords: false, variableMapSize: true, mapsAsObjects: true, useToJSON: false });

/** The lowered tree as MessagePack. */
export function packTree(tree: unknown): Uint8Array {
  return packr.pack(tree);
}

/** The tree back from MessagePack; throws msgpackr's own error on bytes that are none. */
export function unpackTree(bytes: Uint8Array, withNodes: boolean): unknown {
  shared[READING] = withNodes ? make : refuse;
  try {
    return packr.unpack(bytes);
  } finally {
    shared[READING] = undefined;
  }
}
