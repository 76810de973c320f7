import type { AttemptHistory } from "./task-history.ts";

/** Where the time of a task went, in milliseconds. */
export interface TimeSpent {
  /** Until a first attempt was dispatched: its inputs were there, and it waited for an executor. */
  readonly queueMs: number;
  /** From there until the attempt that brought the result began: starting the executor, and tasks before it. */
  readonly startMs: number;
  /** Fetching and decoding inputs. */
  readonly loadMs: number;
  /** In the task's own code. */
  readonly runMs: number;
  /** Encoding, storing and committing the result. */
  readonly storeMs: number;
  /** In attempts that failed, from their dispatch on. */
  readonly failedMs: number;
  /** In pauses and queues between attempts. */
  readonly betweenMs: number;
}

export const NOTHING_SPENT: TimeSpent = {
  queueMs: 0,
  startMs: 0,
  loadMs: 0,
  runMs: 0,
  storeMs: 0,
  failedMs: 0,
  betweenMs: 0,
};

/** The time of several tasks. */
export function together(one: TimeSpent, other: TimeSpent): TimeSpent {
  const sum = { ...one };
  for (const part of Object.keys(sum) as (keyof TimeSpent)[]) sum[part] += other[part];
  return sum;
}

const positive = (ms: number) => Math.max(0, ms);

/** Milliseconds that an attempt was on its executor; undefined while that is not known. */
export function durationOf({ startedAt, endedAt }: AttemptHistory): number | undefined {
  return startedAt === undefined || endedAt === undefined ? undefined : positive(endedAt - startedAt);
}

/** How long an attempt waited for an executor once it could begin. */
export const queueMsOf = ({ readyAt, dispatchedAt = readyAt }: AttemptHistory): number =>
  positive(dispatchedAt - readyAt);

/** Adds up where the time of a task's attempts went. Clocks of executors may differ from the driver's. */
export function timeSpent(attempts: readonly AttemptHistory[]): TimeSpent {
  const spent = { ...NOTHING_SPENT };
  attempts.forEach((attempt, index) => {
    const { dispatchedAt, startedAt, endedAt, kind, usage, pauseMs } = attempt;
    const queueMs = queueMsOf(attempt);
    if (index === 0) spent.queueMs += queueMs;
    else spent.betweenMs += queueMs + pauseMs;
    if (kind !== "ok") {
      if (endedAt !== undefined) spent.failedMs += positive(endedAt - (dispatchedAt ?? startedAt ?? endedAt));
      return;
    }
    if (startedAt !== undefined && dispatchedAt !== undefined) spent.startMs += positive(startedAt - dispatchedAt);
    if (!usage) return;
    spent.loadMs += usage.loadMs;
    spent.runMs += usage.runMs;
    spent.storeMs += usage.storeMs;
  });
  return spent;
}
