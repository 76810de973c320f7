import type { ProgressEvent, ProgressListener } from "../driver/progress-events.ts";

/** Events that wait for whoever asked for them; what goes beyond is counted. */
const MOST_WAITING = 100_000;

/** Events of one run on their way to one listener. */
class Subscription {
  #waiting: ProgressEvent[] = [];
  #dropped = 0;
  #isOver = false;
  #error: unknown;
  #wake: () => void = () => {};

  push(event: ProgressEvent): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(event);
    else this.#dropped += 1;
    this.#wake();
  }

  end(error?: unknown): void {
    this.#isOver = true;
    this.#error = error;
    this.#wake();
  }

  async *events(): AsyncGenerator<ProgressEvent, void, undefined> {
    for (;;) {
      const events = this.#waiting;
      const dropped = this.#dropped;
      this.#waiting = [];
      this.#dropped = 0;
      yield* events;
      if (dropped > 0) {
        yield {
          type: "notice",
          at: Date.now(),
          text: `${dropped} progress events were dropped: nobody took them in time`,
        };
      }
      if (this.#waiting.length > 0) continue;
      if (this.#error !== undefined) throw this.#error;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Whoever breaks off is told nothing more. */
async function* leaving(subscription: Subscription, leave: () => void): AsyncGenerator<ProgressEvent, void, undefined> {
  try {
    yield* subscription.events();
  } finally {
    leave();
  }
}

/** Hands progress events on to those who iterate over a run's, beside the lab's own listener. */
export class ProgressHub {
  readonly #byRun = new Map<string, Set<Subscription>>();

  /** The lab's listener, and everybody else's. */
  around(listener: ProgressListener): ProgressListener {
    return (event) => {
      listener(event);
      if (this.#byRun.size === 0) return;
      if ("runId" in event) for (const each of this.#byRun.get(event.runId) ?? []) each.push(event);
      else for (const all of this.#byRun.values()) for (const each of all) each.push(event);
    };
  }

  /**
   * Events of a run from now on.
   *
   * @param over When nothing more will come; if it rejects, whoever iterates is told.
   */
  events(runId: string, over: Promise<unknown>): AsyncGenerator<ProgressEvent, void, undefined> {
    const subscription = new Subscription();
    const all = this.#byRun.get(runId) ?? new Set();
    all.add(subscription);
    this.#byRun.set(runId, all);
    const leave = () => {
      all.delete(subscription);
      if (all.size === 0 && this.#byRun.get(runId) === all) this.#byRun.delete(runId);
    };
    const end = (error?: unknown) => {
      leave();
      subscription.end(error);
    };
    over.then(() => end(), end);
    return leaving(subscription, leave);
  }
}
