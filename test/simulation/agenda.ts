interface Entry {
  readonly at: number;
  readonly order: number;
  readonly what: () => void;
}

const isBefore = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What is going to happen, by virtual time; what is due at the same time happens in order of entry. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;
  now = 0;

  in(delayMs: number, what: () => void): void {
    const entry = { at: this.now + delayMs, order: this.#order++, what };
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent], entry)) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = entry;
  }

  /** Moves the clock to the next entry and lets it happen; false when there is none. */
  next(): boolean {
    const heap = this.#heap;
    if (heap.length === 0) return false;
    const [first] = heap;
    const last = heap.pop() as Entry;
    if (heap.length > 0) this.#sink(last);
    this.now = first.at;
    first.what();
    return true;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      if (isBefore(entry, heap[child])) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = entry;
  }
}
