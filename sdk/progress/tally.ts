import type { ProgressEvent } from "../driver/progress-events.ts";

/** Where the tasks of one type stand. */
export interface TypeTally {
  readonly name: string;
  total: number;
  cached: number;
  done: number;
  running: number;
  failed: number;
  /** Never to be run: cancelled, or blocked by one that failed. */
  cancelled: number;
  retried: number;
}

/** From here on the pace is believed: a tenth of the tasks, or this many. */
const ENOUGH_SHARE = 0.1;
const ENOUGH_TASKS = 50;

/** Where one run stands. */
export class RunTally {
  readonly runId: string;
  readonly runner: string;
  readonly startedAt: number;
  readonly types = new Map<string, TypeTally>();

  constructor(started: ProgressEvent & { type: "run-started" }) {
    this.runId = started.runId;
    this.runner = started.runner;
    this.startedAt = started.at;
    this.#more(started.types);
  }

  #more(types: (ProgressEvent & { type: "tasks-added" })["types"]): void {
    for (const { name, total, cached } of types) {
      const known = this.types.get(name);
      if (known) {
        known.total += total;
        known.cached += cached;
        known.done += cached;
      } else {
        this.types.set(name, { name, total, cached, done: cached, running: 0, failed: 0, cancelled: 0, retried: 0 });
      }
    }
  }

  add(event: ProgressEvent): void {
    if (event.type === "tasks-added") this.#more(event.types);
    if (!("name" in event)) return;
    const tally = this.types.get(event.name);
    if (!tally) return;
    switch (event.type) {
      case "task-started":
        tally.running += event.count;
        break;
      case "task-done":
        tally.done += 1;
        tally.running = Math.max(0, tally.running - 1);
        break;
      case "task-failed":
        if (event.kind === "cancelled") tally.cancelled += 1;
        else tally.failed += 1;
        if (event.ran) tally.running = Math.max(0, tally.running - 1);
        break;
      case "task-retried":
        tally.retried += 1;
        tally.running = Math.max(0, tally.running - 1);
        break;
      case "task-suspended":
        tally.running = Math.max(0, tally.running - 1);
        break;
      case "task-reopened":
        if (event.wasDone) tally.done -= 1;
        else tally.total += 1;
        break;
      default:
    }
  }

  sum(part: Exclude<keyof TypeTally, "name">): number {
    let sum = 0;
    for (const tally of this.types.values()) sum += tally[part];
    return sum;
  }

  /**
   * Milliseconds until the end at the pace so far; undefined while too little is done to tell, and when
   * nothing is left.
   */
  remainingMs(now: number): number | undefined {
    const computed = this.sum("done") - this.sum("cached");
    const left = this.sum("total") - this.sum("done") - this.sum("failed") - this.sum("cancelled");
    const share = computed / (computed + left);
    if (left === 0 || computed === 0 || (share < ENOUGH_SHARE && computed < ENOUGH_TASKS)) return undefined;
    return ((now - this.startedAt) / computed) * left;
  }
}
