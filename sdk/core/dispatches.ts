import type { Assignment, Assignments } from "./assignments.ts";
import type { Capacity } from "./capacity.ts";
import type { Command } from "./commands.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";
import type { Estimates } from "./estimates.ts";
import type { Executor, Executors } from "./executors.ts";
import type { FollowUps } from "./follow-ups.ts";
import type { Lane } from "./offer.ts";
import type { Pacing } from "./pacing.ts";
import type { ReadyQueue, ReadyQueues } from "./ready-queues.ts";
import type { SecondAttempts, Straggler } from "./second-attempts.ts";
import type { Slots } from "./slots.ts";
import type { Spending } from "./spending.ts";
import type { StoreLoad, StorePace } from "./store-pace.ts";
import type { TaskFacts } from "./task-facts.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

/** How much goes out together. */
export interface Extent {
  readonly largest: number;
  readonly takers: number;
  /** How many tasks of the first one's kind run side by side. */
  readonly atOnce: number;
  /** Others may follow that wait for these. */
  readonly mayGoOn: boolean;
}

interface DispatchParts {
  readonly tasks: TaskTable;
  readonly options: DispatcherOptions;
  readonly facts: TaskFacts;
  readonly estimates: Estimates;
  readonly queues: ReadyQueues;
  readonly assignments: Assignments;
  readonly executors: Executors;
  readonly capacity: Capacity;
  readonly slots: Slots;
  readonly pacing: Pacing;
  readonly stores: StorePace | undefined;
  readonly spending: Spending;
  readonly seconds: SecondAttempts;
  readonly followUps: FollowUps;
  emit(command: Command): void;
}

/** Begins attempts: makes assignments of tasks, and takes what these need of capacity, pace and budgets. */
export class Dispatches {
  readonly #parts: DispatchParts;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /** Whether a task waits in this queue still, and not in another one by now. */
  isQueued(task: number, { lane }: ReadyQueue): boolean {
    const { facts, tasks } = this.#parts;
    return tasks.state[task] === TaskState.Ready && facts.laneOf(task)?.name === lane.name;
  }

  /** Whether the run of a task can pay for its next attempt. */
  affords(task: number, lane: Lane): boolean {
    const { estimates, spending, tasks } = this.#parts;
    const run = tasks.owner[task];
    return !spending.isBounded(run) || spending.affords(run, estimates.ceilingUsd(task, lane)) > 0;
  }

  /** How many tasks of a shape run side by side: those that take longer than a dispatch is to take have one for each. */
  atOnceOf(shape: number, lane: Lane): number {
    const { estimates, facts, options } = this.#parts;
    const { cautiousMs = Number.POSITIVE_INFINITY } = estimates.ofShape(shape);
    return cautiousMs > options.batch.targetMs ? 1 : facts.atOnce(shape, lane);
  }

  /** Takes tasks from a queue, with those that may follow them, for an executor, or an invocation of one of several functions. */
  dispatch(
    queue: ReadyQueue,
    { largest, takers, atOnce: ofFirst, mayGoOn }: Extent,
    executor: Executor | undefined,
    copy: number,
    now: number,
  ): void {
    const { assignments, emit, estimates, followUps, pacing, slots, spending, tasks: table } = this.#parts;
    const { lane, uses } = queue;
    const tasks: number[] = [];
    const attempts: number[] = [];
    const id = assignments.nextId;
    const reservedUsd: number[] = [];
    const begin = (task: number) => {
      const run = table.owner[task];
      if (spending.isBounded(run)) {
        const usd = estimates.ceilingUsd(task, lane);
        spending.hold(id, task, run, usd);
        reservedUsd[tasks.length] = usd;
      }
      table.state[task] = TaskState.Running;
      table.attempt[task] += 1;
      tasks.push(task);
      attempts.push(table.attempt[task]);
    };
    while (tasks.length < largest && queue.tasks.size > 0) {
      const next = queue.tasks.peek() as number;
      // One that goes alone does not join a batch; `largest` is 1 where it is the first.
      if (table.apart[next] && tasks.length > 0) break;
      if (tasks.length > 0 && !this.affords(next, lane)) break;
      const task = queue.tasks.shift() as number;
      if (this.isQueued(task, queue)) begin(task);
    }
    for (const task of mayGoOn ? followUps.chainAfter(tasks, takers) : []) {
      // Those behind it may wait for it.
      if (!this.affords(task, lane)) break;
      begin(task);
    }
    const fanIns = mayGoOn ? followUps.fanInsAfter(tasks, queue.tasks.size <= (takers - 1) * largest) : [];
    const counted = executor === undefined || executor.assignments.length === 0;
    const atOnce = this.#atOnceOfAll(tasks, lane, ofFirst);
    const assignment = assignments.add({
      lane,
      executor: executor?.id,
      copy,
      uses,
      counted,
      tasks,
      attempts,
      ...(fanIns.length > 0 ? { fanIns: fanIns.map(({ task }) => task) } : {}),
      // One that has no other beside it has all of the memory.
      atOnce: tasks.length > 1 ? atOnce : 1,
      load: this.#loadOf(tasks, now),
    });
    for (const task of tasks) table.assignment[task] = assignment.id;
    if (counted) slots.take(assignment, now);
    executor?.assignments.push(assignment.id);
    if (!executor) pacing.begin(lane, copy, now);
    const target = executor ? { executor: executor.id } : copy > 0 ? { copy } : {};
    const reserved = reservedUsd.length > 0 ? { reservedUsd } : {};
    const wide = atOnce > 1 ? { atOnce } : {};
    // What it goes on with later is no part of what is told here.
    const told = fanIns.length > 0 ? { tasks: tasks.slice(), attempts: attempts.slice(), fanIns } : { tasks, attempts };
    emit({ type: "dispatch", assignment: assignment.id, lane, ...target, ...told, ...wide, ...reserved });
  }

