/** Lets so many through at once; the others wait in line. */
export class Semaphore {
  readonly #places: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #idleWaiting: (() => void)[] = [];

  constructor(places: number) {
    this.#places = places;
    this.#free = places;
  }

  /** Resolves with a place; at once, without a turn of the event loop, where one is free. */
  acquire(): Promise<void> | void {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
    if (this.#free < this.#places) return;
    const waiting = this.#idleWaiting;
    this.#idleWaiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when every place is free. */
  async idle(): Promise<void> {
    if (this.#free < this.#places) await new Promise<void>((resolve) => this.#idleWaiting.push(resolve));
  }
}
