import type { AttemptEvidence, TaskError } from "../errors.ts";
import type { Task } from "../task.ts";
import type { FailureKind } from "../wire/outcome.ts";

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

/**
 * The outcomes of the tasks asked for, as they come.
 *
 * @typeParam K What stands for a task; equal tasks share one.
 */
export class Outcomes<K> {
  readonly tasks: readonly Task<unknown>[];
  /** Outcomes in the order they came. */
  readonly arrived: TaskOutcome[] = [];
  readonly #positions = new Map<K, number[]>();
  readonly #outcomes: (TaskOutcome | undefined)[];
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #waiting: (() => void)[] = [];
  isOver = false;

  constructor(tasks: readonly Task<unknown>[], keys: readonly K[]) {
    this.tasks = tasks;
    this.#outcomes = keys.map(() => undefined);
    keys.forEach((key, position) => {
      const known = this.#positions.get(key);
      if (known) known.push(position);
      else this.#positions.set(key, [position]);
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Whether the task was asked for and has no outcome yet. */
  wants(key: K): boolean {
    const positions = this.#positions.get(key);
    return positions !== undefined && this.#outcomes[positions[0]] === undefined;
  }

  /** The tasks asked for that one stands for. */
  askedFor(key: K): Task<unknown>[] {
    return (this.#positions.get(key) ?? []).map((position) => this.tasks[position]);
  }

  /** A task that was asked for ended; it is told once for each time it was asked for. */
  settle(key: K, outcomeOf: (task: Task<unknown>) => TaskOutcome): void {
    for (const position of this.#positions.get(key) ?? []) {
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
    return this.arrived.length === this.#outcomes.length;
  }

  /** Nothing more will arrive. */
  protected close(): void {
    this.isOver = true;
    this.#end();
    this.#wake();
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
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
