import type { Meter } from "../core/cost.ts";
import type { Lane } from "../core/offer.ts";

/** An assignment that was handed to the runner and is not over. */
export interface InFlight {
  readonly lane: Lane;
  readonly executor: string | undefined;
  readonly dispatchedAt: number;
  /** How many attempts were handed over together. */
  readonly size: number;
  /** Tasks that have no outcome yet. */
  readonly open: Set<number>;
  /** What its invocation costs, where it is one. */
  invocation?: Meter;
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

  add(id: string, lane: Lane, executor: string | undefined, tasks: readonly number[], dispatchedAt: number): void {
    this.#byId.set(id, { lane, executor, dispatchedAt, size: tasks.length, open: new Set(tasks) });
  }

  /** One attempt of an assignment has ended. */
  end(id: string, task: number): InFlight | undefined {
    const inFlight = this.#byId.get(id);
    if (inFlight?.open.delete(task) && inFlight.open.size === 0) this.#byId.delete(id);
    return inFlight;
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
      if (inFlight.executor !== executor) continue;
      oldest ??= inFlight;
      this.#byId.delete(id);
    }
    return oldest;
  }
}
