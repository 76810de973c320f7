import type { FailureKind } from "../wire/outcome.ts";
import type { RetryPolicy } from "./demand.ts";

/** What failures of one task have used up so far. */
export interface Spent {
  /** Attempts charged to `maxRetries`. */
  retries: number;
  /** Times out of memory at the largest size. */
  oomAtTop: number;
  spotInterruptions: number;
  startFailures: number;
  setupFailures: number;
  throttles: number;
  objectsLost: number;
}

export const nothingSpent = (): Spent => ({
  retries: 0,
  oomAtTop: 0,
  spotInterruptions: 0,
  startFailures: 0,
  setupFailures: 0,
  throttles: 0,
  objectsLost: 0,
});

/** Where on its ladder the failed attempt stood. */
export interface Standing {
  /** A larger size exists that is not known to be too small. */
  readonly canGrow: boolean;
  /** Capacity that cannot be evicted exists, and the attempt was not on it. */
  readonly canLeaveSpot: boolean;
  /** The service itself cut the attempt at its longest, and another service allows more. */
  readonly canOutlast: boolean;
  /** What user code threw matches `retryOn`. */
  readonly retryable: boolean;
  /** What it has lost no task can make again. */
  readonly isLostForGood?: boolean;
}

/** What follows a failed attempt. */
export type Decision =
  | {
      readonly action: "retry";
      /** Which lane next: the same, the next larger, one that is not Spot, one that allows more time. */
      readonly move: "stay" | "grow" | "leave-spot" | "outlast";
      /** Longest wait before it; the wait itself is drawn from zero to this (full jitter). */
      readonly backoffMs: number;
      readonly why: string;
    }
  | { readonly action: "fail"; readonly why: string };

/** Bounds of the budgets that no option sets. */
export const BUDGETS = {
  startFailures: 3,
  /** A download may fail once; what is wrong with an environment is wrong with it everywhere. */
  setupFailures: 1,
  spotInterruptionsBeforeOnDemand: 3,
  objectsLost: 10,
} as const;

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 30_000;
const MAX_OOM_BACKOFF_MS = 60_000;

/** Doubling from `first` with each time before, up to `max`. */
const doubling = (timesBefore: number, max: number, first = FIRST_BACKOFF_MS): number =>
  Math.min(max, first * 2 ** Math.min(timesBefore, 30));

const times = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

/**
 * The failure ladder: what follows a failure of this kind, given what the task has spent. Each kind
 * has its own budget; `spent` is charged here and nowhere else.
 */
export function decide(kind: FailureKind, spent: Spent, policy: RetryPolicy, standing: Standing): Decision {
  const charged = (why: string): Decision => {
    if (spent.retries >= policy.maxRetries) {
      return { action: "fail", why: `${why}; maxRetries ${policy.maxRetries} used up` };
    }
    spent.retries += 1;
    const backoffMs = doubling(spent.retries - 1, MAX_BACKOFF_MS);
    return { action: "retry", move: "stay", backoffMs, why: `${why}; retry ${spent.retries} of ${policy.maxRetries}` };
  };
  switch (kind) {
    case "user-error":
      if (!standing.retryable) return { action: "fail", why: "the task's own error, not in retryOn" };
      return charged("the task's own error, in retryOn");
    case "executor-lost":
      return charged("the executor was lost");
    case "timeout":
      if (standing.canOutlast) {
        return { action: "retry", move: "outlast", backoffMs: 0, why: "cut at the service's longest; free of charge" };
      }
      return charged("longer than timeoutMs");
    case "out-of-memory": {
      if (standing.canGrow)
        return { action: "retry", move: "grow", backoffMs: 0, why: "next larger size; free of charge" };
      if (spent.oomAtTop >= policy.maxOomRetries) {
        return { action: "fail", why: `out of memory at the largest size ${times(spent.oomAtTop + 1, "time")}` };
      }
      spent.oomAtTop += 1;
      const backoffMs = doubling(spent.oomAtTop - 1, MAX_OOM_BACKOFF_MS, 1_000);
      return {
        action: "retry",
        move: "stay",
        backoffMs,
        why: `largest size already; retry ${spent.oomAtTop} of ${policy.maxOomRetries}`,
      };
    }
    case "spot-interruption": {
      spent.spotInterruptions += 1;
      const enough = spent.spotInterruptions >= BUDGETS.spotInterruptionsBeforeOnDemand;
      if (enough && standing.canLeaveSpot) {
        return {
          action: "retry",
          move: "leave-spot",
          backoffMs: 0,
          why: `evicted ${times(spent.spotInterruptions, "time")}; now On-Demand`,
        };
      }
      return { action: "retry", move: "stay", backoffMs: 0, why: "evicted; free of charge" };
    }
    case "throttled":
      spent.throttles += 1;
      return {
        action: "retry",
        move: "stay",
        backoffMs: doubling(spent.throttles - 1, MAX_BACKOFF_MS),
        why: "throttled; free of charge",
      };
    case "start-failed":
      if (spent.startFailures >= BUDGETS.startFailures) {
        return { action: "fail", why: `could not be started ${times(spent.startFailures + 1, "time")}` };
      }
      spent.startFailures += 1;
      return {
        action: "retry",
        move: standing.canLeaveSpot ? "leave-spot" : "stay",
        backoffMs: doubling(spent.startFailures - 1, MAX_BACKOFF_MS, 1_000),
        why: `start failure ${spent.startFailures} of ${BUDGETS.startFailures}`,
      };
    case "setup-failed":
      if (spent.setupFailures >= BUDGETS.setupFailures) {
        const count = times(spent.setupFailures + 1, "time");
        return { action: "fail", why: `its runtime environment could not be set up ${count}` };
      }
      spent.setupFailures += 1;
      return {
        action: "retry",
        move: "stay",
        backoffMs: doubling(spent.setupFailures - 1, MAX_BACKOFF_MS, 1_000),
        why: `setup failure ${spent.setupFailures} of ${BUDGETS.setupFailures}`,
      };
    case "object-lost":
      if (standing.isLostForGood) return { action: "fail", why: "no task can make again what was lost" };
      if (spent.objectsLost >= BUDGETS.objectsLost) {
        return { action: "fail", why: `its inputs were lost ${times(spent.objectsLost + 1, "time")}` };
      }
      spent.objectsLost += 1;
      return { action: "retry", move: "stay", backoffMs: 0, why: "an input was lost; its producer runs again" };
    case "cancelled":
      return { action: "fail", why: "cancelled" };
    case "infeasible":
      return { action: "fail", why: "no executor fits" };
  }
}
