/** How many attempts may share one dispatch. */
export interface BatchOptions {
  /** How long one dispatch should keep an executor busy, in milliseconds. */
  readonly targetMs: number;
  readonly maxTasks: number;
  /**
   * How long a task may take to be told to an executor that is busy with another, so that no time is lost between
   * the two, in milliseconds; `targetMs` where nothing is said.
   */
  readonly behindMs?: number;
  /** Executors decide among themselves who goes on with a task that waits for several of them. Default: they do not. */
  readonly fanIns?: boolean;
}

/** Weight of the latest measurement in the running estimates. */
const WEIGHT = 0.2;

/** Running estimate of how long attempts of one task type take. */
export class DurationEstimate {
  #meanMs: number | undefined;
  #deviationMs = 0;

  /** Durations as they come in; the first one counts in full. */
  add(durationMs: number): void {
    if (this.#meanMs === undefined) {
      this.#meanMs = durationMs;
      this.#deviationMs = durationMs / 2;
      return;
    }
    const error = durationMs - this.#meanMs;
    this.#meanMs += WEIGHT * error;
    this.#deviationMs += WEIGHT * (Math.abs(error) - this.#deviationMs);
  }

  /** What an attempt is counted with: the mean and twice its deviation; undefined before the first. */
  get cautiousMs(): number | undefined {
    return this.#meanMs === undefined ? undefined : this.#meanMs + 2 * this.#deviationMs;
  }

  /** How far durations are from the mean, on average; undefined likewise. */
  get deviationMs(): number | undefined {
    return this.#meanMs === undefined ? undefined : this.#deviationMs;
  }

  get meanMs(): number | undefined {
    return this.#meanMs;
  }
}

/**
 * Size of the next batch: one while nothing is known, then as many as fit the target time, but never
 * so many that other executors would go without.
 *
 * @param queued Tasks waiting in the queue.
 * @param takers Executors or invocations that could share them.
 * @param atOnce How many of them each works on at once.
 */
export function batchSize(
  estimateMs: number | undefined,
  queued: number,
  takers: number,
  options: BatchOptions,
  atOnce = 1,
): number {
  if (estimateMs === undefined) return 1;
  const byTime = Math.floor(options.targetMs / Math.max(estimateMs, 0.001)) * atOnce;
  // Half an even share: the last batches are then small, and nobody idles long at the end.
  const byShare = Math.ceil(queued / (2 * Math.max(1, takers) * atOnce)) * atOnce;
  return Math.max(1, Math.min(options.maxTasks, byTime, byShare));
}

/**
 * Whether a task may wait behind another at an executor, instead of for the first one that is free. What takes longer
 * than a batch does so only while others are left for everybody: at the end somebody would idle beside it.
 *
 * @param queued Tasks waiting in the queue.
 * @param takers Executors that could share them.
 */
export function mayWaitBehind(
  estimateMs: number | undefined,
  queued: number,
  takers: number,
  { targetMs, behindMs = targetMs }: BatchOptions,
): boolean {
  if (estimateMs === undefined) return false;
  return estimateMs <= targetMs || (estimateMs <= behindMs && queued > takers);
}
