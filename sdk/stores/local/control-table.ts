import type { RootDatabase } from "lmdb";
import { type ItemKey, RESULT_PREFIX } from "../../wire/keys.ts";
import {
  type Attribute,
  type Condition,
  type ConditionalWrite,
  type ControlTable,
  holds,
  type Item,
  type MergeResult,
  type QueryOptions,
  type WriteResult,
} from "../control-table.ts";
import type { SeenCommits } from "./seen-commits.ts";
import { openShared } from "./shared-database.ts";

/** Sorts behind every character, by the bytes of its UTF-8. */
const LAST = "\u{10ffff}";

/** Results say which attempt of which run made them: no two writers write the same one. */
export const isResult = ({ pk }: ItemKey): boolean => pk.startsWith(RESULT_PREFIX);

type Stored = Record<string, Attribute>;

/** What LMDB's own types leave out: whether the item was written; false where there was one already. */
interface PutsIfAbsent {
  put(key: [string, string], value: Stored, options: { readonly noOverwrite: true }): Promise<boolean>;
}

/**
 * The control table in an LMDB file: several processes at once, each write its own transaction,
 * committed in groups. A process killed at any moment leaves whole transactions or none.
 */
export class LocalControlTable implements ControlTable {
  readonly #db: RootDatabase<Stored, [string, string]>;
  readonly #seen: SeenCommits;
  readonly #release: () => Promise<void>;

  constructor(path: string) {
    const { db, seen, release } = openShared<Stored, [string, string]>(path);
    this.#db = db;
    this.#seen = seen;
    this.#release = release;
  }

