import type { ControlTable } from "../sdk/stores/control-table.ts";
import type { ResultRecord } from "../sdk/stores/result-items.ts";
import type { Committed } from "../sdk/stores/results.ts";
import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { Outcome } from "../sdk/wire/outcome.ts";
import type { Slot } from "../sdk/wire/slot.ts";
import { OrderedCommits } from "./ordered-commits.ts";

/** A result that attempts behind its own need: mostly it is there when the first of them asks. */
class Handed {
  #isSettled = false;
  #slot: Slot | undefined;
  #waiting: ((slot: Slot | undefined) => void)[] = [];

  get slot(): Slot | undefined | Promise<Slot | undefined> {
    return this.#isSettled ? this.#slot : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The first word counts. */
  settle(slot: Slot | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#slot = slot;
    for (const resolve of this.#waiting) resolve(slot);
    this.#waiting = [];
  }
}

/** What the attempts of an assignment hand on to those behind them, and the order in which they commit. */
export class HandedResults {
  readonly #byKey = new Map<string, Handed>();
  readonly #commits = new OrderedCommits();
  /** Results that are given away with their memory. */
  readonly #given = new WeakSet<Slot>();

  private constructor(attempts: readonly AttemptSpec[]) {
    for (const { handed = [] } of attempts) for (const key of handed) this.#byKey.set(key, new Handed());
    // Of an assignment that was cancelled in part, some may be gone.
    const there = new Set(attempts.map(({ key }) => key));
    for (const key of this.#byKey.keys()) if (!there.has(key)) this.#settle(key, undefined);
  }

  /** Undefined for attempts that hand nothing on. */
  static of(attempts: readonly AttemptSpec[]): HandedResults | undefined {
    return attempts.some(({ handed }) => handed) ? new HandedResults(attempts) : undefined;
  }

  /** Results by cache key, each with memory of its own; undefined where one of them has not come about. */
  take(keys: readonly string[]): Record<string, Slot> | undefined | Promise<Record<string, Slot> | undefined> {
    const slots = keys.map((key) => this.#byKey.get(key)?.slot);
    const isThere = !slots.some((slot) => slot instanceof Promise);
    return isThere
      ? this.#taken(keys, slots as (Slot | undefined)[])
      : Promise.all(slots).then((settled) => this.#taken(keys, settled));
  }

  #taken(keys: readonly string[], slots: readonly (Slot | undefined)[]): Record<string, Slot> | undefined {
    const taken: Record<string, Slot> = Object.create(null);
    for (const [position, key] of keys.entries()) {
      const slot = slots[position];
      if (!slot) return undefined;
      // A typed array is a window on the memory it is decoded from, and tasks may write to theirs.
      const isShared = "inline" in slot && !this.#given.has(slot);
      taken[key] = isShared ? { inline: new Uint8Array(slot.inline) } : slot;
      if (this.#given.has(slot)) this.#byKey.delete(key);
    }
    return taken;
  }

  /**
   * An attempt has its result; from here to its commit nothing may come in between.
   *
   * @param isForOne One attempt takes it, and nobody else has its memory: it is not copied, and kept no longer.
   */
  give(key: string, slot: Slot, isForOne: boolean): void {
    if (isForOne) this.#given.add(slot);
    this.#settle(key, slot);
  }

  /**
   * Commits a result, after those of which it was computed; undefined if one of them is not the one that counts.
   *
   * @param record Undefined for a result that is not stored.
   */
  commit(table: ControlTable, spec: AttemptSpec, record: ResultRecord | undefined): Promise<Committed | undefined> {
    return this.#commits.commit(table, { key: spec.key, needs: spec.handed ?? [], record });
  }

  /** An attempt has ended; whoever waits for a result that it has not given waits in vain. */
  ended({ key }: AttemptSpec, { kind }: Outcome): void {
    if (kind !== "ok") this.#settle(key, undefined);
  }

  #settle(key: string, slot: Slot | undefined): void {
    this.#byKey.get(key)?.settle(slot);
  }
}
