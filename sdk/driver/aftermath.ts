/** Runs that end within this time are written down together, in milliseconds. */
const TOGETHER_MS = 20;

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
    this.#timer ??= setTimeout(() => this.begin(), TOGETHER_MS);
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
