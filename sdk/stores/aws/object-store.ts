import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { joinChunks } from "../../wire/codec/codec.ts";
import type { Encoded } from "../../wire/codec/frame.ts";
import { keyNamed, type ObjectName, type ObjectStore, type StoredObject } from "../object-store.ts";
import { reuse } from "../reuse.ts";

/** Objects above this size travel in parts, several at once; S3 gives one connection about 90 MB/s. */
const PART_BYTES = 16 * 1024 * 1024;
const PARALLEL_PARTS = 4;
/** Of a stream, whose parts are copies: two are in memory. S3 takes 10,000 parts, here 80 GB. */
const STREAMED_PART_BYTES = 8 * 1024 * 1024;
const STREAMED_PARTS = 2;
const DELETE_BATCH = 1_000;
/** What S3 copies in one request. */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

const statusOf = (error: unknown) => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** The object store in S3. */
export class S3ObjectStore implements ObjectStore {
  readonly isRemote = true;
  readonly #client: S3Client;
  readonly #bucket: string;

  readonly #sweepEnded: () => Promise<boolean>;

  /** @param sweepEnded Waits for a clean-up that is deleting objects; false where none is. */
  constructor(client: S3Client, bucket: string, sweepEnded: () => Promise<boolean>) {
    this.#client = client;
    this.#bucket = bucket;
    this.#sweepEnded = sweepEnded;
  }

  async put(name: ObjectName, content: Encoded): Promise<undefined> {
    const key = await keyNamed(name);
    // `If-None-Match: *` keeps the first of two writers, so an object never changes under a reader.
    while (!(await this.#write(key, content, { IfNoneMatch: "*" }))) {
      const isThere = await this.#reuse(key, ({ bytes }) =>
        bytes > MAX_COPY_BYTES ? this.#write(key, content, {}) : this.#copyOntoItself(key),
      );
      if (isThere) return undefined;
    }
    return undefined;
  }

  /** False where the condition does not hold. */
  async #write(key: string, content: Encoded, condition: { IfNoneMatch?: "*" }): Promise<boolean> {
    try {
      const target = { Bucket: this.#bucket, Key: key, ...condition };
      if (content.byteLength <= PART_BYTES) {
        await this.#client.send(new PutObjectCommand({ ...target, Body: joinChunks(content) }));
        return true;
      }
      const body = Readable.from(pieces(content.chunks), { objectMode: false });
      await this.#upload(target, body, PART_BYTES, PARALLEL_PARTS);
      return true;
    } catch (error) {
      if (statusOf(error) !== 412) throw error;
      return false;
    }
  }

  /** In parts; what was sent of an upload that fails is removed. */
  async #upload(
    target: { Bucket: string; Key: string },
    body: Readable,
    partSize: number,
    queueSize: number,
  ): Promise<void> {
    const { Upload } = await import("@aws-sdk/lib-storage");
    const params = { ...target, Body: body };
    await new Upload({ client: this.#client, params, partSize, queueSize }).done();
  }

  async putStream(key: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const body = Readable.from(content, { objectMode: false });
    await this.#upload({ Bucket: this.#bucket, Key: key }, body, STREAMED_PART_BYTES, STREAMED_PARTS);
  }

  touch(key: string): Promise<boolean> {
    return this.#reuse(key, () => this.#copyOntoItself(key));
  }

  #reuse(key: string, refresh: (found: StoredObject) => Promise<boolean>): Promise<boolean> {
    return reuse({ stat: () => this.stat(key), refresh, sweepEnded: this.#sweepEnded });
  }

  /** The only way to make an object of S3 young that needs no content; false where there is none. */
  async #copyOntoItself(key: string): Promise<boolean> {
    try {
      await this.#client.send(
        new CopyObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          CopySource: `${this.#bucket}/${encodeURI(key)}`,
          // A copy onto itself has to change something.
          MetadataDirective: "REPLACE",
        }),
      );
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#read(key);
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async #read(key: string): Promise<Uint8Array> {
    const source = { Bucket: this.#bucket, Key: key };
    const first = await this.#client
      .send(new GetObjectCommand({ ...source, Range: `bytes=0-${PART_BYTES - 1}` }))
      .catch((error) => {
        // An empty object has no byte 0.
        if (statusOf(error) === 416) return undefined;
        throw error;
      });
    if (!first) return new Uint8Array(0);
    const total = Number(first.ContentRange?.split("/")[1] ?? first.ContentLength ?? 0);
    const bytes = Buffer.allocUnsafeSlow(total);
    await fill(bytes, 0, first.Body as Readable);
    const starts: number[] = [];
    for (let start = PART_BYTES; start < total; start += PART_BYTES) starts.push(start);
    const next = starts.values();
    const lanes = Array.from({ length: Math.min(PARALLEL_PARTS, starts.length) }, async () => {
      for (const start of next) {
        const end = Math.min(start + PART_BYTES, total) - 1;
        const part = await this.#client.send(new GetObjectCommand({ ...source, Range: `bytes=${start}-${end}` }));
        await fill(bytes, start, part.Body as Readable);
      }
    });
    await Promise.all(lanes);
    return bytes;
  }

  getStart(key: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.getRange(key, 0, maxBytes);
  }

  async getRange(key: string, start: number, bytes: number): Promise<Uint8Array | undefined> {
    try {
      const source = { Bucket: this.#bucket, Key: key, Range: `bytes=${start}-${start + bytes - 1}` };
      const { Body: body } = await this.#client.send(new GetObjectCommand(source));
      return await (body as NonNullable<typeof body>).transformToByteArray();
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      // It has no such bytes; an empty object has no byte 0.
      if (statusOf(error) === 416) return new Uint8Array(0);
      throw error;
    }
  }

  async has(key: string): Promise<boolean> {
    return (await this.stat(key)) !== undefined;
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    try {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return { key, bytes: head.ContentLength ?? 0, modifiedAtMs: head.LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += DELETE_BATCH) {
      const Objects = keys.slice(start, start + DELETE_BATCH).map((Key) => ({ Key }));
      await this.#client.send(new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }));
    }
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const page of paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix },
    )) {
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        yield { key: Key as string, bytes: Size ?? 0, modifiedAtMs: LastModified?.getTime() ?? 0 };
      }
    }
  }
}

/** Chunks in pieces that an upload of parts can take without a copy of the whole. */
function* pieces(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += PART_BYTES) yield chunk.subarray(start, start + PART_BYTES);
  }
}

async function fill(target: Uint8Array, at: number, body: Readable): Promise<void> {
  let offset = at;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    target.set(piece, offset);
    offset += piece.byteLength;
  }
}
