import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

/** A stream of bytes: one of Node, one of the web, or a generator of Uint8Arrays. */
export type ByteStream = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;
