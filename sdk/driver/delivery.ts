import { CodecError } from "../errors.ts";
import type { Task } from "../task.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import type { Slot } from "../wire/slot.ts";
import { errorOf, taskError } from "./failures.ts";
import { askedInHand, loadAsked } from "./load-asked.ts";
import { failureOf } from "./outcomes.ts";
import { type DriverParts, notice } from "./parts.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Gives runs their results, and ends those that have them all. */
export class Delivery {
  readonly #parts: DriverParts;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  /** Hands out a result that was asked for, at once where it is small. */
  deliver(run: RunState, entry: TaskEntry): void {
    const valueFor = this.#inHand(run, entry);
    if (valueFor) {
      this.#settle(run, entry, valueFor);
      this.finishIfOver(run);
    } else void this.#load(run, entry);
  }

  #inHand(run: RunState, entry: TaskEntry): ((task: Task<unknown>) => unknown) | undefined {
    const { keeper, options } = this.#parts;
    if (keeper.isInDoubt()) return undefined;
    if (!options.loadsResults) return () => undefined;
    try {
      return askedInHand(entry.value as Slot, run.askedFor(entry));
    } catch {
      // What is wrong with it shows once more, where that is answered.
      return undefined;
    }
  }

  #settle(run: RunState, entry: TaskEntry, valueFor: (task: Task<unknown>) => unknown): void {
    const { cached } = entry;
    const attempts = this.#parts.evidence.attemptsOf(entry);
    run.settle(entry, (task) => ({ status: "fulfilled", kind: "ok", task, value: valueFor(task), cached, attempts }));
  }

  /** Loads a result; one that is lost is made again. */
  async #load(run: RunState, entry: TaskEntry): Promise<void> {
    const { book, keeper, loop } = this.#parts;
    const slot = entry.value as Slot;
    try {
      const { stores, loadsResults } = this.#parts.options;
      const valueFor = loadsResults ? await loadAsked(stores.objects, slot, run.askedFor(entry)) : () => undefined;
      if (keeper.isInDoubt()) await keeper.certain();
      this.#settle(run, entry, valueFor);
    } catch (error) {
      if (error instanceof ObjectLostError || error instanceof CodecError) {
        if (entry.value !== slot || run.isOver) return;
        notice(
          this.#parts,
          `the stored result of ${entry.planned.task} is lost (${error.message}); it is computed again`,
        );
        loop.push({ type: "lost", runs: book.wanting(entry).map(({ index }) => index), tasks: [entry.task] });
        return;
      }
      entry.lastFailure = { kind: "object-lost", seen: `loading its result: ${(error as Error).message}` };
      const reason = taskError(entry, "object-lost", "its result could not be loaded", undefined);
      run.settle(entry, (task) => failureOf(task, reason, "object-lost"));
    }
    this.finishIfOver(run);
  }

  finishIfOver(run: RunState): void {
    if (run.isOver || !run.isSettled || !run.isComplete) return;
    const { aftermath, book, live, options, progress } = this.#parts;
    run.finish();
    // What is in flight of a run that others go on with is written by who gives it away: that comes after this.
    if (run.lost) this.#writeDown(run);
    else aftermath.add(() => this.#writeDown(run));
    book.active.delete(run);
    live.end(run);
    progress.runEnded(run.id);
    options.tracer?.end(run, errorOf(run));
  }

  /** Whoever hears of a run's end, in its record, finds everything that happened in it. */
  #writeDown(run: RunState): void {
    const { charges, chronicler, ended, journal, keeper, leftResults, options, statistics } = this.#parts;
    if (!run.lost) statistics.record(run);
    // Where requests are charged, those for the run's statistics are its own, too.
    const isCharged = options.stores.requests !== undefined;
    const told = Promise.all([chronicler.end(run), journal.end(run), ...(isCharged ? [statistics.written()] : [])]);
    const settled = told.then(() => charges.own.end(run.index, !run.lost));
    const written = keeper.end(run, settled);
    // Before it may be forgotten.
    if (!run.lost) leftResults.deleteAfter(run, written, options.loadsResults);
    const forgettable = () => ended.add(run);
    written.then(forgettable, forgettable);
  }
}
