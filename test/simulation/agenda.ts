/** What is going to happen, by virtual time; what is due at the same time happens in order of entry. */
export class Agenda {
  readonly #entries: { at: number; order: number; what: () => void }[] = [];
  #order = 0;
  now = 0;

  in(delayMs: number, what: () => void): void {
    this.#entries.push({ at: this.now + delayMs, order: this.#order++, what });
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Moves the clock to the next entry and lets it happen; false when there is none. */
  next(): boolean {
    if (this.#entries.length === 0) return false;
    let first = 0;
    for (let index = 1; index < this.#entries.length; index++) {
      const [a, b] = [this.#entries[index], this.#entries[first]];
      if (a.at < b.at || (a.at === b.at && a.order < b.order)) first = index;
    }
    const [entry] = this.#entries.splice(first, 1);
    this.now = Math.max(this.now, entry.at);
    entry.what();
    return true;
  }
}