  /**
   * LMDB keeps what it reads from until the next round of the event loop. What another process has written and told
   * since then is to be seen in this one.
   */
  #lookAnew(): void {
    this.#db.resetReadTxn();
  }

  async get({ pk, sk }: ItemKey): Promise<Item | undefined> {
    this.#lookAnew();
    return this.#read(pk, sk);
  }

  async getMany(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    this.#lookAnew();
    return keys.map(({ pk, sk }) => this.#read(pk, sk));
  }

  async put(item: Item): Promise<void> {
    await this.#db.put([item.pk, item.sk], withoutKey(item));
  }

  async putIf(item: Item, condition: Condition): Promise<WriteResult> {
    if (condition.when !== "equals") {
      // Mostly there is none. LMDB sees to that in its own thread, many in one transaction: one that asks this
      // thread holds the lock of the file for all processes until this one gets round to it.
      const absent = this.#db as unknown as PutsIfAbsent;
      const flushed = absent.put([item.pk, item.sk], withoutKey(item), { noOverwrite: true });
      if (await (isResult(item) ? this.#seen.sooner(item, true, flushed) : flushed)) return { written: true };
    }
    return this.#db.transaction(() => {
      const existing = this.#read(item.pk, item.sk);
      if (!holds(condition, existing)) return { written: false, existing };
      this.#db.put([item.pk, item.sk], withoutKey(item));
      return { written: true };
    });
  }

  async putInOrder(writes: readonly ConditionalWrite[]): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    // As above: what is written where nothing was needs no look from this thread.
    const isPlain = writes.every(({ condition }) => condition.when !== "equals");
    const written = isPlain && writes.length > 0 ? await this.#putWhileAbsent(writes) : 0;
    for (let at = 0; at < written; at++) results.push({ written: true });
    return written === writes.length ? results : [...results, ...(await this.#putInOrder(writes.slice(written)))];
  }

  /**
   * Writes items in one transaction, each only if neither it nor any before it was there.
   *
   * @returns How many were written: those up to the first that was there.
   */
  #putWhileAbsent(writes: readonly ConditionalWrite[]): Promise<number> {
    const absent: Promise<boolean>[] = [];
    const putFrom = (at: number) => {
      const { item } = writes[at];
      const key: [string, string] = [item.pk, item.sk];
      const isAbsent = this.#db.ifNoExists(key, () => {
        this.#db.put(key, withoutKey(item));
        if (at + 1 < writes.length) putFrom(at + 1);
      });
      absent.push(isAbsent);
    };
    putFrom(0);
    const flushed = Promise.all(absent).then((written) => {
      // They are told from the innermost; what lies within one that was there says nothing.
      const first = written.reverse().indexOf(false);
      return first < 0 ? writes.length : first;
    });
    const last = writes[writes.length - 1].item;
    return isResult(last) ? this.#seen.sooner(last, writes.length, flushed) : flushed;
  }

  #putInOrder(writes: readonly ConditionalWrite[]): Promise<WriteResult[]> {
    return this.#db.transaction(() => {
      const results: WriteResult[] = [];
      for (const { item, condition } of writes) {
        const existing = this.#read(item.pk, item.sk);
        if (!holds(condition, existing)) {
          results.push({ written: false, existing });
          break;
        }
        this.#db.put([item.pk, item.sk], withoutKey(item));
        results.push({ written: true });
      }
      return results;
    });
  }

  merge({ pk, sk }: ItemKey, attributes: Readonly<Record<string, Attribute>>): Promise<Item | undefined> {
    return this.#db.transaction(() => {
      const existing = this.#read(pk, sk);
      if (!existing) return undefined;
      const merged: Item = { ...existing, ...attributes, pk, sk };
      this.#db.put([pk, sk], withoutKey(merged));
      return merged;
    });
  }

  mergeIf(
    { pk, sk }: ItemKey,
    attributes: Readonly<Record<string, Attribute>>,
    condition: Condition & { readonly when: "equals" },
  ): Promise<MergeResult> {
    return this.#db.transaction((): MergeResult => {
      const existing = this.#read(pk, sk);
      if (!existing || !holds(condition, existing)) return { written: false, existing };
      const item: Item = { ...existing, ...attributes, pk, sk };
      this.#db.put([pk, sk], withoutKey(item));
      return { written: true, item };
    });
  }

  addTo({ pk, sk }: ItemKey, attributes: Readonly<Record<string, Attribute>>, once: string): Promise<MergeResult> {
    return this.#db.transaction((): MergeResult => {
      const existing = this.#read(pk, sk);
      if (existing && once in existing) return { written: false, existing };
      const item: Item = { ...existing, ...attributes, pk, sk };
      this.#db.put([pk, sk], withoutKey(item));
      return { written: true, item };
    });
  }

  async deleteMany(keys: readonly ItemKey[]): Promise<void> {
    await Promise.all(keys.map(({ pk, sk }) => this.#db.remove([pk, sk])));
  }

  deleteIf({ pk, sk }: ItemKey, condition: Condition): Promise<boolean> {
    return this.#db.transaction(() => {
      const existing = this.#read(pk, sk);
      if (!existing || !holds(condition, existing)) return false;
      this.#db.remove([pk, sk]);
      return true;
    });
  }

  async query(pk: string, { after, before = LAST, limit }: QueryOptions = {}): Promise<Item[]> {
    this.#lookAnew();
    const start: [string, string] = [pk, after ?? ""];
    // One more, since the range includes `after` itself.
    const range = this.#db.getRange({ start, end: [pk, before], ...(limit === undefined ? {} : { limit: limit + 1 }) });
    const items: Item[] = [];
    for (const { key, value } of range) {
      if (key[1] !== after) items.push({ ...value, pk: key[0], sk: key[1] });
    }
    return limit === undefined ? items : items.slice(0, limit);
  }

  async *scan(pkPrefix: string): AsyncIterable<Item> {
    this.#lookAnew();
    const range = this.#db.getRange({ start: [pkPrefix, ""], end: [pkPrefix + LAST, LAST], snapshot: false });
    for (const { key, value } of range) yield { ...value, pk: key[0], sk: key[1] };
  }

  async close(): Promise<void> {
    await this.#release();
  }

  #read(pk: string, sk: string): Item | undefined {
    const value = this.#db.get([pk, sk]);
    return value === undefined ? undefined : { ...value, pk, sk };
  }
}

function withoutKey({ pk: _pk, sk: _sk, ...attributes }: Item): Stored {
  return attributes;
}
