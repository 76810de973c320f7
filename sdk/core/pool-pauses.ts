import type { StartFailureKind } from "./events.ts";
import { BUDGETS } from "./ladder.ts";

/** A pool that must not start executors for now. */
interface Pause {
  until: number;
  /** Failures to start in a row. */
  failures: number;
  throttles: number;
  /** Spot evictions before any work, in a row. */
  evictions: number;
  /** It has failed once too often, by this; what was started before may still come. */
  heldFor: StartFailureKind | undefined;
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Pools whose executors did not start: each pauses, longer each time. */
export class PoolPauses {
  readonly #pauses = new Map<string, Pause>();
  readonly #random: () => number;

  /** @param random Draws the jitter. */
  constructor(random: () => number) {
    this.#random = random;
  }

  isPausing(pool: string, now: number): boolean {
    const pause = this.#pauses.get(pool);
    return pause !== undefined && (pause.heldFor !== undefined || pause.until > now);
  }

  /** An executor of the pool is there, or the pool is given up: what comes next begins anew. */
  forget(pool: string): void {
    this.#pauses.delete(pool);
  }

  /**
   * Executors of a pool will not come.
   *
   * @returns Until when it pauses; and if that was once too often, by what.
   */
  failed(
    pool: string,
    kind: StartFailureKind,
    now: number,
  ): { readonly until: number; readonly brokenBy: StartFailureKind | undefined } {
    const pause = this.#pauses.get(pool) ?? { until: 0, failures: 0, throttles: 0, evictions: 0, heldFor: undefined };
    if (kind === "throttled") pause.throttles += 1;
    else if (kind === "spot-interruption") pause.evictions += 1;
    else pause.failures += 1;
    const doublings = Math.min(20, pause.failures + pause.throttles + pause.evictions - 1);
    pause.until = now + Math.ceil(this.#random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** doublings));
    this.#pauses.set(pool, pause);
    // Judged by what happened now: a throttle is never the last straw.
    const isBroken =
      (kind === "start-failed" && pause.failures > BUDGETS.startFailures) ||
      (kind === "spot-interruption" && pause.evictions >= BUDGETS.spotInterruptionsBeforeOnDemand);
    return { until: pause.until, brokenBy: isBroken ? kind : pause.heldFor };
  }

  /** Nothing more is started in a pool that has failed once too often, until it is known what becomes of the rest. */
  hold(pool: string, brokenBy: StartFailureKind): void {
    const pause = this.#pauses.get(pool);
    if (pause) pause.heldFor = brokenBy;
  }
}
