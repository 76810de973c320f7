import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

/** A stream of bytes: one of Node, one of the web, or a generator of Uint8Arrays. */
export type ByteStream = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** What is loaded again of a value that was put: the bytes of a stream, and anything else as it was. */
export type Stored<T> = T extends ByteStream ? Uint8Array : T;
