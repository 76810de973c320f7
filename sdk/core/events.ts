import type { FailureKind } from "../wire/outcome.ts";
import type { RequestCounts } from "../wire/requests.ts";
import type { Lane } from "./offer.ts";

/** How one attempt ended, reduced to what decisions need. */
export type AttemptEnd =
  | {
      readonly kind: "ok";
      readonly durationMs: number;
      /** Size of the result, encoded. Default 0. */
      readonly resultBytes?: number;
      /** Highest memory while it ran, in MB. Default 0: it was not measured. */
      readonly peakMemoryMb?: number;
    }
  | AttemptFailure;

/** How one attempt failed, reduced likewise. */
export interface AttemptFailure {
  readonly kind: FailureKind;
  /** What user code threw matches the task's `retryOn`. */
  readonly retryable?: boolean;
  /** Tasks whose results could not be loaded. */
  readonly lost?: readonly number[];
  /** What could not be loaded is no task's: none can make it again. */
  readonly lostForGood?: boolean;
  /** The service cut the attempt at its own longest. */
  readonly atServiceLimit?: boolean;
  /** Others had a part of the executor's memory: what it lacked may have been theirs. */
  readonly crowded?: boolean;
}

/** A failure that ended all attempts of an assignment, or of an executor, that had no outcome yet. */
export interface SharedFailure extends AttemptFailure {
  /** The task that was being executed, where that is known: it is held responsible, the others are not. */
  readonly culprit?: number;
}

/** Why an executor never took work: refused for now, taken away again before it could, or broken. */
export type StartFailureKind = "throttled" | "spot-interruption" | "start-failed";

/** What the scheduler is told. The driver turns what it sees into these; none carries a clock. */
export type SchedulerEvent =
  /** An attempt ended. A result is welcome also from an attempt that is no longer awaited. */
  | { readonly type: "attempt-ended"; readonly assignment: number; readonly task: number; readonly end: AttemptEnd }
  /**
   * An assignment broke off as a whole: its invocation or its executor died. The first of its tasks
   * that has no outcome is held responsible; those behind it had not begun.
   */
  | {
      readonly type: "assignment-failed";
      readonly assignment: number;
      readonly end: AttemptFailure;
    }
  /**
   * An executor has brought the last input of a task that several had a part of, and goes on with it by itself. Told
   * before the end of the attempt that brought it, and once more before its own, in case that is heard of first.
   */
  | { readonly type: "fan-in"; readonly assignment: number; readonly task: number; readonly attempt: number }
  /** An executor takes work. */
  | { readonly type: "executor-ready"; readonly executor: string; readonly lane: Lane }
  /** An executor is gone, with whatever it was working on; without `end` it was stopped on purpose, and nobody is to blame. */
  | { readonly type: "executor-gone"; readonly executor: string; readonly end?: SharedFailure }
  /** Executors asked for will not come. */
  | {
      readonly type: "start-failed";
      readonly lane: Lane;
      readonly count: number;
      readonly kind: StartFailureKind;
    }
  /** A capacity group allows more or less than before. */
  | { readonly type: "limit"; readonly group: string; readonly slots: number }
  /** Results that were stored are gone, as these runs found out when they wanted them. */
  | { readonly type: "lost"; readonly runs: readonly number[]; readonly tasks: readonly number[] }
  /** An attempt is about to run tasks: from now on it is the only one of its task. */
  | { readonly type: "asks"; readonly assignment: number; readonly task: number }
  /**
   * An attempt waits for a run that it has opened. Until that has ended it holds no slot; then it goes on
   * at once.
   */
  | { readonly type: "parked"; readonly assignment: number; readonly task: number; readonly run: number }
  /** An attempt has ended that waited too long: it is made again, free of charge, when what it waits for has ended. */
  | { readonly type: "suspended"; readonly assignment: number; readonly task: number }
  /** An attempt was not made, or for nothing: what it was to be handed by one before it in its assignment did not come. */
  | { readonly type: "passed-over"; readonly assignment: number; readonly task: number }
  /** So much was asked of the stores: by an attempt, before its end is told, or by the driver itself. */
  | {
      readonly type: "asked-stores";
      readonly requests: RequestCounts;
      readonly by?: { readonly assignment: number; readonly task: number };
    }
  /** A run has cost so much more, in dollars. */
  | { readonly type: "charged"; readonly run: number; readonly usd: number }
  /** Time has passed. */
  | { readonly type: "tick" }
  /** Tasks are no longer wanted by a run; `drain` lets those that are running finish. */
  | { readonly type: "cancel"; readonly run: number; readonly tasks?: readonly number[]; readonly drain: boolean };
