import { randomBytes } from "node:crypto";
import { type ItemKey, packPartition } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { ControlTable, Item } from "./control-table.ts";
import { type PackedRecord, type PackPartition, PackPartitions } from "./pack-partitions.ts";
import { packNamePrefix } from "./pack-range.ts";
import { PackRemovals } from "./pack-removals.ts";
import type { ResultName, ResultRecord, ResultType } from "./result-items.ts";
import { toPack } from "./result-pack.ts";

/** What packs hold of results that are looked for. */
export interface PackedResults {
  /** By cache key; several where a task was executed more than once. */
  readonly byKey: ReadonlyMap<string, readonly PackedRecord[]>;
  /** There may be results of this type under their own keys, too. */
  readonly hasKeyed: boolean;
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
  readonly partitions: PackPartitions;
  readonly #removals: PackRemovals;

  /** @param putTogether Writes new items of the table, all of them or none. */
  constructor(table: ControlTable, putTogether: (items: readonly Item[]) => Promise<void>) {
    this.#table = table;
    this.#putTogether = putTogether;
    this.partitions = new PackPartitions(table);
    this.#removals = new PackRemovals(table);
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
    // Whoever takes what was read before is going to look for others, too: they share a whole.
    if (wanted.size === 1 && maxAgeMs === 0) {
      const found = await this.partsOf(type, keys[0], 0);
      for (const each of found.values()) take(each);
      return { byKey, hasKeyed: found.get(0)?.hasKeyed ?? false };
    }
    const base = await this.partitions.read(partitionOf(type), maxAgeMs);
    take(base);
    const deeper = base.depths.flatMap((depth) => [...new Set(keys.map((key) => partitionOf(type, key, depth)))]);
    await this.partitions.readAll(deeper, maxAgeMs, take);
    return { byKey, hasKeyed: base.hasKeyed };
  }

  /** What may have a key, by depth. Of each partition only a part is read. */
  async partsOf(type: ResultType, key: string, maxAgeMs: number): Promise<ReadonlyMap<number, PackPartition>> {
    const read = (depth: number) => this.partitions.readFor(partitionOf(type, key, depth), key, depth, maxAgeMs);
    const base = await read(0);
    const deeper = await Promise.all(base.depths.map(async (depth) => [depth, await read(depth)] as const));
    return new Map([[0, base], ...deeper]);
  }

  /**
   * Writes results of one run, those for one partition in one item. No result is there without those that come before
   * it, unless they are loose.
   *
   * @param records At most some 32 KB, each after those that it was computed from.
   */
  async write(records: readonly ResultRecord[], { depths = {}, isLoose = false }: PackWriting = {}): Promise<void> {
    const depthOf = ({ name }: ResultRecord) => depths[name] ?? 0;
    const groups = divided(records, (record) => partitionOf(record, record.key, depthOf(record)));
    for (const group of groups) {
      const items = [...group].map(([partition, of]) => {
        const keys = of.map(({ key }) => key);
        return toPack(of, partition, packNamePrefix(keys, depthOf(of[0])) + newPackId());
      });
      if (isLoose) await Promise.all(items.map((item) => this.#table.put(item)));
      else await this.#putTogether(items);
      for (const partition of group.keys()) this.partitions.forget(partition);
    }
  }

  /** Says something of a type in a header beside its packs, before the first result is written of which it is true. */
  async note(type: ResultType, header: string): Promise<void> {
    const { namespace, name, version } = type;
    const pk = partitionOf(type);
    await this.#table.put({ pk, sk: header, f: PROTOCOL_VERSION, ns: namespace, n: name, cv: version });
    this.partitions.forget(pk);
  }

  /**
   * Takes results out of all packs that they lie in.
   *
   * @returns Those that may have some under their own keys, too.
   */
  remove(names: readonly ResultName[]): Promise<readonly ResultName[]> {
    return this.#removals.removeAll(names, this);
  }

  /**
   * Takes results out of one pack; one that is empty then goes.
   *
   * @returns Whether there were any.
   */
  removeFrom(key: ItemKey, isMeant: (record: ResultRecord) => boolean): Promise<boolean> {
    return this.#removals.remove(key, isMeant).finally(() => this.partitions.forget(key.pk));
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
