import type { RefusedRequests, RequestCounts, RequestKind } from "../wire/requests.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Units or requests a second that the stores take, of all executors together. */
export type StoreRates = Readonly<Record<RequestKind, number>>;

/** What tasks are expected to ask of the stores, in units and requests. */
export type StoreLoad = Readonly<Record<RequestKind, number>>;

const KINDS: readonly RequestKind[] = ["reads", "writes", "puts", "gets"];

/** Weight of the latest attempt in what is expected of its type. */
const WEIGHT = 0.1;
/** An attempt that asks for less than this of a kind is not held back for it. */
const NEGLIGIBLE = 0.01;
/** What is held back goes in groups that the rate allows in this time, in milliseconds: fewer, larger steps. */
const QUANTUM_MS = 20;

/**
 * Lets tasks begin no faster than the stores take what they will read and write. Each dispatch is counted with
 * what attempts of its type have asked for on average, and set right when an attempt tells what it was. So tasks
 * that are the first of their type go at once, and as many of any as the stores take in a second.
 */
export class StorePace {
  readonly #buckets: ReadonlyMap<RequestKind, TokenBucket>;
  readonly #rates: StoreRates;
  readonly #expected = new Map<string, StoreLoad>();

  constructor(rates: StoreRates) {
    this.#rates = rates;
    // A second's worth at once: services count by the second. All requests come about as much later than their
    // dispatch, so nothing is to be added for the way.
    this.#buckets = new Map(
      KINDS.map((kind) => [kind, new TokenBucket({ burst: rates[kind], perSecond: rates[kind] }, 0)]),
    );
  }

  /** When tasks of a type may begin; undefined: now. */
  heldUntil(type: string, now: number): number | undefined {
    const each = this.#expected.get(type);
    if (!each) return undefined;
    let until: number | undefined;
    for (const [kind, bucket] of this.#buckets) {
      if (each[kind] < NEGLIGIBLE || bucket.available(now) >= 1) continue;
      const some = Math.max(1, Math.floor((this.#rates[kind] * QUANTUM_MS) / 1_000));
      until = Math.max(until ?? 0, bucket.readyAt(some, now));
    }
    return until;
  }

  /**
   * Tasks of these types begin together.
   *
   * @returns What is expected of each of them, for `asked`; undefined where nothing is known.
   */
  begin(types: readonly string[], now: number): StoreLoad | undefined {
    const total = { reads: 0, writes: 0, puts: 0, gets: 0 };
    for (const type of types) {
      const each = this.#expected.get(type);
      if (each) for (const kind of KINDS) total[kind] += each[kind];
    }
    if (KINDS.every((kind) => total[kind] === 0)) return undefined;
    this.#take(total, now);
    for (const kind of KINDS) total[kind] /= types.length;
    return total;
  }

  /**
   * An attempt of a type has told what it asked for.
   *
   * @param expected What it was counted with when it began.
   */
  asked(type: string, requests: RequestCounts, expected: StoreLoad | undefined, now: number): void {
    const mean = this.#expected.get(type);
    const next = { reads: 0, writes: 0, puts: 0, gets: 0 };
    const more = { reads: 0, writes: 0, puts: 0, gets: 0 };
    for (const kind of KINDS) {
      next[kind] = mean ? mean[kind] + WEIGHT * (requests[kind] - mean[kind]) : requests[kind];
      more[kind] = requests[kind] - (expected?.[kind] ?? 0);
    }
    this.#expected.set(type, next);
    this.askedBeside({ ...more, ...(requests.refused ? { refused: requests.refused } : {}) }, now);
  }

  /** Something was asked of the stores that no attempt was counted with. */
  askedBeside(requests: RequestCounts, now: number): void {
    const recent = { reads: 0, writes: 0, puts: 0, gets: 0 };
    // Told in one sum when all of it is over, such as a look-up of many tasks: what is older than a second counts no more.
    for (const kind of KINDS) recent[kind] = Math.min(requests[kind], this.#rates[kind]);
    this.#take(recent, now);
    if (requests.refused) this.#slowDown(requests.refused, now);
  }

  #take(load: StoreLoad, now: number): void {
    for (const [kind, bucket] of this.#buckets) if (load[kind] !== 0) bucket.take(load[kind], now);
  }

  /** Others draw on the same stores, or these take less than the table says. */
  #slowDown(refused: RefusedRequests, now: number): void {
    for (const [kind, bucket] of this.#buckets) if (refused[kind] > 0) bucket.refused(now);
  }
}
