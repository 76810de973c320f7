import type { Scheduler } from "../core/scheduler.ts";
import { TaskState } from "../core/task-table.ts";
import { slotBytes } from "../wire/slot.ts";
import type { Bill } from "./bill.ts";
import type { InFlightBook } from "./in-flight.ts";
import type { RunBook } from "./run-book.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** About what a task of a run takes that has ended, in bytes. */
const BYTES_OF_TASK = 2_000;
/** What is kept of runs that have ended, in bytes: later runs share it without a look-up, and make again what is lost. */
const KEPT_BYTES = 32 * 2 ** 20;

interface EndedRunsOptions {
  readonly book: RunBook;
  readonly scheduler: Pick<Scheduler, "tasks">;
  readonly inFlight: InFlightBook;
  readonly bill: Pick<Bill, "mayCharge">;
}

/**
 * What a driver remembers of runs that have ended: so much of the latest ones as fits some memory. A lab may live for
 * long, and have any number of runs; whoever holds a run's handle has its results from that.
 */
export class EndedRuns {
  readonly #options: EndedRunsOptions;
  /** The oldest first. */
  #kept: { readonly run: RunState; readonly bytes: number }[] = [];
  #bytes = 0;
  /** Runs that have looked their tasks up and not yet begun: they share what has been finished since. */
  #beginning = 0;

  constructor(options: EndedRunsOptions) {
    this.#options = options;
  }

  /** A run begins: until it has, nothing is forgotten. */
  async whileBeginning<T>(begin: () => Promise<T>): Promise<T> {
    this.#beginning += 1;
    try {
      return await begin();
    } finally {
      this.#beginning -= 1;
    }
  }

  /** A run is over, and written down. */
  add(run: RunState): void {
    const results = run.targets.reduce((sum, { value }) => sum + (value ? slotBytes(value) : 0), 0);
    const bytes = (run.entries.size + run.unneeded.length) * BYTES_OF_TASK + results;
    this.#kept.push({ run, bytes });
    this.#bytes += bytes;
    if (this.#bytes > KEPT_BYTES && this.#beginning === 0) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const { book, inFlight } = this.#options;
    const busy = new Set<RunState>();
    for (const [, { open }] of inFlight) {
      for (const task of open) if (book.entries[task]) busy.add(book.runOf(book.entries[task]));
    }
    this.#kept = this.#kept.filter(({ run, bytes }) => {
      if (this.#bytes <= KEPT_BYTES || busy.has(run) || !this.#isQuiet(run)) return true;
      this.#bytes -= bytes;
      this.#forget(run);
      return false;
    });
  }

  /** Nothing of it will be heard of again, and nobody shares anything of it. */
  #isQuiet(run: RunState): boolean {
    const { bill, scheduler } = this.#options;
    if (run.indexes.some((index) => bill.mayCharge(index))) return false;
    const own = new Set(run.indexes);
    for (const { task, run: owner, uses } of run.entries) {
      if (!own.has(owner)) continue;
      const state = scheduler.tasks.state[task];
      if (uses > 1 || (state !== TaskState.Done && state !== TaskState.Failed && state !== TaskState.Skipped))
        return false;
    }
    return true;
  }

  #forget(run: RunState): void {
    const { book, scheduler } = this.#options;
    const drop = (entry: TaskEntry) => {
      const { planned, task } = entry;
      if (book.byKey.get(planned.key) === entry) book.byKey.delete(planned.key);
      // Nothing is known here of how to make it again.
      scheduler.tasks.unwanted[task] = 0;
      delete book.entries[task];
    };
    const own = new Set(run.indexes);
    // What it has of others stays theirs.
    for (const entry of run.entries) {
      if (own.has(entry.run)) drop(entry);
      else entry.uses -= 1;
    }
    for (const entry of run.unneeded) drop(entry);
    for (const index of run.indexes) delete book.runs[index];
  }
}
