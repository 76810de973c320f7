/** First in, first out, of integers: one growing ring, no object an element. */
export class IntQueue {
  #ring = new Int32Array(16);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: number): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = value;
    this.#size += 1;
  }

  /** The oldest, left in place; undefined when empty. */
  peek(): number | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head];
  }

  /** Takes the oldest out; undefined when empty. */
  shift(): number | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#ring[this.#head];
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size -= 1;
    return value;
  }

  #grow(): void {
    const larger = new Int32Array(this.#ring.length * 2);
    for (let index = 0; index < this.#size; index++) {
      larger[index] = this.#ring[(this.#head + index) & (this.#ring.length - 1)];
    }
    this.#ring = larger;
    this.#head = 0;
  }
}
