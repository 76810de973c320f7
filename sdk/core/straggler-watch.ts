import type { Dispatcher } from "./dispatcher.ts";
import type { Straggler } from "./second-attempts.ts";

/** Stragglers are looked for this often at most, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** Gives what takes too long a second attempt, where there is room for it. */
export class StragglerWatch {
  readonly #dispatcher: Dispatcher;
  readonly #mayBegin: (straggler: Straggler) => boolean;
  /** When stragglers were looked for, and when they will be. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #lookAt = Number.POSITIVE_INFINITY;

  /** @param mayBegin Whether a second attempt may begin, as far as its task and its run go. */
  constructor(dispatcher: Dispatcher, mayBegin: (straggler: Straggler) => boolean) {
    this.#dispatcher = dispatcher;
    this.#mayBegin = mayBegin;
  }

  /** When the next look is due; infinity for never. */
  get nextAt(): number {
    return this.#dispatcher.inFlight > 0 ? this.#lookAt : Number.POSITIVE_INFINITY;
  }

  /** @param hasHappened Beside that time has passed. */
  look(now: number, hasHappened: boolean): void {
    if (!this.#dispatcher.seconds.isOn) return;
    if (now >= this.#lookAt) {
      this.#lookAt = Number.POSITIVE_INFINITY;
      this.#lookedAt = now;
      const { stragglers, nextAt } = this.#dispatcher.stragglers();
      for (const straggler of stragglers) if (this.#mayBegin(straggler)) this.#dispatcher.beginSecond(straggler);
      if (nextAt !== undefined) this.#lookAt = Math.max(nextAt, now + LOOK_EVERY_MS);
    }
    // What has happened may have changed what is usual, what is free, and what can be paid.
    const soon = Math.max(now, this.#lookedAt + LOOK_EVERY_MS);
    if (hasHappened) this.#lookAt = Math.min(soon, this.#lookAt);
  }
}
