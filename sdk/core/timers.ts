/** A due moment and what it is for; both meanings are the caller's. */
export interface Timer {
  readonly at: number;
  readonly purpose: number;
  readonly subject: number;
}

/** A binary heap of timers by time. Outdated ones are not removed: their owner ignores them. */
export class Timers {
  readonly #heap: Timer[] = [];

  get nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent].at <= timer.at) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = timer;
  }

  /** Takes out the earliest timer that is due. */
  due(now: number): Timer | undefined {
    const heap = this.#heap;
    if (heap.length === 0 || heap[0].at > now) return undefined;
    const first = heap[0];
    const last = heap.pop() as Timer;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(timer: Timer): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].at < heap[child].at) child += 1;
      if (heap[child].at >= timer.at) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = timer;
  }
}
