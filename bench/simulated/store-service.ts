import type { Agenda } from "../../test/simulation/agenda.ts";

/** First pause of the SDK after a refusal, in milliseconds, and the longest; each is drawn below twice the last. */
const PAUSE_MS = 500;
const MAX_PAUSE_MS = 20_000;
/** What a request takes that is let in, in milliseconds. */
export const REQUEST_MS = 15;

/** A store that takes so many requests a second, on a virtual clock, and refuses the rest. */
export class StoreService {
  requests = 0;
  refused = 0;
  readonly #agenda: Agenda;
  readonly #perSecond: number;
  readonly #random: () => number;
  #tokens: number;
  #at = 0;

  constructor(agenda: Agenda, perSecond: number, random: () => number) {
    this.#agenda = agenda;
    this.#perSecond = perSecond;
    this.#random = random;
    this.#tokens = perSecond;
  }

  /** Makes a request until it is let in; then `answer` is told how often it was refused. */
  ask(answer: (refusals: number) => void, refusals = 0): void {
    this.requests += 1;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((this.#agenda.now - this.#at) / 1_000) * this.#perSecond);
    this.#at = this.#agenda.now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      this.#agenda.in(REQUEST_MS, () => answer(refusals));
      return;
    }
    this.refused += 1;
    const longest = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** refusals);
    this.#agenda.in(Math.ceil(this.#random() * longest), () => this.ask(answer, refusals + 1));
  }
}
