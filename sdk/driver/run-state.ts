import type { AttemptEvidence, LabError, TaskError } from "../errors.ts";
import type { Task } from "../task.ts";
import type { FailureKind } from "../wire/outcome.ts";
import type { TaskEntry } from "./task-entry.ts";

/** How one of the tasks asked for ended well. */
export interface TaskSuccess<R = unknown> {
  readonly status: "fulfilled";
  readonly kind: "ok";
  readonly task: Task<R>;
  readonly value: R;
  /** Its result was there before the run. */
  readonly cached: boolean;
  /** What is known of each of its attempts, the last one included; none where it was cached. */
  readonly attempts: readonly AttemptEvidence[];
}

/** How one of the tasks asked for ended without a result. */
export interface TaskFailure<R = unknown> {
  readonly status: "rejected";
  readonly kind: FailureKind;
  readonly task: Task<R>;
  readonly reason: TaskError;
  /** What is known of each of its attempts: the same as in `reason`. */
  readonly attempts: readonly AttemptEvidence[];
}

export const failureOf = <R>(task: Task<R>, reason: TaskError, kind: FailureKind): TaskFailure<R> => ({
  status: "rejected",
  kind,
  task,
  reason,
  attempts: reason.attempts,
});

/** How one of the tasks asked for ended. */
export type TaskOutcome<R = unknown> = TaskSuccess<R> | TaskFailure<R>;

/** What a run is known by. */
export interface RunIdentity {
  readonly runId: string;
  readonly name: string | undefined;
  readonly tags: readonly string[];
  /** Which of the run's drivers this is, counted from 1. */
  readonly epoch: number;
}

/** A run from the driver's side: what was asked for, and what has come of it. */
export class RunState {
  readonly id: string;
  readonly name: string | undefined;
  readonly tags: readonly string[];
  /** Which of the run's drivers this is, counted from 1. */
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly startedAt = Date.now();
  endedAt: number | undefined;
  /** Dollars so far. */
  costUsd = 0;
  /** What it may cost, in dollars. */
  maxCostUsd: number | undefined;
  /** It could not pay for its next attempt: what it had cost then, and what that one may have cost. */
  budgetSpent: { readonly maxUsd: number; readonly spentUsd: number; readonly neededUsd: number } | undefined;
  /** Index of the run in the scheduler. */
  readonly index: number;
  readonly tasks: readonly Task<unknown>[];
  /** The entry of each task asked for; equal tasks share one. */
  readonly targets: readonly TaskEntry[];
  /** Every task that has to be there for them. */
  readonly entries: readonly TaskEntry[];
  /** Outcomes of the tasks asked for, in the order they came. */
  readonly arrived: TaskOutcome[] = [];
  readonly #positions = new Map<TaskEntry, number[]>();
  readonly #outcomes: (TaskOutcome | undefined)[];
  /** Task types of which an attempt has ended in this run. */
  readonly ranTypes = new Set<string>();
  /** Failures of tasks that were not asked for themselves. */
  readonly otherFailures: TaskError[] = [];
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #waiting: (() => void)[] = [];
  isOver = false;
  /** All of its tasks are settled with the scheduler; results may still be on their way. */
  isSettled = false;
  /** Somebody asked for its end before its time. */
  isCancelled = false;
  /** Why it is not this driver's any more. */
  lost: LabError | undefined;

  constructor(
    { runId, name, tags, epoch }: RunIdentity,
    index: number,
    tasks: readonly Task<unknown>[],
    targets: readonly TaskEntry[],
    entries: readonly TaskEntry[],
  ) {
    this.id = runId;
    this.name = name;
    this.tags = tags;
    this.epoch = epoch;
    this.index = index;
    this.tasks = tasks;
    this.targets = targets;
    this.entries = entries;
    this.#outcomes = targets.map(() => undefined);
    targets.forEach((entry, position) => {
      this.#positions.set(entry, [...(this.#positions.get(entry) ?? []), position]);
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Whether the task was asked for and has no outcome yet. */
  wants(entry: TaskEntry): boolean {
    const positions = this.#positions.get(entry);
    return positions !== undefined && this.#outcomes[positions[0]] === undefined;
  }

  /** A task that was asked for ended; it is told once for each time it was asked for. */
  settle(entry: TaskEntry, outcomeOf: (task: Task<unknown>) => TaskOutcome): void {
    for (const position of this.#positions.get(entry) ?? []) {
      const outcome = outcomeOf(this.tasks[position]);
      this.#outcomes[position] = outcome;
      this.arrived.push(outcome);
    }
    this.#wake();
  }

  /** Outcomes in the order of the tasks; all there once the run has ended. */
  get outcomes(): readonly (TaskOutcome | undefined)[] {
    return this.#outcomes;
  }

  /** Every task asked for has its outcome. */
  get isComplete(): boolean {
    return this.arrived.length === this.targets.length;
  }

  finish(): void {
    this.isOver = true;
    this.endedAt = Date.now();
    this.#end();
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when something more has arrived, or the run is over. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
