import type { ItemKey } from "../wire/keys.ts";
import type { ResultPacks } from "./result-packs.ts";

/** Values an item may hold beside its key. */
export type Attribute = string | number | boolean | Uint8Array;

/** One item: its key, and up to 4 KB of attributes. `ttl` is when it may go, in seconds since the epoch. */
export interface Item extends ItemKey {
  readonly [attribute: string]: Attribute;
}

/** What must hold of the item that is there for a write to happen. */
export type Condition =
  /** There is none. */
  | { readonly when: "absent" }
  /** There is none, or its number is smaller. */
  | { readonly when: "absent-or-below"; readonly attribute: string; readonly value: number }
  /** It has this value. */
  | { readonly when: "equals"; readonly attribute: string; readonly value: Attribute };

/** An item, and what must hold for it to be written. */
export interface ConditionalWrite {
  readonly item: Item;
  readonly condition: Condition;
}

/** Whether a conditional write happened, and if not, what was there. */
export type WriteResult = { readonly written: true } | { readonly written: false; readonly existing: Item | undefined };

/** Whether a conditional change happened; the whole item as it is then, or what was there. */
export type MergeResult =
  | { readonly written: true; readonly item: Item }
  | { readonly written: false; readonly existing: Item | undefined };

export interface QueryOptions {
  /** Only items whose sort key comes after this one. */
  readonly after?: string;
  /** Only items whose sort key comes before this one. */
  readonly before?: string;
  /** At most this many. Default all. */
  readonly limit?: number;
}

/**
 * The control table: small items by partition and sort key, with conditional writes. What they mean
 * is in the files beside this one; a store only has to keep them. Reads see every write that was
 * acknowledged before.
 */
export interface ControlTable {
  /** Where results lie in packs beside those under their own keys; absent where each has a key of its own. */
  readonly packs?: ResultPacks;
  get(key: ItemKey): Promise<Item | undefined>;
  /** Items in the order of the keys, undefined where there is none. */
  getMany(keys: readonly ItemKey[]): Promise<(Item | undefined)[]>;
  put(item: Item): Promise<void>;
  putIf(item: Item, condition: Condition): Promise<WriteResult>;
  /**
   * The same for several items of different keys, one after another: none is there before those in front of it. It ends
   * with the first whose condition does not hold, or that cannot be written.
   *
   * @returns As many results as were tried.
   * @throws Where the first cannot be written.
   */
  putInOrder(writes: readonly ConditionalWrite[]): Promise<WriteResult[]>;
  /** Changes attributes of an item that exists; gives the whole item back, undefined where there was none. */
  merge(key: ItemKey, attributes: Readonly<Record<string, Attribute>>): Promise<Item | undefined>;
  /** The same, where one attribute of the item still has this value. */
  mergeIf(
    key: ItemKey,
    attributes: Readonly<Record<string, Attribute>>,
    condition: Condition & { readonly when: "equals" },
  ): Promise<MergeResult>;
  /**
   * Adds attributes to an item, which is made where there is none, unless it has the attribute `once` already: of
   * several that add to it, one after another, each sees what was there before it.
   */
  addTo(key: ItemKey, attributes: Readonly<Record<string, Attribute>>, once: string): Promise<MergeResult>;
  deleteMany(keys: readonly ItemKey[]): Promise<void>;
  /** Deletes an item if the condition holds of it; whether it did. */
  deleteIf(key: ItemKey, condition: Condition): Promise<boolean>;
  /** Items of one partition by sort key. */
  query(pk: string, options?: QueryOptions): Promise<Item[]>;
  /** Every item whose partition key starts like this, in no order. Reads the whole table on AWS. */
  scan(pkPrefix: string): AsyncIterable<Item>;
  close(): Promise<void>;
}

/** Whether the condition holds of the item that is there. */
export function holds(condition: Condition, existing: Item | undefined): boolean {
  switch (condition.when) {
    case "absent":
      return existing === undefined;
    case "absent-or-below": {
      const value = existing?.[condition.attribute];
      return existing === undefined || value === undefined || (value as number) < condition.value;
    }
    case "equals":
      return existing !== undefined && isSame(existing[condition.attribute], condition.value);
  }
}

/** Whether two values of items are the same. */
export function isSame(a: Attribute | undefined, b: Attribute): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

/** Writes one item after another, as `putInOrder` has it, with the means of a store that knows no better way. */
export async function putOneByOne(
  table: Pick<ControlTable, "putIf">,
  writes: readonly ConditionalWrite[],
): Promise<WriteResult[]> {
  const results: WriteResult[] = [];
  for (const { item, condition } of writes) {
    try {
      results.push(await table.putIf(item, condition));
    } catch (error) {
      if (results.length === 0) throw error;
      break;
    }
    if (!results.at(-1)?.written) break;
  }
  return results;
}
