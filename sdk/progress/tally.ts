import type { ProgressEvent, RunningAttempt } from "../driver/progress-events.ts";
import { dollars } from "./text.ts";

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

/** From here on the pace is believed: a tenth of the tasks, or this many after so many milliseconds. */
const ENOUGH_SHARE = 0.1;
const ENOUGH_TASKS = 50;
const ENOUGH_MS = 5_000;

/** Where one run stands. */
export class RunTally {
  readonly runId: string;
  readonly runner: string;
  readonly startedAt: number;
  readonly types = new Map<string, TypeTally>();
  /** What is being executed for long, the longest first. */
  attempts: readonly RunningAttempt[] = [];
  /** Dollars so far. */
  costUsd: number;
  /** Dollars so far by type, where it is known for which. */
  readonly #costs = new Map<string, number>();
  /** What one task of a type costs, as far as that was known at the begin. */
  readonly #expectedEach = new Map<string, number>();

  constructor(started: ProgressEvent & { type: "run-started" }) {
    this.runId = started.runId;
    this.runner = started.runner;
    this.startedAt = started.at;
    this.costUsd = started.costUsd ?? 0;
    for (const { name, total, cached, expectedUsd } of started.types) {
      if (expectedUsd !== undefined) this.#expectedEach.set(name, expectedUsd / (total - cached));
    }
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
    if (event.type === "running") this.attempts = event.attempts;
    if (event.type === "cost") this.costUsd += event.usd;
    if (!("name" in event) || event.name === undefined) return;
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
      case "cost":
        this.#costs.set(event.name, (this.#costs.get(event.name) ?? 0) + event.usd);
        break;
      case "task-reopened":
        if (event.wasDone) tally.done -= 1;
        else if (event.failed === "cancelled") tally.cancelled -= 1;
        else if (event.failed !== undefined) tally.failed -= 1;
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
    const tookMs = now - this.startedAt;
    // The first of very many wait for executors to start: at their pace it would be hours.
    const isEnough = share >= ENOUGH_SHARE || (computed >= ENOUGH_TASKS && tookMs >= ENOUGH_MS);
    return left === 0 || computed === 0 || !isEnough ? undefined : (tookMs / computed) * left;
  }

  /** Dollars that the run will have cost in the end; undefined where a type that is left was never measured. */
  expectedUsd(): number | undefined {
    let usd = this.costUsd;
    for (const { name, total, done, cached, failed, cancelled } of this.types.values()) {
      const left = total - done - failed - cancelled;
      if (left === 0) continue;
      const computed = done - cached;
      const each = computed > 0 ? (this.#costs.get(name) ?? 0) / computed : this.#expectedEach.get(name);
      if (each === undefined) return undefined;
      usd += left * each;
    }
    return usd;
  }

  /** `, $0.12 of about $0.40`; nothing where nothing costs. */
  describeCost(): string {
    const expected = this.expectedUsd();
    if (this.costUsd === 0 && !expected) return "";
    const isMore = expected !== undefined && expected > 1.005 * this.costUsd;
    return `, ${dollars(this.costUsd)}${isMore ? ` of about ${dollars(expected)}` : ""}`;
  }
}
