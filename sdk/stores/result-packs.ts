import { randomBytes } from "node:crypto";
import { depthHeader, type ItemKey, isPackHeader, KEYED_HEADER, LISTED_HEADER, packPartition } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { ControlTable, Item } from "./control-table.ts";
import { listPacked } from "./pack-list.ts";
import { type PackedRecord, type PackPartition, PackPartitions } from "./pack-partitions.ts";
import { PackRemovals } from "./pack-removals.ts";
import type { ResultName, ResultRecord, ResultType } from "./result-items.ts";
import { toPack } from "./result-pack.ts";
import { ResultTypes } from "./result-types.ts";

/** What packs hold of results that are looked for. */
export interface PackedResults {
  /** By cache key; several where a task was executed more than once. */
  readonly byKey: ReadonlyMap<string, readonly PackedRecord[]>;
  /** There may be results of this type under their own keys, too. */
  readonly hasKeyed: boolean;
}

/** How much there is of a task type and code version. */
export interface PackedSizes {
  /** Bytes in a partition, by depth; of those that are not in use nothing. */
  readonly partitionBytes: ReadonlyMap<number, number>;
  /** Results in these partitions. */
  readonly count: number;
  /** What a result needs in them on average, beside what is of its whole pack; 0 where there is none. */
  readonly rowBytes: number;
  readonly hasKeyed: boolean;
  /** The type is in the list of all types. */
  readonly isListed: boolean;
}

/** How results are written in packs. */
export interface PackWriting {
  /** By task name: in which depth. Default 0. */
  readonly depths?: Readonly<Record<string, number>> | undefined;
  /** None of these results was computed from another of them: they need not be written together. Default false. */
  readonly isLoose?: boolean;
}

/** Items that a transaction of DynamoDB may have. */
const MOST_TOGETHER = 100;

/** Short, since it is paid for with each pack. */
const newPackId = () => randomBytes(12).toString("base64url");

/**
 * Results that lie in packs, many in one item. Nobody is asked before one is written: which of several results of a
 * task counts is for the reader to decide (`counting.ts`).
 *
 * A query reads a partition as a whole, so those of a type and code version that has many are divided among partitions
 * by the first digits of their keys: by so many as their *depth* says. At depth 0 there is one partition, which also has
 * headers that say which other depths are in use. Results of one key may be found at several depths.
 */
export class ResultPacks {
  readonly #table: ControlTable;
  readonly #putTogether: (items: readonly Item[]) => Promise<void>;
  readonly #partitions: PackPartitions;
  readonly #removals: PackRemovals;
  /** All types that may have results. */
  readonly types: ResultTypes;

  /** @param putTogether Writes new items of the table, all of them or none. */
  constructor(table: ControlTable, putTogether: (items: readonly Item[]) => Promise<void>) {
    this.#table = table;
    this.#putTogether = putTogether;
    this.#partitions = new PackPartitions(table);
    this.#removals = new PackRemovals(table);
    this.types = new ResultTypes(table);
  }

  /**
   * All results of these keys that lie in packs, at any depth. Reads the partitions that may have them, one query each.
   *
   * @param maxAgeMs What was read so long ago, in milliseconds, is not read again, if it is still remembered. Default 0.
   */
  async find(type: ResultType, keys: readonly string[], maxAgeMs = 0): Promise<PackedResults> {
    const wanted = new Set(keys);
    const byKey = new Map<string, readonly PackedRecord[]>();
    const take = (found: PackPartition) => {
      // The rest of a partition is let go.
      const [fewer, other] = found.byKey.size < wanted.size ? [found.byKey, wanted] : [wanted, found.byKey];
      for (const key of fewer.keys()) {
        if (other.has(key)) byKey.set(key, [...(byKey.get(key) ?? []), ...(found.byKey.get(key) ?? [])]);
      }
    };
    const base = await this.#partitions.read(partitionOf(type), maxAgeMs);
    take(base);
    const deeper = base.depths.flatMap((depth) => [...new Set(keys.map((key) => partitionOf(type, key, depth)))]);
    await this.#partitions.readAll(deeper, maxAgeMs, take);
    return { byKey, hasKeyed: base.hasKeyed };
  }

