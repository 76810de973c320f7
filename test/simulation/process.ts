import type { Agenda } from "./agenda.ts";

/** What moves on by time: the world's agenda, or a process in it. */
export interface Clock {
  readonly now: number;
  in(delayMs: number, what: () => void): void;
}

/** A process with a clock of its own: it may be stopped for a while, and then does at once what was due. */
export class Process implements Clock {
  readonly #world: Agenda;
  readonly #aheadMs: number;
  readonly losesRequests: boolean;
  #due: (() => void)[] | undefined;
  #isDead = false;

  /** @param losesRequests Some of its requests do not get through, or their answers do not. */
  constructor(world: Agenda, aheadMs: number, losesRequests: boolean) {
    this.losesRequests = losesRequests;
    this.#world = world;
    this.#aheadMs = aheadMs;
  }

  get now(): number {
    return this.#world.now + this.#aheadMs;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#due !== undefined;
  }

  in(delayMs: number, what: () => void): void {
    this.#world.in(delayMs, () => this.#run(what));
  }

  #run(what: () => void): void {
    if (this.#isDead) return;
    if (this.#due) this.#due.push(what);
    else what();
  }

  pause(forMs: number): void {
    if (this.#due) return;
    this.#due = [];
    this.#world.in(forMs, () => {
      const due = this.#due ?? [];
      this.#due = undefined;
      for (const what of due) this.#run(what);
    });
  }

  kill(): void {
    this.#isDead = true;
  }
}
