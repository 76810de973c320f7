import { type ItemKey, isOfPacks, PACK_HEADER, packPartition, RESULT_PREFIX } from "../wire/keys.ts";
import {
  type Attribute,
  type Condition,
  type ConditionalWrite,
  type ControlTable,
  holds,
  type Item,
} from "./control-table.ts";
import { toItem, toRecord } from "./result-items.ts";
import { recordsOf } from "./result-pack.ts";
import { ResultPacks } from "./result-packs.ts";

/** Sort key of the pack that a result was found in. */
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
      else if (item.sk !== PACK_HEADER) {
        for (const record of recordsOf(item)) yield { ...toItem(record), [PACK_OF]: item.sk };
      }
    }
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    const pack = packOf(key);
    if (!pack) return this.#table.get(key);
    const item = await this.#table.get(pack);
    const record = item && recordsOf(item).find((each) => RESULT_PREFIX + each.key === key.pk);
    return record && { ...toItem(record), [PACK_OF]: pack.sk };
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

/** The pack of a result that was found in one. */
function packOf(key: ItemKey & { readonly [PACK_OF]?: unknown }): ItemKey | undefined {
  const sk = key[PACK_OF];
  if (typeof sk !== "string") return undefined;
  const { namespace, name, version } = toRecord(key as Item);
  return { pk: packPartition(namespace, name, version), sk };
}
