/** How long tasks that could begin were held back, since a quota or a store takes no more at a time. */
export class HeldTime {
  #since: number | undefined;
  #totalMs = 0;

  /** From now on some are held back, or none is. */
  note(isHeld: boolean, now: number): void {
    if (this.#since !== undefined) this.#totalMs += Math.max(0, now - this.#since);
    this.#since = isHeld ? now : undefined;
  }

  /** Up to when it was noted last, in milliseconds; however many were held back at a time. */
  get totalMs(): number {
    return this.#totalMs;
  }
}
