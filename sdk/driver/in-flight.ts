import type { Meter } from "../core/attempt-cost.ts";
import type { Lane } from "../core/offer.ts";
import type { AdoptedFrom } from "../wire/adopted.ts";
import type { FanIn } from "../wire/fan-in.ts";

/** An assignment that was handed to the runner and is not over. */
export interface InFlight {
  readonly lane: Lane;
  readonly executor: string | undefined;
  readonly dispatchedAt: number;
  /** How many attempts were handed over together, and those that their executor went on with. */
  size: number;
  /** Tasks that have no outcome yet. */
  readonly open: Set<number>;
  /** Number of each attempt, by task; of what another driver began nothing is told. */
  readonly attempts?: Map<number, number>;
  /** Those of them that were taken back before they began: nobody waits for them, whatever is still said of them. */
  readonly takenBack: Set<number>;
  /** What its invocation costs, where it is one. */
  invocation?: Meter;
  /** The shard of the lab's feed in which its executor tells what happens. Default 0, the first. */
  feedShard?: number;
  /** Another driver began it. */
  readonly adoptedFrom?: AdoptedFrom;
}

/** The assignments on their way, for evidence of what went wrong with them. */
export class InFlightBook {
  readonly #byId = new Map<string, InFlight>();

  /** Attempts that have no outcome yet. */
  get size(): number {
    let size = 0;
    for (const { open } of this.#byId.values()) size += open.size;
    return size;
  }

  /** @param numbers Of the attempts, in the order of the tasks. */
  add(
    id: string,
    lane: Lane,
    executor: string | undefined,
    tasks: readonly number[],
    dispatchedAt: number,
    numbers: readonly number[] = [],
  ): void {
    this.#byId.set(id, {
      lane,
      executor,
      dispatchedAt,
      size: tasks.length,
      open: new Set(tasks),
      attempts: new Map(numbers.map((number, position) => [tasks[position], number])),
      takenBack: new Set(),
    });
  }

  /** An attempt that another driver began is awaited from now on. */
  adopt(id: string, lane: Lane, task: number, adoptedFrom: AdoptedFrom): void {
    const { executor, dispatchedAt } = adoptedFrom;
    this.#byId.set(id, {
      lane,
      executor,
      dispatchedAt,
      size: 1,
      open: new Set([task]),
      takenBack: new Set(),
      adoptedFrom,
    });
  }

  [Symbol.iterator](): IterableIterator<[string, InFlight]> {
    return this.#byId.entries();
  }

  /** Its executor goes on with a task more. */
  join(id: string, { task, attempt }: FanIn): void {
    const inFlight = this.#byId.get(id);
    // It is told twice.
    if (!inFlight || inFlight.attempts?.get(task) === attempt) return;
    inFlight.open.add(task);
    inFlight.attempts?.set(task, attempt);
    inFlight.size += 1;
  }

  get(id: string): InFlight | undefined {
    return this.#byId.get(id);
  }

  /** Tasks of an assignment go elsewhere. */
  takeBack(id: string, tasks: readonly number[]): void {
    for (const task of tasks) this.#byId.get(id)?.takenBack.add(task);
  }

  /** One attempt of an assignment has ended. */
  end(id: string, task: number): InFlight | undefined {
    const inFlight = this.#byId.get(id);
    if (inFlight?.open.delete(task) && inFlight.open.size === 0) this.#byId.delete(id);
    return inFlight;
  }

  /** When the first attempt was dispatched that is in flight on an executor. */
  firstOn(executor: string): number | undefined {
    let first: number | undefined;
    for (const inFlight of this.#byId.values()) {
      if (inFlight.executor === executor) first = Math.min(first ?? inFlight.dispatchedAt, inFlight.dispatchedAt);
    }
    return first;
  }

  /** An assignment is over as a whole. */
  take(id: string): InFlight | undefined {
    const inFlight = this.#byId.get(id);
    this.#byId.delete(id);
    return inFlight;
  }

  /** An executor is gone, with all of its assignments; gives back the oldest. */
  takeOf(executor: string): InFlight | undefined {
    let oldest: InFlight | undefined;
    for (const [id, inFlight] of this.#byId) {
      if (inFlight.executor !== executor || inFlight.adoptedFrom) continue;
      oldest ??= inFlight;
      this.#byId.delete(id);
    }
    return oldest;
  }
}
