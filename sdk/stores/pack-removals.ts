import { type ItemKey, packPartition } from "../wire/keys.ts";
import type { ControlTable } from "./control-table.ts";
import type { ResultName, ResultRecord } from "./result-items.ts";
import { recordsOf, rowsOf } from "./result-pack.ts";
import type { ResultPacks } from "./result-packs.ts";

interface Removal {
  readonly isMeant: (record: ResultRecord) => boolean;
  readonly resolve: (wasThere: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes results out of packs. Those that are to leave one at the same time do so together: each time it is written anew. */
export class PackRemovals {
  readonly #table: ControlTable;
  /** By pack, for those that are being written. */
  readonly #waiting = new Map<string, Removal[]>();

  constructor(table: ControlTable) {
    this.#table = table;
  }

  /**
   * Takes results out of all packs that they lie in.
   *
   * @returns Those that may have some under their own keys, too.
   */
  async removeAll(names: readonly ResultName[], packs: ResultPacks): Promise<readonly ResultName[]> {
    const keyed: ResultName[] = [];
    for (const of of byType(names)) {
      const keys = new Set(of.map(({ key }) => key));
      const { byKey, hasKeyed } = await packs.find(of[0], [...keys]);
      if (hasKeyed) keyed.push(...of);
      const all = [...byKey.values()].flat().map(({ pack }) => pack);
      const distinct = new Map(all.map((pack) => [`${pack.pk} ${pack.sk}`, pack])).values();
      for (const pack of distinct) await packs.removeFrom(pack, ({ key }) => keys.has(key));
    }
    return keyed;
  }

  /** @returns Whether there were any. */
  remove({ pk, sk }: ItemKey, isMeant: (record: ResultRecord) => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const removal = { isMeant, resolve, reject };
      const pack = `${pk} ${sk}`;
      const waiting = this.#waiting.get(pack);
      if (waiting) {
        waiting.push(removal);
        return;
      }
      const first = [removal];
      this.#waiting.set(pack, first);
      void this.#work({ pk, sk }, first).finally(() => this.#waiting.delete(pack));
    });
  }

  async #work(key: ItemKey, waiting: Removal[]): Promise<void> {
    // Whoever asks in the same turn is waited for.
    await Promise.resolve();
    while (waiting.length > 0) {
      const together = waiting.splice(0);
      try {
        const wereThere = await this.#removeTogether(key, together);
        for (const [position, { resolve }] of together.entries()) resolve(wereThere[position]);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
  }

  /** A pack that is empty then goes. */
  async #removeTogether(key: ItemKey, removals: readonly Removal[]): Promise<boolean[]> {
    for (;;) {
      const item = await this.#table.get(key);
      const records = item ? recordsOf(item) : [];
      const wereThere = removals.map(({ isMeant }) => records.some(isMeant));
      const left = records.filter((record) => !removals.some(({ isMeant }) => isMeant(record)));
      if (!item || left.length === records.length) return wereThere;
      // Somebody else may take others out of it at the same time.
      const isUnchanged = { when: "equals", attribute: "c", value: records.length } as const;
      const isDone =
        left.length === 0
          ? await this.#table.deleteIf(key, isUnchanged)
          : (await this.#table.mergeIf(key, rowsOf(left, Number(item.t)), isUnchanged)).written;
      if (isDone) return wereThere;
    }
  }
}

/** Results of the same type, together. */
function byType(names: readonly ResultName[]): Iterable<ResultName[]> {
  const found = new Map<string, ResultName[]>();
  for (const each of names) {
    const type = packPartition(each.namespace, each.name, each.version);
    const known = found.get(type);
    if (known) known.push(each);
    else found.set(type, [each]);
  }
  return found.values();
}
