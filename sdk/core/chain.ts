import type { BatchOptions } from "./batch.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

/** What has to be known of tasks to choose which of them go out together. */
export interface ChainRules {
  readonly batch: BatchOptions;
  /** Executors or invocations that could share what becomes ready. */
  readonly takers: number;
  /** How long a task is counted with, in milliseconds; undefined where it may not go along. */
  costMs(task: number): number | undefined;
}

/**
 * Share of a dispatch's target time that is spent on work which could be done elsewhere at the same time: about what
 * it takes to tell the driver of one task and to be told of the next.
 */
const WORTH_A_ROUND_TRIP = 0.1;
/** Tasks that are looked at in vain, at most, for each dispatch: there may be a million of them. */
const MOST_IN_VAIN = 64;

/**
 * Goes on from tasks that are about to be dispatched: which others, in what order, their executor is to go on with,
 * since all that they wait for stands before them in the same dispatch. A chain goes on until the target time is
 * used up. Tasks beside each other could be done by others, so beyond what a round trip is worth only half an even
 * share of what becomes ready at one point is kept. For the leaves of a fan-in their siblings are fetched, within the
 * same time, so that whole subtrees close.
 *
 * @param first Ready tasks, to be executed in this order.
 * @returns Those that follow them, in order: waiting ones, and ready ones that they wait for.
 */
export function chainFrom(first: readonly number[], tasks: TaskTable, rules: ChainRules): number[] {
  return new Chain(first, tasks, rules).grow().slice(first.length);
}

class Chain {
  readonly #tasks: TaskTable;
  readonly #rules: ChainRules;
  readonly #chosen: number[];
  readonly #within: Set<number>;
  /** Of waiting tasks, how many of those they wait for are chosen. */
  readonly #closed = new Map<number, number>();
  #ms = 0;
  #leftInVain = MOST_IN_VAIN;
  readonly #closing: Closing;

  constructor(first: readonly number[], tasks: TaskTable, rules: ChainRules) {
    this.#tasks = tasks;
    this.#rules = rules;
    this.#chosen = [...first];
    this.#within = new Set(first);
    this.#closing = new Closing(tasks, rules, this.#within);
    for (const task of first) this.#ms += rules.costMs(task) ?? Number.POSITIVE_INFINITY;
  }

  grow(): readonly number[] {
    const quickMs = this.#rules.batch.targetMs * WORTH_A_ROUND_TRIP;
    for (let at = 0; at < this.#chosen.length && this.#hasRoom; at++) {
      const task = this.#chosen[at];
      this.#goOn(this.#readyAfter(task), quickMs);
      if (this.#ms < quickMs && this.#leftInVain > 0) this.#closeFanIns(task, quickMs);
    }
    return this.#chosen;
  }

  get #hasRoom(): boolean {
    const { maxTasks, targetMs } = this.#rules.batch;
    return this.#chosen.length < maxTasks && this.#ms < targetMs;
  }

  /** Tasks that wait for nothing any more once this one is done, too. */
  #readyAfter(task: number): number[] {
    const ready: number[] = [];
    this.#tasks.forEachDependent(task, (dependent) => {
      if (this.#tasks.state[dependent] !== TaskState.Waiting || this.#within.has(dependent)) return;
      const closed = (this.#closed.get(dependent) ?? 0) + 1;
      if (closed === this.#tasks.pending[dependent]) ready.push(dependent);
      this.#closed.set(dependent, closed);
    });
    // Edges are visited from the latest to the first.
    return ready.reverse();
  }

  #goOn(ready: readonly number[], quickMs: number): void {
    let kept = Math.ceil(ready.length / (2 * Math.max(1, this.#rules.takers)));
    for (const task of ready) {
      if (!this.#hasRoom) return;
      const ms = this.#rules.costMs(task);
      if (ms === undefined || this.#ms + ms > this.#rules.batch.targetMs) continue;
      if (this.#ms + ms > quickMs && kept <= 0) return;
      kept -= 1;
      this.#add(task, ms);
    }
  }

  #add(task: number, ms: number): void {
    this.#chosen.push(task);
    this.#within.add(task);
    this.#ms += ms;
  }

  /** Takes along what else the dependents of a task wait for, where that is ready, or can be made so, in time. */
  #closeFanIns(task: number, quickMs: number): void {
    const open: number[] = [];
    const { maxTasks } = this.#rules.batch;
    this.#tasks.forEachDependent(task, (dependent) => {
      if (this.#tasks.state[dependent] !== TaskState.Waiting || this.#within.has(dependent)) return;
      if (this.#tasks.pending[dependent] <= maxTasks) open.push(dependent);
    });
    for (const dependent of open.reverse()) {
      if (this.#leftInVain <= 0) return;
      if (!this.#within.has(dependent)) this.#close(dependent, quickMs);
    }
  }

  /** Adds a task with all that it waits for, those first, or none of them. */
  #close(top: number, quickMs: number): void {
    const closing = this.#closing;
    closing.begin(this.#ms, this.#chosen.length, this.#leftInVain, quickMs);
    if (!closing.visit(top)) {
      this.#leftInVain -= closing.looked;
      return;
    }
    for (const [task, own] of closing.found) this.#add(task, own);
  }
}

/** What would have to be added with a task, so that all that it waits for stands before it; used again for the next one. */
class Closing {
  /** In order, with how long each takes in milliseconds. */
  readonly found = new Map<number, number>();
  looked = 0;
  readonly #tasks: TaskTable;
  readonly #rules: ChainRules;
  readonly #within: ReadonlySet<number>;
  #ms = 0;
  /** Those too whose inputs are still looked at: they are added behind these. */
  #count = 0;
  #mostLookedAt = 0;
  #quickMs = 0;

  constructor(tasks: TaskTable, rules: ChainRules, within: ReadonlySet<number>) {
    this.#tasks = tasks;
    this.#rules = rules;
    this.#within = within;
  }

  /**
   * @param ms What was chosen before takes, and how many tasks that are.
   * @param quickMs How long it may take together.
   */
  begin(ms: number, count: number, mostLookedAt: number, quickMs: number): void {
    this.found.clear();
    this.looked = 0;
    this.#ms = ms;
    this.#count = count;
    this.#mostLookedAt = mostLookedAt;
    this.#quickMs = quickMs;
  }

  /** Whether a task can be added. */
  visit = (task: number): boolean => {
    const { pending, state } = this.#tasks;
    if (this.#within.has(task) || this.found.has(task) || state[task] === TaskState.Done) return true;
    const isWaiting = state[task] === TaskState.Waiting;
    const own = isWaiting || state[task] === TaskState.Ready ? this.#rules.costMs(task) : undefined;
    this.looked += 1;
    const { maxTasks } = this.#rules.batch;
    if (own === undefined || this.looked > this.#mostLookedAt || this.#ms + own > this.#quickMs) return false;
    if (this.#count >= maxTasks || pending[task] > maxTasks) return false;
    this.#ms += own;
    this.#count += 1;
    if (isWaiting && !this.#tasks.everyDependency(task, this.visit)) return false;
    this.found.set(task, own);
    return true;
  };
}
