import type { FanIn } from "../wire/fan-in.ts";
import type { FailureKind } from "../wire/outcome.ts";
import type { Lane } from "./offer.ts";

/** What the scheduler wants done. The driver carries it out and reports back as events. */
export type Command =
  /** Hand these attempts to an executor, or to a fresh invocation where the lane is not pooled. */
  | {
      readonly type: "dispatch";
      readonly assignment: number;
      readonly lane: Lane;
      readonly executor?: string;
      /** Which of the identical functions of the lane, from 0. */
      readonly copy?: number;
      /** To be executed in this order: the results that one waits for may be those of others before it. */
      readonly tasks: readonly number[];
      /** Number of each attempt, in the order of `tasks`. */
      readonly attempts: readonly number[];
      /** What the executor may go on with by itself, where it brings the last input, and the number of that attempt. */
      readonly fanIns?: readonly FanIn[];
      /** How many the executor works on at once, each in a process of its own. Default 1. */
      readonly atOnce?: number;
      /** What each may cost, in dollars, where its run has a bound on that. */
      readonly reservedUsd?: readonly number[];
      /** Of a second attempt, beside one that takes too long: why there is one. */
      readonly beside?: string;
    }
  /** The executor of an assignment goes on with a task by itself: it is one of that assignment from now on. */
  | {
      readonly type: "joined";
      readonly assignment: number;
      readonly lane: Lane;
      readonly executor?: string;
      readonly task: number;
      readonly attempt: number;
    }
  /** `run`: for whose tasks, and on whose account. */
  | { readonly type: "start-executors"; readonly lane: Lane; readonly count: number; readonly run: number }
  /** An idle executor whose place another kind of executor needs. */
  | { readonly type: "stop-executor"; readonly executor: string }
  /** Attempts nobody waits for any more: stop them, and the executor with them where that is the only way. */
  | {
      readonly type: "kill";
      readonly assignment: number;
      readonly executor?: string;
      readonly tasks: readonly number[];
      /**
       * `taken-back`: not begun, and behind one that waits for tasks of its own; they go elsewhere. `made-again`: what
       * the attempt waits for was cancelled for another run; the next one runs it anew.
       */
      readonly reason: "cancelled" | "superseded" | "taken-back" | "made-again";
    }
  /** An attempt failed and another will follow. */
  | {
      readonly type: "retry";
      readonly task: number;
      readonly attempt: number;
      readonly kind: FailureKind;
      readonly delayMs: number;
      readonly lane: Lane;
      readonly why: string;
    }
  /** Of two attempts of a task one has failed: the other goes on, and nobody is charged. */
  | { readonly type: "goes-on"; readonly task: number; readonly assignment: number; readonly kind: FailureKind }
  /** A task has its result, or will never have one. */
  | {
      readonly type: "settled";
      readonly task: number;
      readonly kind: "ok" | FailureKind;
      readonly why: string;
      /** The failed task that this one depended on. */
      readonly blockedBy?: number;
    }
  /** A finished task has to run again: its result was lost. */
  | { readonly type: "reopened"; readonly task: number }
  /** An attempt must not wait for this run: it would wait for itself. */
  | {
      readonly type: "circle";
      readonly task: number;
      readonly run: number;
      /** Who waits for whom, from the task to itself. */
      readonly path: readonly number[];
    }
  /** A run cannot pay for its next attempt, and nothing of it runs any more: what is left of it is cancelled. */
  | { readonly type: "budget-spent"; readonly run: number; readonly spentUsd: number; readonly neededUsd: number }
  /** All tasks of a run are settled. */
  | { readonly type: "run-ended"; readonly run: number };
