import { RESULT_PREFIX, resultKey } from "../wire/keys.ts";
import type { ControlTable } from "./control-table.ts";
import { listPacked } from "./pack-list.ts";
import { type ResultRecord, type ResultType, toRecord } from "./result-items.ts";
import { listTypes } from "./result-types.ts";
import { readResults } from "./results.ts";

/** Types that are asked at once. */
const LANES = 8;

/**
 * Finds results of which the type is not known. Where there are packs each type is asked that there is, until all are
 * found.
 *
 * @param nameOf The task name of a key, where at least that is known.
 */
export async function findResults(
  table: ControlTable,
  keys: readonly string[],
  nameOf: (key: string) => string | undefined = () => undefined,
): Promise<(ResultRecord | undefined)[]> {
  if (!table.packs || keys.length === 0) {
    const items = await table.getMany(keys.map(resultKey));
    return items.map((item) => item && toRecord(item));
  }
  const found = new Map<string, ResultRecord>();
  const next = (await listTypes(table)).values();
  const lanes = Array.from({ length: LANES }, async () => {
    for (const type of next) {
      const left = keys.filter((key) => !found.has(key) && (nameOf(key) ?? type.name) === type.name);
      if (left.length === 0) continue;
      const records = await readResults(
        table,
        left.map((key) => ({ ...type, key })),
      );
      for (const record of records) if (record) found.set(record.key, record);
    }
  });
  await Promise.all(lanes);
  return keys.map((key) => found.get(key));
}

/** Finds results for many who ask for a few each: those that are asked for while others are looked for go together. */
export class ResultSearch {
  readonly #table: ControlTable;
  #next:
    | { readonly names: Map<string, string>; readonly found: Promise<ReadonlyMap<string, ResultRecord>> }
    | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(table: ControlTable) {
    this.#table = table;
  }

  /**
   * @param names Task names by cache key.
   * @returns Results in their order, undefined where there is none.
   */
  async find(names: ReadonlyMap<string, string>): Promise<(ResultRecord | undefined)[]> {
    if (names.size === 0) return [];
    this.#next ??= this.#begin();
    for (const [key, name] of names) this.#next.names.set(key, name);
    const found = await this.#next.found;
    return [...names.keys()].map((key) => found.get(key));
  }

  #begin() {
    const names = new Map<string, string>();
    const found = this.#last.then(async () => {
      // Most are asked for in the same turn.
      await new Promise((resolve) => setImmediate(resolve));
      this.#next = undefined;
      const records = await findResults(this.#table, [...names.keys()], (key) => names.get(key));
      return new Map(records.flatMap((record) => (record ? [[record.key, record] as const] : [])));
    });
    this.#last = found.catch(() => undefined);
    return { names, found };
  }
}

/**
 * Every result of a namespace, or of all of them, in no order. Where tasks were executed twice at once there may be
 * more than one of a task. Where there are no packs, or too many partitions of them, it reads all results through.
 *
 * @param isMeant Whether results of a type are. Default all.
 */
export async function* listResults(
  table: ControlTable,
  namespace: string | undefined,
  isMeant: (type: ResultType) => boolean = () => true,
): AsyncIterable<ResultRecord> {
  const isWanted = (type: ResultType) => (namespace === undefined || type.namespace === namespace) && isMeant(type);
  const { packs } = table;
  const inPacks = packs && (await listPacked(packs.partitions, (await listTypes(table)).filter(isWanted)));
  if (inPacks) {
    yield* inPacks;
    return;
  }
  for await (const item of table.scan(RESULT_PREFIX)) {
    const record = toRecord(item);
    if (isWanted(record)) yield record;
  }
}
