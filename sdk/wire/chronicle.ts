import type { FailureKind, ThrownError, Usage } from "./outcome.ts";
import type { Slot } from "./slot.ts";

/** What became of an attempt, as it is told of a run. */
export interface ToldAttempt {
  /** Counted from 1. */
  readonly attempt: number;
  readonly kind: FailureKind | "ok" | "suspended";
  readonly lane: string;
  readonly memoryMb?: number;
  readonly executor: string;
  /** Milliseconds since the epoch, as are all times here. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly seen: string;
  readonly decided: string;
  readonly peakMemoryMb?: number;
  /** Dollars, where they were told. */
  readonly costUsd?: number;
  /** What it used, where it could say. */
  readonly usage?: Usage;
}

/** An attempt that brought a result. */
export interface ToldSuccess {
  readonly attempt: number;
  readonly lane: string;
  readonly memoryMb: number | undefined;
  readonly executor: string;
  readonly usage: Usage;
  /** Dollars, where they were told. */
  readonly costUsd?: number;
}

/** Why a run ended that may cost no more: in dollars, what it may, what it has, and what its next attempt may. */
export interface SpentBudget {
  readonly maxUsd: number;
  readonly spentUsd: number;
  readonly neededUsd: number;
}

/**
 * One thing that happened in a run. Tasks are positions in the run's manifest; those that tasks run have positions
 * behind it, which each driver counts for itself: `GrowingPlan` makes one count of them.
 */
export type ChronicleEvent =
  /** A driver begins, or takes over. Tasks as bits: those that have to be there, and those that are. */
  | {
      readonly type: "driven";
      readonly at: number;
      readonly epoch: number;
      readonly runner: string;
      readonly host: string;
      readonly pid: number;
      readonly wanted: Uint8Array;
      readonly cached: Uint8Array;
      /** Dollars that the run had cost until then. Default 0. */
      readonly costUsd?: number;
    }
  | {
      readonly type: "dispatched";
      readonly at: number;
      readonly lane: string;
      readonly executor?: string;
      /** Why there, of first attempts; why at all, of second ones beside those. */
      readonly why?: string;
      /** The attempt before goes on. */
      readonly beside?: true;
      readonly tasks: readonly number[];
      readonly attempts: readonly number[];
    }
  /** An attempt has failed, and there will be another. */
  | {
      readonly type: "retried";
      readonly at: number;
      readonly task: number;
      readonly last: ToldAttempt;
      readonly why: string;
      readonly delayMs: number;
      readonly lane: string;
    }
  /** Of two attempts at once one has ended: the task goes by the other. */
  | { readonly type: "beside-ended"; readonly at: number; readonly task: number; readonly last: ToldAttempt }
  /** A task runs tasks: positions of the tasks of its plan, some of which the run may have had before. */
  | {
      readonly type: "nested";
      readonly at: number;
      readonly parent: number;
      readonly attempt: number;
      /** A {@link ChildPlan}, packed. */
      readonly plan: Slot;
      readonly positions: readonly number[];
      /** Of those that are new to this driver: what has to be there, and what is, as bits of the plan. */
      readonly wanted: Uint8Array;
      readonly cached: Uint8Array;
    }
  /** An attempt was given up since it waited for tasks of its own; it is made again when they have ended. */
  | { readonly type: "suspended"; readonly at: number; readonly task: number; readonly last: ToldAttempt }
  /** Without an attempt, another run of the same lab has made it. */
  | { readonly type: "done"; readonly at: number; readonly task: number; readonly last?: ToldSuccess }
  | {
      readonly type: "failed";
      readonly at: number;
      readonly task: number;
      readonly kind: FailureKind;
      readonly message: string;
      readonly blockedBy?: number;
      readonly last?: ToldAttempt;
      readonly logTail: readonly string[];
      readonly error?: ThrownError;
      /** An attempt of it was running, or had just ended. */
      readonly ran: boolean;
    }
  /**
   * A finished task runs again: its result was lost. `failed`: or it was ended since nobody wanted it any more, as a
   * failure of this kind, and somebody needs it now.
   */
  | {
      readonly type: "reopened";
      readonly at: number;
      readonly task: number;
      readonly wasDone: boolean;
      readonly failed?: FailureKind;
    }
  | {
      readonly type: "log";
      readonly at: number;
      readonly task: number;
      readonly attempt: number;
      readonly level: "debug" | "info" | "warn" | "error";
      readonly text: string;
    }
  | { readonly type: "notice"; readonly at: number; readonly text: string }
  /** It cannot pay for its next attempt. */
  | { readonly type: "budget-spent"; readonly at: number; readonly budget: SpentBudget }
  | { readonly type: "ended"; readonly at: number };

/** A set of positions as bits. */
export function toBits(length: number, has: (position: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let position = 0; position < length; position++) if (has(position)) bits[position >> 3] |= 1 << (position & 7);
  return bits;
}

export const hasBit = (bits: Uint8Array, position: number): boolean =>
  ((bits[position >> 3] ?? 0) & (1 << (position & 7))) !== 0;
