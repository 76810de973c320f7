import { isUnregisteredClass } from "./classes.ts";
import { CodecError } from "./codec-error.ts";
import type { CodecExtensions } from "./extensions.ts";
import { type Encoded, FLAG_NODES, readFrame, writeFrame } from "./frame.ts";
import { packTree, unpackTree } from "./header.ts";
import { findUnsupported } from "./inspect.ts";
import { type Lowered, Lowering } from "./lower.ts";
import { Raising } from "./raise.ts";
import { type Scan, scan } from "./scan.ts";

interface EncodeOptions {
  /** How to call the value in errors. Default `value`. */
  readonly name?: string;
  /** Sort the keys of plain objects and share nothing, so that equal values give equal bytes. Default false. */
  readonly canonical?: boolean;
  readonly extensions?: CodecExtensions;
}

/** Parts that a value with shared objects may have when each is written out. */
const CANONICAL_LIMIT = 100_000;
const NOTHING: ReadonlySet<object> = new Set();

/**
 * Encodes a value of structured-clone kinds. Typed arrays and buffers stay where they are: the
 * chunks point at their memory, so it must not change until the chunks are written.
 *
 * @throws CodecError with the path of the first part that cannot be encoded.
 */
export function encode(value: unknown, options: EncodeOptions = {}): Encoded {
  const { name = "value", canonical = false, extensions = [] } = options;
  const found = scanned(value, name, options);
  if (found.unsupported) {
    const [issue] = findUnsupported(value, name, extensions, 1);
    throw new CodecError(
      `${issue.path} is ${issue.what}: that cannot be sent to another process. ` +
        "Allowed are plain objects, arrays, strings, numbers, bigints, booleans, null, undefined, Date, RegExp, Map, Set, " +
        "Error, ArrayBuffer, typed arrays, object refs, and instances of classes that registerCodec was called with",
      issue.path,
    );
  }
  if (found.plain) return writeFrame(0, packTree(value), []);
  if (canonical && found.shared.size > 0) {
    // Equal values give equal bytes, whether their parts are one object or two. A cycle cannot be written
    // out at each place, and what would become too long is not.
    const spread = new Lowering({ extensions, canonical, shared: NOTHING, limit: CANONICAL_LIMIT }).run(value);
    if (!spread.overLimit) return { ...framed(spread), spread: true };
  }
  return framed(new Lowering({ extensions, canonical, shared: found.shared }).run(value));
}

/** @throws CodecError that says where, when a getter of the value throws. */
function scanned(value: unknown, name: string, { extensions = [], canonical = false }: EncodeOptions): Scan {
  try {
    return scan(value, extensions, canonical);
  } catch (error) {
    const [issue] = findUnsupported(value, name, extensions, 1);
    if (!issue) throw error;
    throw new CodecError(`${issue.path} is ${issue.what}`, issue.path, { cause: error });
  }
}

const framed = ({ tree, hasNodes, buffers }: Lowered): Encoded =>
  writeFrame(hasNodes ? FLAG_NODES : 0, packTree(tree), buffers);

/**
 * Decodes what `encode` wrote. Typed arrays are windows on `bytes` where alignment allows it, so the
 * caller hands over `bytes` and does not decode the same memory twice for two owners.
 *
 * @throws CodecError when the bytes are no encoded value, were cut short or changed.
 */
export function decode(bytes: Uint8Array, extensions: CodecExtensions = []): unknown {
  const frame = readFrame(bytes);
  try {
    const hasNodes = (frame.flags & FLAG_NODES) !== 0;
    const tree = unpackTree(frame.tree, hasNodes);
    return hasNodes ? new Raising(extensions, frame.buffers).run(tree) : tree;
  } catch (error) {
    if (error instanceof CodecError || isUnregisteredClass(error)) throw error;
    throw new CodecError(`cannot decode a value: ${(error as Error).message}`, "", { cause: error });
  }
}

/** The chunks as one piece of memory; the chunk itself where there is only one. */
export function joinChunks(encoded: Encoded): Uint8Array {
  if (encoded.chunks.length === 1) return encoded.chunks[0];
  const whole = new Uint8Array(encoded.byteLength);
  let offset = 0;
  for (const chunk of encoded.chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** Encodes into one piece of memory; for values known to be small. */
export function encodeToBytes(value: unknown, options?: EncodeOptions): Uint8Array {
  return joinChunks(encode(value, options));
}