  /** An attempt that another driver has begun is awaited like one of ours; its executor is not ours to use. */
  adopt(task: number, attempt: number, lane: Lane, uses: Readonly<Record<string, number>>, now: number): Assignment {
    const { assignments, capacity, estimates, pacing, spending, tasks: table } = this.#parts;
    table.state[task] = TaskState.Running;
    table.attempt[task] = attempt;
    // What stands alone takes of the service's limit, whoever began it; an executor in a pool does not.
    const counted = lane.pool === undefined;
    const assignment = assignments.add({
      lane,
      executor: undefined,
      // Which of several identical functions it is on is not known: it counts as the first one's.
      copy: 0,
      uses,
      counted,
      tasks: [task],
      attempts: [attempt],
      load: this.#loadOf([task], now),
      atOnce: 1,
    });
    table.assignment[task] = assignment.id;
    if (counted) capacity.take(lane.group, uses);
    pacing.begin(lane, 0, now);
    const run = table.owner[task];
    if (spending.isBounded(run)) spending.hold(assignment.id, task, run, estimates.ceilingUsd(task, lane));
    return assignment;
  }

  /** Begins a second attempt on capacity that nobody else waits for, where there is some and the run can pay. */
  beginSecond(straggler: Straggler, now: number): void {
    const { assignments, capacity, emit, estimates, executors, options, pacing, queues, seconds, slots, spending } =
      this.#parts;
    const { tasks: table } = this.#parts;
    const { assignment: beside, why } = straggler;
    const { lane, uses } = beside;
    const [task] = beside.tasks;
    const run = table.owner[task];
    const isWanted = queues.active().some((queue) => queue.lane.group === lane.group);
    if (isWanted || assignments.active >= options.concurrency) return;
    if (!capacity.fits(lane.group, uses) || !seconds.isCheap(straggler)) return;
    const usd = spending.isBounded(run) ? estimates.ceilingUsd(task, lane) : 0;
    if (!spending.hasLeft(run, usd)) return;
    const executor = lane.pool === undefined ? undefined : executors.takeIdle(lane.pool);
    const copy = lane.pool === undefined ? pacing.admit(lane, now) : 0;
    if (copy === undefined || (lane.pool !== undefined && !executor)) return;
    table.attempt[task] += 1;
    const attempts = [table.attempt[task]];
    const second = assignments.add({
      lane,
      executor: executor?.id,
      copy,
      uses,
      counted: true,
      tasks: [task],
      attempts,
      load: this.#loadOf([task], now),
      atOnce: 1,
    });
    slots.take(second, now);
    executor?.assignments.push(second.id);
    if (!executor) pacing.begin(lane, copy, now);
    spending.hold(second.id, task, run, usd);
    seconds.begun(task, second, beside);
    const target = executor ? { executor: executor.id } : copy > 0 ? { copy } : {};
    const reserved = spending.isBounded(run) ? { reservedUsd: [usd] } : {};
    const { id } = second;
    emit({ type: "dispatch", assignment: id, lane, ...target, tasks: [task], attempts, ...reserved, beside: why });
  }

  /** Counts what tasks that begin will ask of the stores. */
  #loadOf(tasks: readonly number[], now: number): StoreLoad | undefined {
    const { facts, stores, tasks: table } = this.#parts;
    return stores?.begin(
      tasks.map((task) => facts.kindOf(table.shape[task]).type),
      now,
    );
  }

  /** Of tasks that go out together: as many as the one with the greatest needs allows. */
  #atOnceOfAll(tasks: readonly number[], lane: Lane, ofFirst: number): number {
    const { shape: shapes } = this.#parts.tasks;
    let least = ofFirst;
    let shape = shapes[tasks[0]];
    for (const task of tasks) {
      if (least === 1) break;
      if (shapes[task] === shape) continue;
      shape = shapes[task];
      least = Math.min(least, this.atOnceOf(shape, lane));
    }
    return least;
  }
}
