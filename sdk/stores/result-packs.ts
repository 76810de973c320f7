import { randomBytes } from "node:crypto";
import { PACK_HEADER, packPartition } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { ControlTable, Item } from "./control-table.ts";
import type { ResultName, ResultRecord, ResultType } from "./result-items.ts";
import { recordsOf, rowsOf, toPack } from "./result-pack.ts";

/** What packs hold of one task type and code version. */
export interface PackedResults {
  /** By cache key; several where a task was executed more than once. */
  readonly byKey: ReadonlyMap<string, readonly PackedRecord[]>;
  /** How many results there are. */
  readonly count: number;
  /** About how much is read to see them. */
  readonly bytes: number;
  /** What a result needs of that on average, beside what is of its whole pack; 0 where there is none. */
  readonly rowBytes: number;
  /** There may be results of this type under their own keys, too. */
  readonly hasKeyed: boolean;
}

/** A result, and the pack that it lies in. */
export interface PackedRecord {
  readonly record: ResultRecord;
  /** The pack's sort key. */
  readonly pack: string;
}

/** What an item has beside its rows, in bytes: keys, run, names of attributes. */
const ITEM_BYTES = 200;

/** Short, since it is paid for with each pack. */
const newPackId = () => randomBytes(12).toString("base64url");

const NONE: PackedResults = { byKey: new Map(), count: 0, bytes: 0, rowBytes: 0, hasKeyed: false };

/**
 * Results that lie in packs, many in one item. Nobody is asked before one is written: which of several results of a
 * task counts is for the reader to decide (`counting.ts`). One partition a task type and code version, which a
 * query reads as a whole.
 */
export class ResultPacks {
  readonly #table: ControlTable;
  readonly #putTogether: (items: readonly Item[]) => Promise<void>;
  /** What was read last of a partition, and when. */
  readonly #known = new Map<string, { readonly at: number; readonly found: Promise<PackedResults> }>();

  /** @param putTogether Writes new items of the table, all of them or none. */
  constructor(table: ControlTable, putTogether: (items: readonly Item[]) => Promise<void>) {
    this.#table = table;
    this.#putTogether = putTogether;
  }

  /**
   * All results of a type that lie in packs.
   *
   * @param maxAgeMs What was read so long ago, in milliseconds, is not read again. Default 0.
   */
  async read(type: ResultType, maxAgeMs = 0): Promise<PackedResults> {
    const partition = partitionOf(type);
    const known = this.#known.get(partition);
    if (known && Date.now() - known.at < maxAgeMs) return known.found;
    const found = this.#read(partition);
    this.#known.set(partition, { at: Date.now(), found });
    // What failed is asked for again.
    found.catch(() => this.#known.delete(partition));
    return found;
  }

  async #read(partition: string): Promise<PackedResults> {
    const items = await this.#table.query(partition);
    if (items.length === 0) return NONE;
    const packs = items.filter(({ sk }) => sk !== PACK_HEADER);
    const records = packs.flatMap((item) => recordsOf(item).map((record) => ({ record, pack: item.sk })));
    const byKey = new Map<string, PackedRecord[]>();
    for (const each of records) {
      const known = byKey.get(each.record.key);
      if (known) known.push(each);
      else byKey.set(each.record.key, [each]);
    }
    const bytesOfRows = packs.reduce((sum, { e }) => sum + (e as Uint8Array).byteLength, 0);
    return {
      byKey,
      count: records.length,
      bytes: bytesOfRows + packs.length * ITEM_BYTES,
      rowBytes: records.length === 0 ? 0 : bytesOfRows / records.length,
      hasKeyed: packs.length < items.length,
    };
  }

  /**
   * Writes results of one run, all of them or none; those of one type in one item.
   *
   * @param records At most some 32 KB.
   */
  async write(records: readonly ResultRecord[]): Promise<void> {
    const byType = new Map<string, ResultRecord[]>();
    for (const record of records) {
      const partition = partitionOf(record);
      byType.set(partition, [...(byType.get(partition) ?? []), record]);
    }
    await this.#putTogether([...byType.values()].map((of) => toPack(of, newPackId())));
    for (const partition of byType.keys()) this.#known.delete(partition);
  }

  /** Says, before the first one is written, that there may be results of a type under their own keys. */
  async noteKeyed({ namespace, name, version }: ResultType): Promise<void> {
    const pk = packPartition(namespace, name, version);
    await this.#table.put({ pk, sk: PACK_HEADER, f: PROTOCOL_VERSION, ns: namespace, n: name, cv: version });
    this.#known.delete(pk);
  }

  /** Takes results out of all packs that they lie in. */
  async remove(names: readonly ResultName[]): Promise<void> {
    const byPartition = new Map<string, ResultName[]>();
    for (const name of names) {
      const partition = partitionOf(name);
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), name]);
    }
    for (const [partition, of] of byPartition) {
      const keys = new Set(of.map(({ key }) => key));
      const { byKey } = await this.read(of[0]);
      const packs = new Set([...keys].flatMap((key) => (byKey.get(key) ?? []).map(({ pack }) => pack)));
      for (const sk of packs) await this.removeFrom({ pk: partition, sk }, ({ key }) => keys.has(key));
    }
  }

  /**
   * Takes results out of one pack; one that is empty then goes.
   *
   * @returns Whether there were any.
   */
  async removeFrom(key: Pick<Item, "pk" | "sk">, isMeant: (record: ResultRecord) => boolean): Promise<boolean> {
    this.#known.delete(key.pk);
    for (;;) {
      const item = await this.#table.get(key);
      const records = item ? recordsOf(item) : [];
      const left = records.filter((record) => !isMeant(record));
      if (!item || left.length === records.length) return false;
      // Somebody else may take others out of it at the same time.
      const isUnchanged = { when: "equals", attribute: "c", value: records.length } as const;
      const isDone =
        left.length === 0
          ? await this.#table.deleteIf(key, isUnchanged)
          : (await this.#table.mergeIf(key, rowsOf(left, Number(item.t)), isUnchanged)).written;
      if (isDone) return true;
    }
  }
}

const partitionOf = ({ namespace, name, version }: ResultType): string => packPartition(namespace, name, version);
