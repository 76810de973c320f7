import { startUsd } from "./attempt-cost.ts";
import type { Capacity } from "./capacity.ts";
import type { Command } from "./commands.ts";
import type { Executors } from "./executors.ts";
import type { Lane } from "./offer.ts";
import type { Pacing } from "./pacing.ts";
import type { PoolPauses } from "./pool-pauses.ts";
import type { ReadyQueue } from "./ready-queues.ts";
import type { Spending } from "./spending.ts";

/** Work that makes another pooled executor worth its start, in milliseconds, where durations are known. */
const WORTH_AN_EXECUTOR_MS = 30_000;

interface StartParts {
  readonly executors: Executors;
  readonly capacity: Capacity;
  readonly pacing: Pacing;
  readonly pauses: PoolPauses;
  readonly spending: Spending;
  /** How many more assignments may be worked on at once. */
  freeAssignments(): number;
  /** The run that the tasks of a queue are of. */
  runOf(queue: ReadyQueue): number;
  /** How long its tasks take, in milliseconds; undefined while nothing is known. */
  meanMs(queue: ReadyQueue): number | undefined;
  /** The most that the next of its tasks is expected to cost, in dollars. */
  ceilingUsd(queue: ReadyQueue): number;
  /** An executor is to leave. */
  stop(executor: string): void;
  emit(command: Command): void;
}

/** How many executors of a pool to start, and which have to leave for them. */
export class ExecutorStarts {
  readonly #parts: StartParts;

  constructor(parts: StartParts) {
    this.#parts = parts;
  }

  /** Starts executors for each queue whose tasks wait for some. */
  startFor(queues: readonly ReadyQueue[], now: number): void {
    // Where a group has no more to give, those behind need not ask: of thousands of queues nearly all would.
    const spent = new Set<string>();
    for (const queue of queues) {
      const { pool, group } = queue.lane;
      if (pool === undefined || spent.has(group)) continue;
      if (!this.#start(queue, pool, now)) spent.add(group);
    }
  }

  /** @returns False when more would be started than the group has to give. */
  #start(queue: ReadyQueue, pool: string, now: number): boolean {
    const { capacity, emit, executors, freeAssignments, pacing, pauses, runOf, spending } = this.#parts;
    const { lane } = queue;
    if (pauses.isPausing(pool, now)) return true;
    const starting = executors.starting(pool);
    const wanted = this.#worthStarting(queue) - starting;
    if (wanted <= 0) return true;
    if (starting === 0) this.#makeRoom(lane, pool);
    const possible = Math.min(wanted, capacity.freeExecutors(lane.group), freeAssignments() - starting);
    if (possible <= 0) return false;
    const run = runOf(queue);
    const eachUsd = startUsd(lane);
    const paid = Math.min(possible, this.#affordedStarts(queue, run, eachUsd));
    // The group has more to give, for whoever can pay.
    if (paid === 0) return true;
    const count = pacing.launch(lane.group, paid, now);
    if (count === 0) return false;
    executors.changeStarting(pool, count);
    capacity.changeExecutors(lane.group, count);
    spending.holdStarts(pool, run, eachUsd, count);
    emit({ type: "start-executors", lane, count, run });
    return true;
  }

  /** How many executors a run can pay, each with an attempt on it. */
  #affordedStarts(queue: ReadyQueue, run: number, eachUsd: number): number {
    const { ceilingUsd, spending } = this.#parts;
    if (!spending.isBounded(run)) return Number.POSITIVE_INFINITY;
    return spending.affords(run, eachUsd + ceilingUsd(queue));
  }

  /** Idle executors of other pools give up their place, until there is room for one of this pool. */
  #makeRoom({ group }: Lane, pool: string): void {
    const { capacity, executors, stop } = this.#parts;
    while (capacity.freeExecutors(group) === 0) {
      const idle = executors.idleElsewhere(group, pool);
      if (!idle) return;
      stop(idle.id);
    }
  }

  /** One for each task while nothing is known of them; short tasks share executors. */
  #worthStarting(queue: ReadyQueue): number {
    const meanMs = this.#parts.meanMs(queue);
    // A process on this machine starts in no time: it is worth it for any work.
    if (meanMs === undefined || queue.lane.service === "local") return queue.tasks.size;
    return Math.ceil((queue.tasks.size * meanMs) / WORTH_AN_EXECUTOR_MS);
  }
}
