import { type ItemKey, isOfPacks, isPackHeader, RESULT_PREFIX } from "../wire/keys.ts";
import {
  type Attribute,
  type Condition,
  type ConditionalWrite,
  type ControlTable,
  holds,
  type Item,
} from "./control-table.ts";
import { type ResultRecord, toItem } from "./result-items.ts";
import { recordsOf } from "./result-pack.ts";
import { ResultPacks } from "./result-packs.ts";

/** Keys of the pack that a result was found in. */
const PACK_PARTITION = "at";
const PACK_OF = "in";

/**
 * A control table that also holds results in packs. Whoever goes through the table meets each as an item of its own,
 * as if it lay under its key, and may delete that.
 */
export class PackingTable implements ControlTable {
  readonly packs: ResultPacks;
  readonly #table: ControlTable;

  /** @param putTogether Writes new items of the table, all of them or none. */
  constructor(table: ControlTable, putTogether: (items: readonly Item[]) => Promise<void>) {
    this.#table = table;
    this.packs = new ResultPacks(table, putTogether);
  }

  async *scan(pkPrefix: string): AsyncIterable<Item> {
    for await (const item of this.#table.scan(pkPrefix)) {
      if (!isOfPacks(item)) yield item;
      else if (!isPackHeader(item)) {
        for (const record of recordsOf(item)) yield asFound(record, item);
      }
    }
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    const pack = packOf(key);
    if (!pack) return this.#table.get(key);
    const item = await this.#table.get(pack);
    const record = item && recordsOf(item).find((each) => RESULT_PREFIX + each.key === key.pk);
    return record && asFound(record, pack);
  }

  deleteIf(key: ItemKey, condition: Condition): Promise<boolean> {
    const pack = packOf(key);
    if (!pack) return this.#table.deleteIf(key, condition);
    const isMeant = (item: Item) => item.pk === key.pk && holds(condition, item);
    return this.packs.removeFrom(pack, (record) => isMeant(toItem(record)));
  }

  getMany(keys: readonly ItemKey[]) {
    return this.#table.getMany(keys);
  }

  put(item: Item) {
    return this.#table.put(item);
  }

  putIf(item: Item, condition: Condition) {
    return this.#table.putIf(item, condition);
  }

  putInOrder(writes: readonly ConditionalWrite[]) {
    return this.#table.putInOrder(writes);
  }

  merge(key: ItemKey, attributes: Readonly<Record<string, Attribute>>) {
    return this.#table.merge(key, attributes);
  }

  mergeIf(key: ItemKey, attributes: Readonly<Record<string, Attribute>>, condition: Condition & { when: "equals" }) {
    return this.#table.mergeIf(key, attributes, condition);
  }

  addTo(key: ItemKey, attributes: Readonly<Record<string, Attribute>>, once: string) {
    return this.#table.addTo(key, attributes, once);
  }

  deleteMany(keys: readonly ItemKey[]) {
    return this.#table.deleteMany(keys);
  }

  query(pk: string, options?: Parameters<ControlTable["query"]>[1]) {
    return this.#table.query(pk, options);
  }

  close() {
    return this.#table.close();
  }
}

/** A result as an item of its own, which says where it was found. */
const asFound = (record: ResultRecord, { pk, sk }: ItemKey): Item => ({
  ...toItem(record),
  [PACK_PARTITION]: pk,
  [PACK_OF]: sk,
});

/** The pack of a result that was found in one. */
function packOf(key: ItemKey & { readonly [PACK_PARTITION]?: unknown; readonly [PACK_OF]?: unknown }) {
  const { [PACK_PARTITION]: pk, [PACK_OF]: sk } = key;
  return typeof pk === "string" && typeof sk === "string" ? { pk, sk } : undefined;
}
