import type { Command } from "../core/commands.ts";
import { TaskState } from "../core/task-table.ts";
import type { Delivery } from "./delivery.ts";
import { taskError } from "./failures.ts";
import { failureOf } from "./outcomes.ts";
import type { DriverParts } from "./parts.ts";
import type { RunState } from "./run-state.ts";

/** What becomes of tasks and runs, as the scheduler has decided. */
export class Settling {
  readonly #parts: DriverParts;
  readonly #delivery: Delivery;

  constructor(parts: DriverParts, delivery: Delivery) {
    this.#parts = parts;
    this.#delivery = delivery;
  }

  retried(command: Command & { type: "retry" }): void {
    const { book, chronicler, evidence, nested, options, progress } = this.#parts;
    const { task, attempt, kind, delayMs, why, lane } = command;
    const entry = book.entries[task];
    nested.retried(entry);
    evidence.note(entry, attempt, kind, `${why}${delayMs > 0 ? `, in ${delayMs} ms` : ""}, on ${lane.name}`);
    progress.retried(book.runOf(entry).id, entry, command);
    chronicler.retried(entry, command);
    options.tracer?.retried(book.runOf(entry), entry, kind);
  }

  /** Of two attempts one has failed. */
  goesOn({ task, kind }: Command & { type: "goes-on" }): void {
    const { book, chronicler, evidence, scheduler } = this.#parts;
    const entry = book.entries[task];
    evidence.note(entry, scheduler.tasks.attempt[task], kind, "the other attempt goes on; free of charge");
    chronicler.besideEnded(entry);
  }

  settled({ task, kind, why, blockedBy }: Command & { type: "settled" }): void {
    const { scheduler, book, chronicler, evidence, nested, options, progress } = this.#parts;
    const entry = book.entries[task];
    const owner = book.runOf(entry);
    const wanting = book.wanting(entry);
    if (kind === "ok") {
      progress.done(owner.id, entry);
      chronicler.done(entry);
      options.tracer?.done(owner, entry);
      for (const run of wanting) this.#delivery.deliver(run, entry);
      nested.forget(entry);
      return;
    }
    entry.failure = kind;
    const isLeft = owner.lost !== undefined;
    if (blockedBy === undefined) evidence.note(entry, scheduler.tasks.attempt[task], kind, why);
    const blocking = blockedBy === undefined ? undefined : book.entries[blockedBy];
    const reason = taskError(entry, kind, why, blocking);
    nested.failed(entry, reason, blocking);
    nested.forget(entry);
    const ran = evidence.isAbout(entry.task);
    // What becomes of a run that was given away or taken is for others to tell.
    if (!isLeft) progress.failed(owner.id, entry, kind, reason.message, ran);
    chronicler.failed(entry, reason, blocking, ran);
    options.tracer?.failed(owner, entry, kind, reason.message);
    // What a task runs fails it or not, as its own code decides.
    if (wanting.length === 0 && !book.isNested(entry.run)) owner.otherFailures.push(reason);
    for (const run of wanting) {
      run.settle(entry, (asked) => failureOf(asked, reason, kind));
      this.#delivery.finishIfOver(run);
    }
  }

  /** A finished task runs again. Who was told that it had failed, stays told. */
  reopened({ task }: Command & { type: "reopened" }): void {
    const { scheduler, book, chronicler, nested, progress } = this.#parts;
    const entry = book.entries[task];
    const failed = entry.failure === undefined ? {} : { failed: entry.failure };
    const was = { wasDone: entry.value !== undefined, ...failed };
    entry.value = undefined;
    entry.success = undefined;
    entry.failure = undefined;
    entry.cached = false;
    // The stored record points at what is gone: the next one has to replace it.
    entry.generation = Math.max(entry.generation + 1, Date.now());
    book.byKey.set(entry.planned.key, entry);
    const owner = scheduler.tasks.owner[entry.task];
    const run = book.runs[owner];
    if (!book.isNested(owner)) run.isSettled = false;
    nested.reopened(entry);
    // To one run it has failed, and is nothing new; another one has never counted it.
    progress.reopened(run.id, entry, run === book.runOf(entry) ? was : { wasDone: was.wasDone });
    chronicler.reopened(entry, was);
  }

  /** A run cannot pay for its next attempt. */
  budgetSpent(command: Command & { type: "budget-spent" }): void {
    const { book, chronicler } = this.#parts;
    const run = book.runs[command.run];
    run.budgetSpent = { maxUsd: run.maxCostUsd ?? 0, spentUsd: run.costUsd, neededUsd: command.neededUsd };
    chronicler.budgetSpent(run, run.budgetSpent);
  }

  /** All tasks of a run of the scheduler are settled. */
  runEnded(index: number): void {
    const { book, nested } = this.#parts;
    if (book.isNested(index)) {
      nested.ended(index);
      return;
    }
    const run = book.runs[index];
    run.isSettled = true;
    this.#leaveToOthers(run);
    this.#delivery.finishIfOver(run);
  }

  /** What a cancelled run asked for goes on where other runs wait for it; this one no longer does. */
  #leaveToOthers(run: RunState): void {
    const { scheduler } = this.#parts;
    for (const entry of new Set(run.targets)) {
      const state = scheduler.tasks.state[entry.task];
      if (!run.wants(entry) || state === TaskState.Done || state === TaskState.Failed) continue;
      const reason = taskError(entry, "cancelled", "its run was cancelled; others still wait for it", undefined);
      run.settle(entry, (task) => failureOf(task, reason, "cancelled"));
    }
  }
}