  /**
   * How much there is of a type, as far as one partition of each depth tells: keys are hashes, so all have about as much.
   *
   * @param key In which partition to look.
   */
  async sizes(type: ResultType, key: string, maxAgeMs = 0): Promise<PackedSizes> {
    const base = await this.#partitions.read(partitionOf(type), maxAgeMs);
    const found = new Map([[0, base]]);
    for (const depth of base.depths) {
      found.set(depth, await this.#partitions.read(partitionOf(type, key, depth), maxAgeMs));
    }
    let [count, bytesOfRows] = [0, 0];
    for (const each of found.values()) {
      count += each.count;
      bytesOfRows += each.bytesOfRows;
    }
    return {
      partitionBytes: new Map([...found].map(([depth, { bytes }]) => [depth, bytes])),
      count,
      rowBytes: count === 0 ? 0 : bytesOfRows / count,
      hasKeyed: base.hasKeyed,
      isListed: base.isListed,
    };
  }

  /**
   * All results of some types, partition by partition.
   *
   * @returns Undefined where these are too many to be asked for one by one, or where there may be results under their own
   * keys, of which nobody has a list: whoever reads the whole table is better off.
   */
  list(types: readonly ResultType[]): Promise<AsyncIterable<ResultRecord> | undefined> {
    return listPacked(this.#partitions, types);
  }

  /**
   * Writes results of one run, those for one partition in one item. No result is there without those that come before
   * it, unless they are loose.
   *
   * @param records At most some 32 KB, each after those that it was computed from.
   */
  async write(records: readonly ResultRecord[], { depths = {}, isLoose = false }: PackWriting = {}): Promise<void> {
    const groups = divided(records, (record) => partitionOf(record, record.key, depths[record.name] ?? 0));
    for (const group of groups) {
      const items = [...group].map(([partition, of]) => toPack(of, partition, newPackId()));
      if (isLoose) await Promise.all(items.map((item) => this.#table.put(item)));
      else await this.#putTogether(items);
      for (const partition of group.keys()) this.#partitions.forget(partition);
    }
  }

  /** Says, before the first result of a type is written, that there may be some. */
  async noteType(type: ResultType): Promise<void> {
    await this.types.add(type);
    await this.#note(type, LISTED_HEADER);
  }

  /** Forgets what was said of a type that has no results any more, and whose results nobody writes. */
  async forgetType(type: ResultType): Promise<void> {
    const pk = partitionOf(type);
    this.#partitions.forget(pk);
    // The next one to write finds that it has to say everything anew.
    await this.#table.deleteMany((await this.#table.query(pk)).filter(isPackHeader));
    await this.types.remove(type);
  }

  /** Says, before the first one is written, that there may be results of a type under their own keys. */
  noteKeyed(type: ResultType): Promise<void> {
    return this.#note(type, KEYED_HEADER);
  }

  /** Says, before the first one is written, that there may be packs of a type at a depth. */
  noteDepth(type: ResultType, depth: number): Promise<void> {
    return this.#note(type, depthHeader(depth));
  }

  async #note(type: ResultType, header: string): Promise<void> {
    const { namespace, name, version } = type;
    const pk = partitionOf(type);
    await this.#table.put({ pk, sk: header, f: PROTOCOL_VERSION, ns: namespace, n: name, cv: version });
    this.#partitions.forget(pk);
  }

  /**
   * Takes results out of all packs that they lie in.
   *
   * @returns Those that may have some under their own keys, too.
   */
  async remove(names: readonly ResultName[]): Promise<readonly ResultName[]> {
    const keyed: ResultName[] = [];
    const byType = new Map<string, ResultName[]>();
    for (const name of names) {
      const type = partitionOf(name);
      const known = byType.get(type);
      if (known) known.push(name);
      else byType.set(type, [name]);
    }
    for (const of of byType.values()) {
      const keys = new Set(of.map(({ key }) => key));
      const { byKey, hasKeyed } = await this.find(of[0], [...keys]);
      if (hasKeyed) keyed.push(...of);
      const all = [...byKey.values()].flat().map(({ pack }) => pack);
      const packs = new Map(all.map((pack) => [pack.sk, pack])).values();
      for (const pack of packs) await this.removeFrom(pack, ({ key }) => keys.has(key));
    }
    return keyed;
  }

  /**
   * Takes results out of one pack; one that is empty then goes.
   *
   * @returns Whether there were any.
   */
  removeFrom(key: ItemKey, isMeant: (record: ResultRecord) => boolean): Promise<boolean> {
    this.#partitions.forget(key.pk);
    return this.#removals.remove(key, isMeant).finally(() => this.#partitions.forget(key.pk));
  }
}

/** The first partition of a type, or the one of a key at a depth. */
const partitionOf = ({ namespace, name, version }: ResultType, key = "", depth = 0): string =>
  packPartition(namespace, name, version, key.slice(0, depth));

/** Records by partition, in their order, in as many groups as are needed for none to have too many partitions. */
function divided(
  records: readonly ResultRecord[],
  partitionOfRecord: (record: ResultRecord) => string,
): Map<string, ResultRecord[]>[] {
  const groups: Map<string, ResultRecord[]>[] = [];
  for (const record of records) {
    const partition = partitionOfRecord(record);
    const last = groups.at(-1);
    const known = last?.get(partition);
    if (known) known.push(record);
    else if (last && last.size < MOST_TOGETHER) last.set(partition, [record]);
    else groups.push(new Map([[partition, [record]]]));
  }
  return groups;
}
