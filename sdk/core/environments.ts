import { LAMBDA } from "./limits.ts";
import { type Pace, TokenBucket } from "./token-bucket.ts";

/** What is believed of one function. */
interface FunctionState {
  inFlight: number;
  /** Environments that have taken an invocation and are still kept. */
  warm: number;
  idleSince: number;
  readonly bucket: TokenBucket;
}

/**
 * The environments of identical functions. Lambda gives each function new ones at a bounded rate; an
 * invocation that finds a warm one needs none. Several functions of one size have a rate each.
 */
export class Environments {
  readonly #functions: FunctionState[];

  constructor(copies: number, pace: Pace) {
    this.#functions = Array.from({ length: copies }, () => ({
      inFlight: 0,
      warm: 0,
      idleSince: 0,
      bucket: new TokenBucket(pace),
    }));
  }

  /** Which function takes one more invocation now: one with a warm environment, else the one with most room to grow. */
  admit(now: number): number | undefined {
    let best: number | undefined;
    let most = 0;
    for (const [copy, state] of this.#functions.entries()) {
      if (state.inFlight === 0 && now - state.idleSince > LAMBDA.environmentKeptMs) state.warm = 0;
      if (state.inFlight < state.warm) return copy;
      const room = state.bucket.available(now);
      if (room > most) {
        most = room;
        best = copy;
      }
    }
    return best;
  }

  begin(copy: number, now: number): void {
    const state = this.#functions[copy];
    state.inFlight += 1;
    if (state.inFlight <= state.warm) return;
    state.warm = state.inFlight;
    state.bucket.take(1, now);
  }

  end(copy: number, now: number): void {
    const state = this.#functions[copy];
    state.inFlight -= 1;
    state.idleSince = now;
  }

  /**
   * An invocation was refused: there is one environment less than was believed. That the account's concurrency
   * is halved slows the growth down, too.
   */
  refused(copy: number): void {
    const state = this.#functions[copy];
    state.warm = Math.max(0, state.warm - 1);
  }

  /** When the next new environment may come. */
  nextAt(now: number): number {
    return Math.min(...this.#functions.map(({ bucket }) => bucket.readyAt(1, now)));
  }
}
