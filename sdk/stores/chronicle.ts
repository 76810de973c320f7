import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import { Packr } from "msgpackr";
import type { ChronicleEvent } from "../wire/chronicle.ts";
import { chronicleKey, chroniclePartition, contentObject } from "../wire/keys.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import type { Item } from "./control-table.ts";
import type { Stores } from "./stores.ts";

/** As long as the record of the run, in seconds. */
const KEPT_SECONDS = 30 * 24 * 3600;
/** A write unit of DynamoDB is a KB: pages below it gain nothing by being smaller. */
const WORTH_DEFLATING_BYTES = 1_000;
/** The fastest: events are so alike that more of it finds little more. */
const DEFLATE = { level: 1 };
/**
 * Larger pages lie in the object store, and the item only says where. A PUT of S3 costs as much as eight write units of
 * DynamoDB (`core/prices.ts`), and the item that points at it one more.
 */
const MAX_INLINE_BYTES = 8_000;

/** Events are alike: their shapes are written once a page. */
const packr = new Packr({ useRecords: true });

const deflate = promisify(deflateRaw) as (bytes: Uint8Array, options: object) => Promise<Buffer>;
const inflate = promisify(inflateRaw) as (bytes: Uint8Array) => Promise<Buffer>;

/** Writes what happens in a run, as one of its drivers: page after page. */
export class ChronicleWriter {
  readonly #stores: Stores;
  readonly #namespace: string;
  readonly #runId: string;
  readonly #epoch: number;
  #pages = 0;

  constructor(stores: Stores, namespace: string, runId: string, epoch: number) {
    this.#stores = stores;
    this.#namespace = namespace;
    this.#runId = runId;
    this.#epoch = epoch;
  }

  async append(events: readonly ChronicleEvent[]): Promise<void> {
    const plain = new Uint8Array(packr.pack(events));
    const isDeflated = plain.byteLength > WORTH_DEFLATING_BYTES;
    const bytes = isDeflated ? new Uint8Array(await deflate(plain, DEFLATE)) : plain;
    const item = {
      ...chronicleKey(this.#namespace, this.#runId, this.#epoch, this.#pages),
      f: PROTOCOL_VERSION,
      ttl: Math.floor(Date.now() / 1000) + KEPT_SECONDS,
      ...(isDeflated ? { z: 1 } : {}),
    };
    if (bytes.byteLength <= MAX_INLINE_BYTES) {
      await this.#stores.table.put({ ...item, e: bytes });
    } else {
      const object = contentObject(createHash("sha256").update(bytes).digest("hex"));
      await this.#stores.objects.put(object, { chunks: [bytes], byteLength: bytes.byteLength });
      await this.#stores.table.put({ ...item, o: object });
    }
    this.#pages += 1;
  }
}

/** Reads what has happened in a run, from its begin on: each call what is new. */
export class ChronicleReader {
  readonly #stores: Stores;
  readonly #partition: string;
  #after: string | undefined;

  constructor(stores: Stores, namespace: string, runId: string) {
    this.#stores = stores;
    this.#partition = chroniclePartition(namespace, runId);
  }

  async read(): Promise<ChronicleEvent[]> {
    const items = await this.#stores.table.query(
      this.#partition,
      this.#after === undefined ? {} : { after: this.#after },
    );
    const pages = await Promise.all(items.map((item) => this.#page(item)));
    this.#after = items.at(-1)?.sk ?? this.#after;
    return pages.flat();
  }

  async #page(item: Item): Promise<readonly ChronicleEvent[]> {
    refuseNewer(`the chronicle ${item.pk}`, item.f);
    const bytes = item.o === undefined ? (item.e as Uint8Array) : await this.#stores.objects.get(String(item.o));
    if (!bytes) throw new ObjectLostError(String(item.o), "is not in the object store");
    return packr.unpack(item.z ? await inflate(bytes) : bytes) as ChronicleEvent[];
  }
}

/** Forgets what happened in a run. */
export async function deleteChronicle(stores: Stores, namespace: string, runId: string): Promise<void> {
  const items = await stores.table.query(chroniclePartition(namespace, runId));
  await stores.table.deleteMany(items);
}
