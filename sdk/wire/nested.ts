import type { FailureKind, ThrownError } from "./outcome.ts";
import type { Slot } from "./slot.ts";

/** A task that another one runs, as its parent has planned it. */
export interface ChildTask {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Positions in the plan. */
  readonly dependencies: readonly number[];
  readonly params: Slot;
  /** What it asks for and how its failures are answered: in the words of planning, the same in driver and bundle. */
  readonly demand: unknown;
  readonly policy: unknown;
  /** For how long its result counts, in milliseconds: 0 for its run only, absent for good. */
  readonly keepMs?: number | undefined;
}

/** The DAG that an attempt wants run: dependencies come before those that need them. */
export interface ChildPlan {
  readonly tasks: readonly ChildTask[];
  /** Position of each task asked for. */
  readonly targets: readonly number[];
}

/**
 * What an attempt asks of its driver. A call's name is unique among all executions: were an invocation
 * delivered twice, each would be given its own answers.
 */
export type NestedRequest =
  | {
      readonly type: "start";
      readonly call: string;
      /** The attempt waits for its end from the beginning. */
      readonly waits: boolean;
      readonly failFast: boolean;
      /** Absent: as the run does. */
      readonly bustCache?: boolean;
      /** A {@link ChildPlan}, packed. */
      readonly plan: Slot;
    }
  /** From now on the attempt waits for a call's end. */
  | { readonly type: "wait"; readonly call: string }
  /** Results could not be loaded, by cache key. */
  | { readonly type: "lost"; readonly call: string; readonly keys: readonly string[] };

/** A task without a result, as its parent is told of it. */
export interface ChildFailure {
  readonly key: string;
  readonly kind: FailureKind;
  readonly message: string;
  /** What is known of its attempts. */
  readonly attempts: readonly unknown[];
  readonly logTail: readonly string[];
  /** Cache key of the task whose failure kept it from running. */
  readonly blockedBy?: string;
  readonly error?: ThrownError;
}

/** What the driver answers. */
export type NestedAnswer =
  | {
      readonly type: "settled";
      readonly call: string;
      /** Results in the order of the tasks asked for; null where there is none. */
      readonly values: readonly (Slot | null)[];
      /** Whether each was there before the run. */
      readonly cached: readonly boolean[];
      /** Those that ran come before those that were blocked. */
      readonly failures: readonly ChildFailure[];
    }
  | { readonly type: "refused"; readonly call: string; readonly kind: string; readonly message: string };
