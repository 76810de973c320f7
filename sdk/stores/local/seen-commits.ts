import type { RootDatabase } from "lmdb";
import { type Attribute, type Item, isSame } from "../control-table.ts";

/** LMDB's own word for it: a transaction can be read by every process, and its flush has begun. */
const VISIBLE = 1;
/** Of so many writes that wait together each bears little of the flush, and looking would cost as much. */
const MOST_AT_ONCE = 16;

/** What LMDB's own types leave out: where it is told how its transactions stand. */
interface WithEnvironment {
  readonly env?: { startWriting?: (address: number, told: (status: number) => unknown) => unknown };
}

interface Awaited {
  readonly item: Item;
  resolve(): void;
}

/**
 * Tells of writes as soon as every process can read them, while the disk still takes them.
 *
 * LMDB resolves its promises when its flush is over, most of the time of a small write. Nothing that happens to processes
 * takes back what can be read, and after a power failure the file is as it was after some transaction: what was
 * flushed, with all before it. LMDB's binding is told of the moment, but does nothing with it: so we listen there, and
 * look whether what was written is what is there. Where nothing is heard, its promise is what counts.
 */
export class SeenCommits {
  readonly #db: RootDatabase;
  readonly #awaited = new Set<Awaited>();

  constructor(db: RootDatabase) {
    this.#db = db;
    const { env } = db as WithEnvironment;
    const startWriting = env?.startWriting;
    if (typeof startWriting !== "function") return;
    const heard = (told: (status: number) => unknown) => (status: number) => {
      const answer = told(status);
      if (status === VISIBLE) this.#look();
      return answer;
    };
    Object.defineProperty(env, "startWriting", {
      value: (address: number, told: (status: number) => unknown) => startWriting.call(env, address, heard(told)),
    });
  }

  /**
   * Waits for a write, but no longer than until its item can be read.
   *
   * @param item No two writers write the same one, or it does not matter which of them did.
   * @param seen The result when the item is there.
   * @param flushed The result in any case. An error is none where the item was seen before: then the disk has failed,
   * which shows again.
   */
  sooner<T>(item: Item, seen: T, flushed: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const awaited = { item, resolve: () => resolve(seen) };
      this.#awaited.add(awaited);
      flushed.then(resolve, reject).finally(() => this.#awaited.delete(awaited));
    });
  }

  #look(): void {
    if (this.#awaited.size === 0 || this.#awaited.size > MOST_AT_ONCE) return;
    this.#db.resetReadTxn();
    for (const { item, resolve } of this.#awaited) if (isThere(item, this.#db.get([item.pk, item.sk]))) resolve();
  }
}

function isThere({ pk: _pk, sk: _sk, ...attributes }: Item, stored: Record<string, Attribute> | undefined): boolean {
  if (!stored) return false;
  const names = Object.keys(attributes);
  return names.length === Object.keys(stored).length && names.every((name) => isSame(stored[name], attributes[name]));
}
