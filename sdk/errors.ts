import type { Task } from "./task.ts";
import { userFrames } from "./user-frames.ts";
import { LabError } from "./wire/lab-error.ts";
import type { FailureKind } from "./wire/outcome.ts";

export { CodecError } from "./wire/codec/codec-error.ts";
export { LabError };

/** What an attempt used and where its time went, as its executor has measured it. Times are in milliseconds. */
export interface AttemptUsage {
  /**
   * From when it could begin, as its inputs were there or the attempt before had ended, until it was dispatched.
   * Absent of what tasks run, and where another driver has dispatched it.
   */
  readonly queueMs?: number;
  /** From there until it began: the start of its executor, and tasks before it. Absent as that is. */
  readonly startMs?: number;
  /** Fetching and decoding inputs. */
  readonly loadMs: number;
  /** In the task's own code. */
  readonly runMs: number;
  /** Encoding, storing and committing the result. */
  readonly storeMs: number;
  /** CPU time of the executor's process while it ran. */
  readonly cpuMs: number;
  /** Encoded, with the params. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What happened in one attempt of a task, and what was decided then. */
export interface AttemptEvidence {
  /** Counted from 1. */
  readonly attempt: number;
  /** `suspended`: no failure, see `ctx.lab`. */
  readonly kind: FailureKind | "ok" | "suspended";
  /** Kind and size of the executor: `local`, `lambda 1769 MB`. */
  readonly lane: string;
  /** Memory it had, in MB, where it was bounded. */
  readonly memoryMb?: number;
  /** Which executor it was: a process, a Lambda request, an ECS task. */
  readonly executor: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** What was seen, in the words of whoever saw it. */
  readonly seen: string;
  /** What followed, and why. */
  readonly decided: string;
  /** Highest memory seen, in MB, where it was measured. */
  readonly peakMemoryMb?: number;
  /** Absent where nobody was left to say it: the executor died. */
  readonly usage?: AttemptUsage;
  /**
   * Dollars it cost: its time where it ran, with the start and the idle time before it of an ECS task; its
   * requests, and keeping its result for a month, as an estimate. 0 on this machine.
   */
  readonly costUsd: number;
}

/** Something wrong with what was asked for, found before anything ran. */
export class InvalidTaskError extends LabError {}

/** Something wrong with how a lab was made or called. */
export class LabOptionError extends LabError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("invalid-option", message, options);
  }
}

/** Tasks that no executor of the runner can ever run; thrown before anything runs. */
export class InfeasibleError extends LabError {
  readonly tasks: readonly Task<unknown>[];

  constructor(message: string, tasks: readonly Task<unknown>[]) {
    super("infeasible", message);
    this.tasks = tasks;
  }
}

/** One task that has no result, and why: all of its attempts, and its last words. */
export class TaskError extends LabError {
  declare readonly kind: FailureKind;
  declare readonly task: Task<unknown>;
  declare readonly attempts: readonly AttemptEvidence[];
  /** Last log lines of the task, oldest first. */
  declare readonly logTail: readonly string[];
  /** The task whose failure kept this one from running, which then has no attempts. */
  declare readonly blockedBy: Task<unknown> | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    details: {
      task: Task<unknown>;
      attempts: readonly AttemptEvidence[];
      logTail: readonly string[];
      blockedBy?: Task<unknown> | undefined;
      cause?: unknown;
    },
  ) {
    super(kind, message, details.cause === undefined ? undefined : { cause: details.cause });
    const { task, attempts, logTail, blockedBy } = details;
    // Printing the error shows its message and what the task threw; the rest would bury that.
    Object.defineProperties(this, {
      task: { value: task },
      attempts: { value: attempts },
      logTail: { value: logTail },
      blockedBy: { value: blockedBy },
    });
    // Where this was made tells nothing; where the task threw is in the stack of the cause.
    this.stack = `${this.name}: ${message}`;
  }
}

/**
 * A task whose runtime environment could not be set up: its packages, files, secrets or `setup` function. What was
 * written meanwhile is in `logTail`. Without attempts where that was found before anything ran.
 */
export class RuntimeEnvSetupError extends TaskError {}

/** A task that was cancelled, or never ran because its run was. */
export class TaskCancelledError extends TaskError {}

/**
 * A run in which at least one task failed. Everything that finished is kept: in `results`, and in the
 * cache for the next run.
 *
 * @example
 * try {
 *   await lab.runTasks(models);
 * } catch (error) {
 *   if (!(error instanceof RunError)) throw error;
 *   for (const { task, kind, attempts } of error.failures) console.error(String(task), kind, attempts);
 * }
 */
export class RunError extends LabError {
  readonly runId: string;
  /** A failure for each task that has no result, those that ran before those that were blocked. */
  declare readonly failures: readonly TaskError[];
  /** Results in the order of the tasks asked for; undefined where there is none. */
  declare readonly results: readonly unknown[];

  constructor(
    /** That of the first failure; `cost-limit` where `maxCostUsd` ended the run. */
    kind: FailureKind | "cost-limit",
    message: string,
    runId: string,
    failures: readonly TaskError[],
    results: readonly unknown[],
  ) {
    super(kind, message, failures.length > 0 ? { cause: failures[0] } : undefined);
    this.runId = runId;
    // Where this was made in here tells nothing; who has asked for the run does.
    this.stack = `${this.name}: ${message}${userFrames(this.stack)}`;
    // Printing the error shows the first failure as its cause; a thousand more would bury it.
    Object.defineProperties(this, { failures: { value: failures }, results: { value: results } });
  }
}
