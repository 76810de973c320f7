import type { ControlTable } from "../sdk/stores/control-table.ts";
import type { ResultRecord } from "../sdk/stores/result-items.ts";
import { type Committed, commitInOrder, isSameResult } from "../sdk/stores/results.ts";

/** A result that is to be committed after those that it was computed from. */
interface Entry {
  /** Cache key of its task. */
  readonly key: string;
  /** Cache keys of results before it that it was computed from. */
  readonly needs: readonly string[];
  /** Undefined for one that is not stored. */
  readonly record: ResultRecord | undefined;
}

interface Waiting extends Entry {
  resolve(committed: Committed | undefined): void;
  reject(error: unknown): void;
}

/** Results that are written at once. */
const MOST_AT_ONCE = 100;
/** Stands for the commit of a result that is not stored. */
const NOTHING: Committed = { own: true, record: undefined };

/**
 * Commits results in the order they come, as many at once as have gathered while the last ones were written: no result
 * is ever there without those that it was computed from, and none is that was computed from one which does not count.
 */
export class OrderedCommits {
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** Tasks whose results here are not those that count. */
  readonly #unfounded = new Set<string>();

  /** @returns What counts now; undefined if the result must not count, since what it was computed from does not. */
  commit(table: ControlTable, entry: Entry): Promise<Committed | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...entry, resolve, reject });
      if (!this.#isWriting) void this.#writeAll(table);
    });
  }

  async #writeAll(table: ControlTable): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MOST_AT_ONCE);
      for (let rest = group; rest.length > 0; ) rest = await this.#write(table, rest);
    }
    this.#isWriting = false;
  }

  /** @returns Those that are left, behind one that was not written. */
  async #write(table: ControlTable, group: readonly Waiting[]): Promise<Waiting[]> {
    const sound = group.filter((each) => {
      const isSound = !each.needs.some((key) => this.#unfounded.has(key));
      if (!isSound) this.#passOver(each);
      return isSound;
    });
    const records = sound.flatMap(({ record }) => record ?? []);
    let committed: readonly Committed[] = [];
    try {
      if (records.length > 0) committed = await commitInOrder(table, records);
    } catch (error) {
      // Those before the first that has a record need nothing written.
      const failed = sound.findIndex(({ record }) => record !== undefined);
      for (const each of sound.slice(0, failed)) each.resolve(NOTHING);
      this.#unfounded.add(sound[failed].key);
      sound[failed].reject(error);
      return sound.slice(failed + 1);
    }
    let at = 0;
    for (const [position, each] of sound.entries()) {
      if (!each.record) {
        // Something before it in the group may have turned out not to count.
        if (each.needs.some((key) => this.#unfounded.has(key))) this.#passOver(each);
        else each.resolve(NOTHING);
        continue;
      }
      const result = committed[at++];
      if (!result) return sound.slice(position);
      if (!result.own && !isSameResult(result.record, each.record)) this.#unfounded.add(each.key);
      each.resolve(result);
    }
    return [];
  }

  #passOver(each: Waiting): void {
    this.#unfounded.add(each.key);
    each.resolve(undefined);
  }
}
