/** How fast a quota lets something begin. */
export interface Pace {
  /** As many at once, after a while without any. */
  readonly burst: number;
  /** As many more a second. */
  readonly perSecond: number;
}

/** A refusal halves the rate at most so often, in milliseconds: calls of one moment are refused together. */
const HALVE_EVERY_MS = 1_000;
/** From nothing to the full rate without a refusal, in milliseconds. */
const RECOVERY_MS = 30_000;
/**
 * A full bucket at the service begins to refill when the first call arrives, later than it was sent: by so much
 * it is waited longer, in milliseconds.
 */
const ON_THE_WAY_MS = 200;
/** The rate is never halved below this share of the quota. */
const LEAST_SHARE = 1 / 32;

/**
 * A token bucket that mirrors a quota: what begins takes a token, and tokens come back at the quota's rate. A
 * refusal shows that others draw on the same quota: the rate is halved, and grows back with time.
 */
export class TokenBucket {
  readonly #pace: Pace;
  readonly #onTheWayMs: number;
  #tokens: number;
  #perSecond: number;
  #at = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /** @param onTheWayMs How much later than it was taken a token counts at the service, in milliseconds. */
  constructor(pace: Pace, onTheWayMs = ON_THE_WAY_MS) {
    this.#pace = pace;
    this.#onTheWayMs = onTheWayMs;
    this.#tokens = pace.burst;
    this.#perSecond = pace.perSecond;
  }

  /** Tokens there are now. */
  available(now: number): number {
    this.#refill(now);
    return Math.floor(this.#tokens + 1e-9);
  }

  take(count: number, now: number): void {
    this.#refill(now);
    if (this.#tokens === this.#pace.burst) this.#at = now + this.#onTheWayMs;
    this.#tokens -= count;
  }

  /** When there will be so many, the burst at most, in the bucket's own milliseconds; later than now. */
  readyAt(count: number, now: number): number {
    this.#refill(now);
    const missing = Math.min(count, this.#pace.burst) - this.#tokens;
    return Math.max(this.#at, now) + Math.max(1, Math.ceil((missing / this.#perSecond) * 1_000 - 1e-6));
  }

  refused(now: number): void {
    this.#refill(now);
    this.#tokens = Math.min(this.#tokens, 0);
    if (now - this.#refusedAt < HALVE_EVERY_MS) return;
    this.#refusedAt = now;
    this.#perSecond = Math.max(this.#perSecond / 2, this.#pace.perSecond * LEAST_SHARE);
  }

  #refill(now: number): void {
    const ms = Math.max(0, now - this.#at);
    this.#at = Math.max(this.#at, now);
    const { burst, perSecond } = this.#pace;
    this.#tokens = Math.min(burst, this.#tokens + (this.#perSecond * ms) / 1_000);
    this.#perSecond = Math.min(perSecond, this.#perSecond + (perSecond * ms) / RECOVERY_MS);
  }
}
