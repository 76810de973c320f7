import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { pack, unpack } from "msgpackr";
import type { ItemKey } from "../../wire/keys.ts";
import {
  type Attribute,
  type Condition,
  type ConditionalWrite,
  type ControlTable,
  holds,
  type Item,
  type MergeResult,
  putOneByOne,
  type QueryOptions,
  type WriteResult,
} from "../control-table.ts";

/** Requests on their way at once. */
const LANES = 64;
/** A write that always finds that somebody else was faster is given up. */
const MOST_ROUNDS = 50;
const LONGEST_PAUSE_MS = 500;

interface Found {
  readonly item: Item;
  readonly etag: string;
}

const statusOf = (error: unknown) => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** Characters of partition keys that need no second thought in a key of S3; of others the bytes, one by one. */
const escaped = (text: string) =>
  [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w.#-]/.test(character) ? character : `=${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
const unescaped = (text: string) =>
  Buffer.from(
    text.replace(/=([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();

/** Sort keys in hexadecimal: S3 lists keys by their bytes, and so items come in the order of theirs. */
const hex = (text: string) => Buffer.from(text).toString("hex");

/**
 * The control table in S3, an object each item: for labs on several machines that share a bucket and no stack. What
 * has to be decided is decided by S3's conditional writes: `If-None-Match` for what must not be there,
 * `If-Match` for what must still be what was read. Each read of an item is a request, so a look-up of ten thousand
 * keys takes seconds where DynamoDB takes a hundred requests.
 */
export class S3ControlTable implements ControlTable {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(client: S3Client, bucket: string, prefix: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  #target({ pk, sk }: ItemKey) {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${escaped(pk)}/${hex(sk)}` };
  }

  #keyOf(objectKey: string): ItemKey {
    const [pk = "", sk = ""] = objectKey.slice(this.#prefix.length).split("/");
    return { pk: unescaped(pk), sk: Buffer.from(sk, "hex").toString() };
  }

  async #find(key: ItemKey): Promise<Found | undefined> {
    try {
      const { Body: body, ETag: etag = "" } = await this.#client.send(new GetObjectCommand(this.#target(key)));
      const attributes = unpack(await (body as NonNullable<typeof body>).transformToByteArray());
      return { item: { ...attributes, pk: key.pk, sk: key.sk }, etag };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    return (await this.#find(key))?.item;
  }

  getMany(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    return inLanes(keys, (key) => this.get(key));
  }

  async put(item: Item): Promise<void> {
    await this.#write(item, {});
  }

  /** False where the condition does not hold, or not any more. */
  async #write(item: Item, condition: { IfNoneMatch?: "*"; IfMatch?: string }): Promise<boolean> {
    const { pk: _pk, sk: _sk, ...attributes } = item;
    try {
      await this.#client.send(
        new PutObjectCommand({ ...this.#target(item), ...condition, Body: pack(plainAttributes(attributes)) }),
      );
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      return false;
    }
  }

  putIf(item: Item, condition: Condition): Promise<WriteResult> {
    return this.#decide(item, async (found): Promise<WriteResult | undefined> => {
      if (!holds(condition, found?.item)) return { written: false, existing: found?.item };
      return (await this.#write(item, found ? { IfMatch: found.etag } : { IfNoneMatch: "*" }))
        ? { written: true }
        : undefined;
    });
  }

  putInOrder(writes: readonly ConditionalWrite[]): Promise<WriteResult[]> {
    return putOneByOne(this, writes);
  }

  async merge(key: ItemKey, attributes: Readonly<Record<string, Attribute>>): Promise<Item | undefined> {
    const merged = await this.#merge(key, attributes, () => true);
    return merged.written ? merged.item : undefined;
  }

  mergeIf(
    key: ItemKey,
    attributes: Readonly<Record<string, Attribute>>,
    condition: Condition & { readonly when: "equals" },
  ): Promise<MergeResult> {
    return this.#merge(key, attributes, (item) => holds(condition, item));
  }

  addTo({ pk, sk }: ItemKey, attributes: Readonly<Record<string, Attribute>>, once: string): Promise<MergeResult> {
    return this.#decide({ pk, sk }, async (found): Promise<MergeResult | undefined> => {
      if (found && once in found.item) return { written: false, existing: found.item };
      const item: Item = { ...found?.item, ...attributes, pk, sk };
      const isUnchanged = found ? { IfMatch: found.etag } : { IfNoneMatch: "*" as const };
      return (await this.#write(item, isUnchanged)) ? { written: true, item } : undefined;
    });
  }

  #merge(
    { pk, sk }: ItemKey,
    attributes: Readonly<Record<string, Attribute>>,
    may: (item: Item) => boolean,
  ): Promise<MergeResult> {
    return this.#decide({ pk, sk }, async (found): Promise<MergeResult | undefined> => {
      if (!found || !may(found.item)) return { written: false, existing: found?.item };
      const item: Item = { ...found.item, ...attributes, pk, sk };
      return (await this.#write(item, { IfMatch: found.etag })) ? { written: true, item } : undefined;
    });
  }

  async deleteMany(keys: readonly ItemKey[]): Promise<void> {
    await inLanes(keys, (key) => this.#client.send(new DeleteObjectCommand(this.#target(key))));
  }

  deleteIf(key: ItemKey, condition: Condition): Promise<boolean> {
    return this.#decide(key, async (found): Promise<boolean | undefined> => {
      if (!found || !holds(condition, found.item)) return false;
      try {
        await this.#client.send(new DeleteObjectCommand({ ...this.#target(key), IfMatch: found.etag }));
        return true;
      } catch (error) {
        if (!isConflict(error)) throw error;
        return undefined;
      }
    });
  }

  /** Reads, decides and writes, until nobody else has written in between. */
  async #decide<T>(key: ItemKey, attempt: (found: Found | undefined) => Promise<T | undefined>): Promise<T> {
    for (let round = 1; round <= MOST_ROUNDS; round++) {
      const result = await attempt(await this.#find(key));
      if (result !== undefined) return result;
      const longestMs = Math.min(LONGEST_PAUSE_MS, 5 * 2 ** round);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
    }
    throw new Error(`S3: others changed ${key.pk} ${MOST_ROUNDS} times while it was to be changed`);
  }

  async query(pk: string, { after, before, limit }: QueryOptions = {}): Promise<Item[]> {
    const partition = `${this.#prefix}${escaped(pk)}/`;
    const items: Item[] = [];
    for await (const page of this.#pages(partition, after === undefined ? undefined : partition + hex(after), limit)) {
      const inside = before === undefined ? page : page.filter(({ sk }) => sk < before);
      items.push(...inside);
      if (inside.length < page.length) break;
      if (limit !== undefined && items.length >= limit) break;
    }
    return limit === undefined ? items : items.slice(0, limit);
  }

  async *scan(pkPrefix: string): AsyncIterable<Item> {
    for await (const page of this.#pages(this.#prefix + escaped(pkPrefix), undefined, undefined)) yield* page;
  }

  async *#pages(prefix: string, after: string | undefined, limit: number | undefined): AsyncIterable<Item[]> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      {
        Bucket: this.#bucket,
        Prefix: prefix,
        ...(after === undefined ? {} : { StartAfter: after }),
        ...(limit === undefined ? {} : { MaxKeys: limit }),
      },
    );
    for await (const { Contents: contents = [] } of pages) {
      const items = await inLanes(contents, ({ Key: key }) => this.get(this.#keyOf(key as string)));
      // What was deleted meanwhile is not there any more.
      yield items.filter((item) => item !== undefined);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }
}

/** 412: the condition does not hold; 409: another conditional write was under way; 404: it was deleted meanwhile. */
const isConflict = (error: unknown) => [404, 409, 412].includes(statusOf(error) ?? 0);

/** A Buffer would be packed as one, and come back as what its memory is a part of. */
const plainAttributes = (attributes: Readonly<Record<string, Attribute>>) =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]),
  );

async function inLanes<T, R>(all: readonly T[], each: (one: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(all.length);
  const next = all.entries();
  const lanes = Array.from({ length: Math.min(LANES, all.length) }, async () => {
    for (const [index, one] of next) results[index] = await each(one);
  });
  await Promise.all(lanes);
  return results;
}
