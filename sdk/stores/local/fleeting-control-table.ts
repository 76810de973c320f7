import { type ItemKey, RESULT_PREFIX, resultKey } from "../../wire/keys.ts";
import {
  type Condition,
  type ConditionalWrite,
  holds,
  type Item,
  putOneByOne,
  type WriteResult,
} from "../control-table.ts";
import type { KeptResults } from "../kept-results.ts";
import { type ResultRecord, toItem } from "../result-items.ts";
import { isResult, LocalControlTable } from "./control-table.ts";

const taskKeyOf = ({ pk }: ItemKey) => pk.slice(RESULT_PREFIX.length);

/**
 * The control table of a lab whose storage goes with it. Nobody but its own driver ever looks its results up, so they
 * are kept in that process; all else is in a file as ever, since executors share it.
 */
export class FleetingControlTable extends LocalControlTable implements KeptResults {
  /** By the cache keys of their tasks: those strings are there anyway. */
  readonly #results = new Map<string, Item | (() => ResultRecord)>();

  keep(key: string, record: () => ResultRecord): void {
    this.#results.set(key, record);
  }

  override async get(key: ItemKey): Promise<Item | undefined> {
    return isResult(key) ? this.#result(key) : super.get(key);
  }

  override async getMany(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    if (keys.every(isResult)) return keys.map((key) => this.#result(key));
    return Promise.all(keys.map((key) => this.get(key)));
  }

  override async put(item: Item): Promise<void> {
    if (isResult(item)) this.#results.set(taskKeyOf(item), item);
    else await super.put(item);
  }

  override async putIf(item: Item, condition: Condition): Promise<WriteResult> {
    if (!isResult(item)) return super.putIf(item, condition);
    const existing = this.#result(item);
    if (!holds(condition, existing)) return { written: false, existing };
    this.#results.set(taskKeyOf(item), item);
    return { written: true };
  }

  override putInOrder(writes: readonly ConditionalWrite[]): Promise<WriteResult[]> {
    return writes.every(({ item }) => isResult(item)) ? putOneByOne(this, writes) : super.putInOrder(writes);
  }

  override async deleteMany(keys: readonly ItemKey[]): Promise<void> {
    for (const key of keys) if (isResult(key)) this.#results.delete(taskKeyOf(key));
    await super.deleteMany(keys.filter((key) => !isResult(key)));
  }

  override async deleteIf(key: ItemKey, condition: Condition): Promise<boolean> {
    if (!isResult(key)) return super.deleteIf(key, condition);
    const existing = this.#result(key);
    return existing !== undefined && holds(condition, existing) && this.#results.delete(taskKeyOf(key));
  }

  override async *scan(pkPrefix: string): AsyncIterable<Item> {
    for (const key of this.#results.keys()) {
      const itemKey = resultKey(key);
      if (itemKey.pk.startsWith(pkPrefix)) yield this.#result(itemKey) as Item;
    }
    yield* super.scan(pkPrefix);
  }

  #result(key: ItemKey): Item | undefined {
    const found = this.#results.get(taskKeyOf(key));
    return typeof found === "function" ? toItem(found()) : found;
  }
}
