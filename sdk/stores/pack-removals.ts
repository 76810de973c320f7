import type { ItemKey } from "../wire/keys.ts";
import type { ControlTable } from "./control-table.ts";
import type { ResultRecord } from "./result-items.ts";
import { recordsOf, rowsOf } from "./result-pack.ts";

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
