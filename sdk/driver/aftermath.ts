/** Runs that end within this time are written down together, in milliseconds. */
const TOGETHER_MS = 20;
/** Of those that wait so much is done at once: a result that comes meanwhile does not wait for all of them. */
const AT_ONCE = 4;
const SHARE_AT_ONCE = 1 / 8;

/**
 * What is left to write when runs have ended: their results have been handed out, so whoever waited for them goes on
 * first, and of many short runs one after another each would otherwise wait for what is written of the one before.
 */
export class Aftermath {
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Does something a moment later. */
  add(act: () => void): void {
    this.#waiting.push(act);
    this.#timer ??= setTimeout(() => this.#goOn(), TOGETHER_MS);
  }

  #goOn(): void {
    const now = this.#waiting.splice(0, Math.max(AT_ONCE, this.#waiting.length * SHARE_AT_ONCE));
    this.#timer = this.#waiting.length > 0 ? setTimeout(() => this.#goOn()) : undefined;
    for (const act of now) act();
  }

  /** Does now what is left. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act();
  }
}
