import { addExtension, Packr } from "msgpackr";
import { CodecError } from "./codec-error.ts";
import { common, Node } from "./nodes.ts";

/** Application extension type of a {@link Node} in MessagePack. Part of the stored format. */
const NODE_EXTENSION = 0x53;

addExtension({
  Class: Node,
  type: NODE_EXTENSION,
  write: (node: Node) => [node.tag, node.data],
  read: (pair: [number, unknown]) => {
    if (!common.nodesAllowed)
      throw new CodecError("cannot decode a value: it holds nodes, and says that it holds none");
    return new Node(pair[0], pair[1]);
  },
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
  common.nodesAllowed = withNodes;
  try {
    return packr.unpack(bytes);
  } finally {
    common.nodesAllowed = false;
  }
}
