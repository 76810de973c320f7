import { depthOfHeader, type ItemKey, isPackHeader, KEYED_HEADER, LISTED_HEADER } from "../wire/keys.ts";
import type { ControlTable, Item } from "./control-table.ts";
import { NARROW_PART, narrowPacksOf, WIDE_PACKS } from "./pack-range.ts";
import type { ResultRecord } from "./result-items.ts";
import { recordsOf } from "./result-pack.ts";

/** A result, and the pack that it lies in. */
export interface PackedRecord {
  readonly record: ResultRecord;
  readonly pack: ItemKey;
}

/** What one partition holds. */
export interface PackPartition {
  /** By cache key; several where a task was executed more than once. */
  readonly byKey: ReadonlyMap<string, readonly PackedRecord[]>;
  /** How many results there are. */
  readonly count: number;
  /** About how much is read to see them. */
  readonly bytes: number;
  /** What all results need of that, beside what is of their packs as wholes. */
  readonly bytesOfRows: number;
  /** There may be results of this type under their own keys, too. */
  readonly hasKeyed: boolean;
  /** This type is in the list of all types. */
  readonly isListed: boolean;
  /** By how many digits of keys there are other partitions of this type. */
  readonly depths: readonly number[];
}

/** What an item has beside its rows, in bytes: keys, run, names of attributes. */
const ITEM_BYTES = 200;
/** So many results are remembered of what was read last. One takes about 1 KB of memory. */
const MOST_REMEMBERED = 50_000;
/** Partitions of which what was read for one key is remembered. */
const MOST_PARTS = 100;
/** Partitions that are read at once. */
const LANES = 8;

interface Read {
  readonly at: number;
  readonly found: Promise<PackPartition>;
  /** How many results; 0 until it is known. */
  count: number;
}

interface Part {
  readonly at: number;
  readonly key: string;
  readonly found: Promise<PackPartition>;
}

/** Reads partitions of packs as wholes, or as much as is needed for one key, and remembers for a while the ones that it has read last. */
export class PackPartitions {
  readonly #table: Pick<ControlTable, "query">;
  /** What was read last of a partition, in search of one key. */
  readonly #parts = new Map<string, Part>();
  /** In the order in which they were read. */
  readonly #known = new Map<string, Read>();
  #remembered = 0;

  constructor(table: Pick<ControlTable, "query">) {
    this.#table = table;
  }

  /** @param maxAgeMs What was read so long ago, in milliseconds, is not read again, if it is still remembered. */
  read(partition: string, maxAgeMs: number): Promise<PackPartition> {
    const known = this.#known.get(partition);
    if (known && Date.now() - known.at < maxAgeMs) return known.found;
    this.forget(partition);
    const read: Read = { at: Date.now(), found: this.#read(partition), count: 0 };
    this.#known.set(partition, read);
    read.found.then(
      ({ count }) => this.#remember(partition, read, count),
      // What failed is asked for again.
      () => this.#known.get(partition) === read && this.forget(partition),
    );
    return read.found;
  }

  /**
   * The part of a partition that may have a key: of all others only some of the results, and sizes as that part lets
   * expect them.
   *
   * @param depth Digits that all keys of the partition have in common.
   */
  readFor(partition: string, key: string, depth: number, maxAgeMs: number): Promise<PackPartition> {
    const narrow = narrowPacksOf(key, depth);
    const whole = this.#known.get(partition);
    if (!narrow || (whole && Date.now() - whole.at < maxAgeMs)) return this.read(partition, maxAgeMs);
    const last = this.#parts.get(partition);
    if (last?.key === key && Date.now() - last.at < maxAgeMs) return last.found;
    const queries = [WIDE_PACKS, narrow].map((range) => this.#table.query(partition, range));
    const found = Promise.all(queries).then(([wide, near]) => toPartition([...wide, ...near], near.length));
    this.#parts.set(partition, { at: Date.now(), key, found });
    if (this.#parts.size > MOST_PARTS) this.#parts.delete(this.#parts.keys().next().value as string);
    return found;
  }

  /** The same as `read` for many, some at once: each is seen as it comes, so that they need not be in memory together. */
  async readAll(
    partitions: readonly string[],
    maxAgeMs: number,
    see: (found: PackPartition, index: number) => void,
  ): Promise<void> {
    const next = partitions.entries();
    const lanes = Array.from({ length: Math.min(LANES, partitions.length) }, async () => {
      for (const [index, partition] of next) see(await this.read(partition, maxAgeMs), index);
    });
    await Promise.all(lanes);
  }

  /** It has changed. */
  forget(partition: string): void {
    this.#parts.delete(partition);
    this.#remembered -= this.#known.get(partition)?.count ?? 0;
    this.#known.delete(partition);
  }

  #remember(partition: string, read: Read, count: number): void {
    if (this.#known.get(partition) !== read) return;
    read.count = count;
    this.#remembered += count;
    for (const [oldest, { count: size }] of this.#known) {
      if (this.#remembered <= MOST_REMEMBERED) return;
      if (size > 0 && oldest !== partition) this.forget(oldest);
    }
  }

  async #read(partition: string): Promise<PackPartition> {
    return toPartition(await this.#table.query(partition), 0);
  }
}

/** @param sampled So many of the last items stand for what there is of their kind. */
function toPartition(items: readonly Item[], sampled: number): PackPartition {
  const byKey = new Map<string, PackedRecord[]>();
  let [count, bytesOfRows, bytes] = [0, 0, 0];
  for (const [position, item] of items.entries()) {
    if (isPackHeader(item)) continue;
    const records = recordsOf(item);
    const weight = position < items.length - sampled ? 1 : 1 / NARROW_PART;
    const bytesOfPack = (item.e as Uint8Array).byteLength;
    count += weight * records.length;
    bytesOfRows += weight * bytesOfPack;
    bytes += weight * (bytesOfPack + ITEM_BYTES);
    addRecords(byKey, item, records);
  }
  const names = items.map(({ sk }) => sk);
  return {
    byKey,
    count,
    bytes,
    bytesOfRows,
    hasKeyed: names.includes(KEYED_HEADER),
    isListed: names.includes(LISTED_HEADER),
    depths: items.flatMap((item) => depthOfHeader(item) ?? []),
  };
}

function addRecords(byKey: Map<string, PackedRecord[]>, { pk, sk }: Item, records: readonly ResultRecord[]): void {
  const pack = { pk, sk };
  for (const record of records) {
    const known = byKey.get(record.key);
    if (known) known.push({ record, pack });
    else byKey.set(record.key, [{ record, pack }]);
  }
}
