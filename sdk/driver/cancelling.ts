import type { Dispatching } from "./dispatching.ts";
import type { DriverParts } from "./parts.ts";
import type { RunState } from "./run-state.ts";

/** Ends runs and tasks before their time. */
export class Cancelling {
  readonly #parts: DriverParts;
  readonly #dispatching: Dispatching;

  constructor(parts: DriverParts, dispatching: Dispatching) {
    this.#parts = parts;
    this.#dispatching = dispatching;
  }

  /** Stops a run, or some tasks of it: what is running may finish when draining, and is stopped otherwise. */
  cancel(run: RunState, drain: boolean, tasks?: readonly number[]): void {
    if (run.isOver) return;
    if (!tasks) run.isCancelled = true;
    // With them goes what their tasks run, also what nobody waits for, unless others want it.
    this.#parts.loop.push({ type: "cancel", run: run.index, drain, ...(tasks ? { tasks } : {}) });
  }

  /** Lets what runs finish, and starts nothing more. */
  drainAll(): void {
    const { book, inFlight, progress } = this.#parts;
    const running = inFlight.size;
    progress.notice(
      running > 0
        ? `interrupted: ${running} running attempt${running === 1 ? "" : "s"} will finish; Ctrl-C again stops them`
        : "interrupted",
    );
    for (const run of book.active) this.cancel(run, true);
  }

  cancelAll(): void {
    for (const run of this.#parts.book.active) this.cancel(run, false);
  }

  /** Cancels one task in every run that waits for it. */
  cancelTask(key: string, force: boolean): void {
    const { book, loop, nested } = this.#parts;
    const entry = book.byKey.get(key);
    if (!entry) return;
    if (force) this.#dispatching.forced.add(entry.task);
    for (const run of book.active) this.cancel(run, false, [entry.task]);
    for (const run of nested.open()) loop.push({ type: "cancel", run, drain: false, tasks: [entry.task] });
  }
}
