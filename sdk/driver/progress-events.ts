import type { LogLevel } from "../../runtime/log-lines.ts";
import type { LiveUsage } from "../wire/live-usage.ts";
import type { FailureKind } from "../wire/outcome.ts";

/** An attempt that is being executed, and what it uses as far as that was told. */
export interface RunningAttempt extends Partial<LiveUsage> {
  /** Task name. */
  readonly name: string;
  readonly task: string;
  readonly attempt: number;
  readonly lane: string;
  /** Absent where the service chooses: an invocation of Lambda. */
  readonly executor?: string;
  /** When it was dispatched, in milliseconds since the epoch. */
  readonly since: number;
}

/** What a run tells of itself while it goes on; for the terminal, notebooks, and whoever asks. */
export type ProgressEvent =
  | {
      readonly type: "run-started";
      readonly runId: string;
      readonly runner: string;
      readonly at: number;
      /**
       * Tasks by type: how many there are, how many were found in the cache, and how many dollars the others are
       * expected to cost, where it is known how long they take.
       */
      readonly types: readonly {
        readonly name: string;
        readonly total: number;
        readonly cached: number;
        readonly expectedUsd?: number;
      }[];
      /** Dollars that it has cost with earlier drivers. Default 0. */
      readonly costUsd?: number;
    }
  /** Tasks of the run run tasks, which are part of it from now on. */
  | {
      readonly type: "tasks-added";
      readonly runId: string;
      readonly at: number;
      readonly types: readonly { readonly name: string; readonly total: number; readonly cached: number }[];
    }
  /** An attempt has waited too long for tasks that it runs, and is made again later. */
  | { readonly type: "task-suspended"; readonly runId: string; readonly at: number; readonly name: string }
  | {
      readonly type: "task-started";
      readonly runId: string;
      readonly at: number;
      readonly name: string;
      readonly count: number;
    }
  /** Once a second while something runs for longer than that: the twenty attempts that have run longest. */
  | {
      readonly type: "running";
      readonly runId: string;
      readonly at: number;
      readonly attempts: readonly RunningAttempt[];
    }
  | { readonly type: "task-done"; readonly runId: string; readonly at: number; readonly name: string }
  | {
      readonly type: "task-failed";
      readonly runId: string;
      readonly at: number;
      readonly name: string;
      readonly task: string;
      readonly kind: FailureKind;
      readonly message: string;
      /** An attempt of it was running, or had just ended. */
      readonly ran: boolean;
    }
  | {
      readonly type: "task-retried";
      readonly runId: string;
      readonly at: number;
      readonly name: string;
      readonly task: string;
      readonly attempt: number;
      readonly kind: FailureKind;
      readonly seen: string;
      readonly why: string;
      readonly delayMs: number;
      readonly lane: string;
    }
  /** An attempt takes longer than nearly all others of its kind: a second one has begun beside it. */
  | {
      readonly type: "second-attempt";
      readonly runId: string;
      readonly at: number;
      readonly name: string;
      readonly task: string;
      readonly attempt: number;
      readonly why: string;
      readonly lane: string;
    }
  /**
   * A finished task has to run again: its result was lost. `failed`: or it was ended since nobody wanted it any more, as
   * a failure of this kind, and somebody needs it now.
   */
  | {
      readonly type: "task-reopened";
      readonly runId: string;
      readonly at: number;
      readonly name: string;
      readonly wasDone: boolean;
      readonly failed?: FailureKind;
    }
  | {
      readonly type: "log";
      readonly runId: string;
      readonly at: number;
      readonly name: string;
      readonly task: string;
      readonly level: LogLevel;
      readonly text: string;
    }
  /** It has cost so many dollars more, for tasks of this name where that is known. */
  | {
      readonly type: "cost";
      readonly runId: string;
      readonly at: number;
      readonly usd: number;
      readonly name?: string;
    }
  /** Something the user should know that is no task's fault. */
  | { readonly type: "notice"; readonly at: number; readonly text: string }
  | { readonly type: "run-ended"; readonly runId: string; readonly at: number };

/** Receives progress events. Must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;
