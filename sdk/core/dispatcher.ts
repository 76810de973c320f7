import { type Assignment, Assignments } from "./assignments.ts";
import { batchSize, type DurationEstimate, mayWaitBehind } from "./batch.ts";
import { Capacity } from "./capacity.ts";
import type { Command } from "./commands.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";
import { Dispatches } from "./dispatches.ts";
import { Estimates } from "./estimates.ts";
import type { SchedulerEvent, StartFailureKind } from "./events.ts";
import { ExecutorStarts } from "./executor-starts.ts";
import { type Executor, Executors } from "./executors.ts";
import { FollowUps } from "./follow-ups.ts";
import { HeldTime } from "./held-time.ts";
import { Locality } from "./locality.ts";
import type { Lane } from "./offer.ts";
import { Pacing } from "./pacing.ts";
import { PoolPauses } from "./pool-pauses.ts";
import { type ReadyQueue, ReadyQueues } from "./ready-queues.ts";
import { SecondAttempts, type Straggler } from "./second-attempts.ts";
import { Slots } from "./slots.ts";
import { Spending, type SpentRun } from "./spending.ts";
import { StorePace } from "./store-pace.ts";
import type { TaskFacts } from "./task-facts.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

/** Whether an attempt of the task in this assignment has not ended. */
const awaits = ({ tasks, ended }: Assignment, task: number): boolean => !ended[tasks.indexOf(task)];

/**
 * Hands ready tasks to executors within capacity: queues, batches, assignments, and how many
 * executors to start. Knows nothing of results or dependencies.
 */
export class Dispatcher {
  readonly #tasks: TaskTable;
  readonly #options: DispatcherOptions;
  readonly #emit: (command: Command) => void;
  readonly #facts: TaskFacts;
  readonly #capacity: Capacity;
  readonly #pacing: Pacing;
  readonly #stores: StorePace | undefined;
  /** How long something was held back by the pace. */
  readonly held = new HeldTime();
  readonly #executors = new Executors();
  readonly #assignments = new Assignments();
  readonly #locality = new Locality();
  readonly #queues = new ReadyQueues();
  readonly #estimates: Estimates;
  readonly #pauses: PoolPauses;
  readonly #starts: ExecutorStarts;
  /** What runs with a bound on their cost have reserved and spent. */
  readonly spending = new Spending();
  readonly seconds: SecondAttempts;
  readonly #slots: Slots;
  readonly #dispatches: Dispatches;
  #now = 0;

  constructor(
    tasks: TaskTable,
    options: DispatcherOptions,
    facts: TaskFacts,
    random: () => number,
    emit: (command: Command) => void,
    /** The run on whose account a task is. */
    runOf: (task: number) => number,
  ) {
    this.#tasks = tasks;
    this.#options = options;
    this.#facts = facts;
    this.#emit = emit;
    this.#estimates = new Estimates(tasks, (shape) => facts.kindOf(shape));
    this.#capacity = new Capacity(options.groups);
    this.#pacing = new Pacing(options.groups);
    this.#stores = options.storeRates && new StorePace(options.storeRates);
    this.#pauses = new PoolPauses(random);
    this.#starts = new ExecutorStarts({
      executors: this.#executors,
      capacity: this.#capacity,
      pacing: this.#pacing,
      pauses: this.#pauses,
      spending: this.spending,
      freeAssignments: () => options.concurrency - this.#assignments.active,
      runOf: (queue) => tasks.owner[queue.tasks.peek() as number],
      meanMs: (queue) => this.#estimates.ofShape(queue.shape).meanMs,
      ceilingUsd: (queue) => this.#estimates.ceilingUsd(queue.tasks.peek() as number, queue.lane),
      stop: (executor) => this.#stop(executor),
      emit,
    });
    this.#slots = new Slots(this.#capacity, this.#assignments);
    const followUps = new FollowUps(tasks, options.batch, {
      goesWith: (task, first) => facts.goesWith(task, first),
      cautiousMs: (task) => this.#estimates.ofShape(tasks.shape[task]).cautiousMs,
      isParent: (task) => this.seconds.isParent(facts.kindOf(tasks.shape[task]).type),
      isBounded: (task) => this.spending.isBounded(tasks.owner[task]),
      fanInsOf: (running) => this.assignmentOf(running)?.fanIns ?? [],
    });
    this.seconds = new SecondAttempts(tasks, options.speculation, {
      typeOf: (task) => facts.kindOf(tasks.shape[task]).type,
      isOnce: (task) => facts.kindOf(tasks.shape[task]).once,
      runOf,
    });
    this.#dispatches = new Dispatches({
      tasks,
      options,
      facts,
      estimates: this.#estimates,
      queues: this.#queues,
      assignments: this.#assignments,
      executors: this.#executors,
      capacity: this.#capacity,
      slots: this.#slots,
      pacing: this.#pacing,
      stores: this.#stores,
      spending: this.spending,
      seconds: this.seconds,
      followUps,
      emit,
    });
  }

  /** What happens from now on happens at this moment. */
  at(now: number): void {
    this.#now = now;
  }

  get capacity(): Capacity {
    return this.#capacity;
  }

  get inFlight(): number {
    return this.#assignments.size;
  }

  /** Assignments in flight on executors of a runtime environment. */
  inFlightIn(runtimeEnv: string): number {
    return this.#assignments.countOf(({ lane }) => lane.runtimeEnv === runtimeEnv);
  }

  assignment(id: number): Assignment | undefined {
    return this.#assignments.get(id);
  }

  /** Assignment of the attempt that a running task has in flight. */
  assignmentOf(task: number): Assignment | undefined {
    if (this.#tasks.state[task] !== TaskState.Running) return undefined;
    const assignment = this.#assignments.get(this.#tasks.assignment[task]);
    // Others of its batch may still run.
    return assignment?.ended[assignment.tasks.indexOf(task)] ? undefined : assignment;
  }

  /** An assignment in which an attempt of a task is awaited: one of two, where there are two. */
  awaitedIn(id: number, task: number): Assignment | undefined {
    if (this.#tasks.state[task] !== TaskState.Running) return undefined;
    if (this.#tasks.assignment[task] !== id && this.seconds.of(task) !== id) return undefined;
    const assignment = this.#assignments.get(id);
    return assignment && awaits(assignment, task) ? assignment : undefined;
  }

  /** Assignments in which attempts of a task are awaited. */
  awaitedOf(task: number): Assignment[] {
    const ids = [this.#tasks.assignment[task], this.seconds.of(task)];
    return ids.flatMap((id) => (id === undefined ? [] : (this.awaitedIn(id, task) ?? [])));
  }

  /** How long attempts of a type take. */
  estimateOf(type: string): DurationEstimate {
    return this.#estimates.of(type);
  }

  enqueue(task: number, lane: Lane, uses: Readonly<Record<string, number>>): void {
    this.#tasks.state[task] = TaskState.Ready;
    this.#queues.push(task, lane, this.#tasks.shape[task], uses, this.#tasks.depth[task]);
  }

  /** Takes an attempt over that another driver has begun. @returns Its assignment. */
  adopt(task: number, attempt: number, lane: Lane, uses: Readonly<Record<string, number>>): number {
    return this.#dispatches.adopt(task, attempt, lane, uses, this.#now).id;
  }

  // --- Executors come and go ----------------------------------------------------------------------

  executorReady(id: string, lane: Lane): void {
    const pool = lane.pool as string;
    this.#executors.changeStarting(pool, -1);
    this.spending.releaseStarts(pool, 1);
    this.#pauses.forget(pool);
    if (!this.#executors.get(id)) this.#executors.add(id, lane);
  }

  #stop(id: string): void {
    this.#emit({ type: "stop-executor", executor: id });
    this.executorGone(id);
  }

  #stopIdleIn(group: string): boolean {
    const idle = this.#executors.idleIn(group);
    if (idle) this.#stop(idle.id);
    return idle !== undefined;
  }

  /** Removes an executor; gives back its assignments, the one it was working on first. */
  executorGone(id: string): Assignment[] {
    const executor = this.#executors.get(id);
    if (!executor) return [];
    this.#locality.forget(id);
    this.#executors.remove(executor);
    this.#capacity.changeExecutors(executor.lane.group, -1);
    return executor.assignments
      .map((assignment) => this.#assignments.get(assignment))
      .filter((assignment) => assignment !== undefined);
  }

  /**
   * Executors that were asked for will not come. The pool pauses, longer each time; once it has failed
   * too often in a row, or was evicted too often, and has no executor left, nor one that may still come, it counts as
   * broken, and the tasks that wait for it are given back: many that were started at once are one try.
   *
   * @returns When to look again, and the tasks to be judged, by what has broken it.
   */
  startFailed(
    lane: Lane,
    count: number,
    kind: StartFailureKind,
    now: number,
  ): { until: number; judged: number[]; brokenBy: StartFailureKind } {
    const pool = lane.pool as string;
    this.#executors.changeStarting(pool, -count);
    this.spending.releaseStarts(pool, count);
    this.#capacity.changeExecutors(lane.group, -count);
    if (kind === "throttled") this.#pacing.launchRefused(lane.group, now);
    const { until, brokenBy } = this.#pauses.failed(pool, kind, now);
    // As long as one executor is there, all that wait have somewhere to go.
    const isServed = this.#executors.members(pool).size > 0;
    if (isServed || !brokenBy) return { until, judged: [], brokenBy: kind };
    if (this.#executors.starting(pool) > 0) {
      this.#pauses.hold(pool, brokenBy);
      return { until, judged: [], brokenBy };
    }
    this.#pauses.forget(pool);
    return { until: now, judged: this.#takeAll(({ lane: queued }) => queued.pool === pool), brokenBy };
  }

  /** Takes back the tasks of a type that wait for a lane with no more memory than this. */
  takeQueued(type: string, memoryMb: number): number[] {
    return this.#takeAll(
      ({ lane, shape }) => (lane.memoryMb ?? 0) <= memoryMb && this.#facts.kindOf(shape).type === type,
    );
  }

  /** Takes back the tasks that wait for executors of a runtime environment. */
  takeQueuedIn(runtimeEnv: string): number[] {
    return this.#takeAll(({ lane }) => lane.runtimeEnv === runtimeEnv);
  }

  #takeAll(which: (queue: ReadyQueue) => boolean): number[] {
    const taken: number[] = [];
    for (const queue of this.#queues.active()) {
      if (!which(queue)) continue;
      for (let task = queue.tasks.shift(); task !== undefined; task = queue.tasks.shift()) {
        if (this.#tasks.state[task] === TaskState.Ready) taken.push(task);
      }
    }
    return taken;
  }

  // --- Assignments end ----------------------------------------------------------------------------

  /** An attempt has ended well: its executor has its result, and what it has loaded for it. */
  hasRun(task: number, { executor }: Assignment): void {
    if (executor !== undefined && this.#executors.get(executor)) this.#locality.ran(task, executor, this.#tasks);
  }

  /** An attempt, or the driver itself, has asked so much of the stores. */
  askedStores({ requests, by }: SchedulerEvent & { type: "asked-stores" }): void {
    if (!by) {
      this.#stores?.askedBeside(requests, this.#now);
      return;
    }
    const { type } = this.#facts.kindOf(this.#tasks.shape[by.task]);
    this.#stores?.asked(type, requests, this.#assignments.get(by.assignment)?.load, this.#now);
  }

  /** The executor of an assignment goes on with a task by itself. */
  join(assignment: Assignment, task: number): void {
    this.#tasks.state[task] = TaskState.Running;
    this.#tasks.attempt[task] += 1;
    this.#tasks.assignment[task] = assignment.id;
    this.#assignments.join(assignment, task, this.#tasks.attempt[task]);
  }

  /** One task of an assignment is no longer awaited. */
  closeAttempt(assignment: Assignment, task: number): void {
    const position = assignment.tasks.indexOf(task);
    if (position < 0 || assignment.ended[position]) return;
    assignment.ended[position] = true;
    assignment.remaining -= 1;
    this.spending.release(assignment.id, task);
    if (assignment.remaining === 0) this.close(assignment);
  }

  /** Nothing of an assignment is awaited any more: its executor takes the next. */
  close(assignment: Assignment): void {
    if (!this.#assignments.get(assignment.id)) return;
    this.#assignments.remove(assignment);
    this.seconds.closed(assignment.id);
    this.spending.releaseAll(assignment.id);
    if (assignment.counted) this.#slots.giveBack(assignment);
    if (assignment.executor === undefined) this.#pacing.end(assignment.lane, assignment.copy, this.#now);
    const executor = assignment.executor === undefined ? undefined : this.#executors.get(assignment.executor);
    if (!executor) return;
    const at = executor.assignments.indexOf(assignment.id);
    if (at >= 0) executor.assignments.splice(at, 1);
    const next = executor.assignments.length > 0 ? this.#assignments.get(executor.assignments[0]) : undefined;
    if (!next) {
      this.#executors.setIdle(executor);
    } else if (!next.counted) {
      // The one that waited behind it is now being worked on, and counts.
      this.#assignments.count(next);
      this.#slots.take(next, this.#now);
    }
  }

  // --- Attempts wait for tasks of their own -------------------------------------------------------

  /**
   * A running attempt waits: its slot is free, and another executor may be started in its executor's place.
   *
   * @returns Tasks that were to run behind it or beside it, on the same executor; they go elsewhere: were one of these
   * to wait, too, the first that goes on would take its place for both.
   */
  park(assignment: Assignment, task: number): number[] {
    if (assignment.parked) return [];
    this.#slots.park(assignment, true, this.#now);
    const position = assignment.tasks.indexOf(task);
    const isLeft = (other: number) => (assignment.atOnce > 1 ? other !== position : other > position);
    const taken = [...this.#takeBehind(assignment, isLeft)];
    const executor = assignment.executor === undefined ? undefined : this.#executors.get(assignment.executor);
    for (const id of executor?.assignments.slice() ?? []) {
      const queued = this.#assignments.get(id);
      if (queued && !queued.counted && queued !== assignment) taken.push(...this.#takeBehind(queued, () => true));
    }
    return taken;
  }

  #takeBehind(assignment: Assignment, isBehind: (position: number) => boolean): number[] {
    const tasks = assignment.tasks.filter((task, position) => {
      return isBehind(position) && !assignment.ended[position] && this.assignmentOf(task) === assignment;
    });
    if (tasks.length === 0) return tasks;
    const target = assignment.executor === undefined ? {} : { executor: assignment.executor };
    this.#emit({ type: "kill", assignment: assignment.id, ...target, tasks, reason: "taken-back" });
    for (const task of tasks) this.closeAttempt(assignment, task);
    return tasks;
  }

  /** It goes on at once, though for a moment there may be more than there should be: what comes next waits. */
  goOn(assignment: Assignment): void {
    if (!assignment.parked) return;
    this.#slots.park(assignment, false, this.#now);
  }

  // --- Tasks go out -------------------------------------------------------------------------------

  /** An assignment was refused as too fast, or for want of capacity. */
  refused({ lane, executor, copy }: Assignment): void {
    if (executor === undefined) this.#pacing.invocationRefused(lane, copy);
  }

  /**
   * Hands out whatever capacity and pace allow, and runs can pay for; queues take turns.
   *
   * @returns When what the pace holds back may go.
   */
  pump(now: number): number | undefined {
    this.#now = now;
    this.spending.lookAgain();
    for (let served: number | undefined = 0; served !== undefined; ) {
      served = undefined;
      for (const queue of [...this.#queues.active()]) {
        if (this.#assignments.active >= this.#options.concurrency) break;
        // The deeper ones first, as long as there are any.
        if (served !== undefined && queue.depth < served) break;
        if (!this.#serve(queue)) continue;
        this.#queues.rotate(queue);
        served = queue.depth;
      }
    }
    this.#slots.thinOut((group) => this.#stopIdleIn(group));
    this.#starts.startFor(this.#queues.active(), now);
    const heldUntil = this.#pacing.takeHeldUntil();
    this.held.note(heldUntil !== undefined, now);
    return heldUntil;
  }

  #serve(queue: ReadyQueue): boolean {
    const { lane, tasks } = queue;
    // A task may have left its queue by being cancelled, by waiting for an input again, or with others.
    while (tasks.size > 0 && !this.#dispatches.isQueued(tasks.peek() as number, queue)) tasks.shift();
    if (tasks.size === 0 || !this.#dispatches.affords(tasks.peek() as number, lane)) return false;
    const { type, alone } = this.#facts.kindOf(queue.shape);
    if (!this.#storesTake(type)) return false;
    // Without an estimate tasks go one by one, and nothing waits behind them. One that may have brought
    // down what it shared goes like that, too: were it to share its next end, it could never be told.
    const isSingle = alone || this.#tasks.apart[tasks.peek() as number] === 1;
    const estimateMs = isSingle ? undefined : this.#estimates.of(type).cautiousMs;
    const fits = this.#capacity.fits(lane.group, queue.uses);
    let executor: Executor | undefined;
    let copy: number | undefined = 0;
    if (lane.pool !== undefined) {
      executor = fits ? this.#takeIdle(tasks.peek() as number, lane.pool) : undefined;
      executor ??= this.#behindAnother(queue, lane.pool, estimateMs);
      if (!executor) return false;
    } else {
      copy = fits ? this.#pacing.admit(lane, this.#now) : undefined;
      if (copy === undefined) return false;
    }
    // Of a quota of a thousand a lab takes no more than its own bound.
    const mayBegin = Math.min(
      this.#capacity.freeSlots(lane.group),
      this.#options.concurrency - this.#assignments.active,
    );
    const takers = lane.pool === undefined ? mayBegin : this.#executors.members(lane.pool).size;
    const atOnce = estimateMs === undefined ? 1 : this.#dispatches.atOnceOf(queue.shape, lane);
    const largest = batchSize(estimateMs, tasks.size, takers, this.#options.batch, atOnce);
    const extent = { largest, takers, atOnce, mayGoOn: estimateMs !== undefined };
    this.#dispatches.dispatch(queue, extent, executor, copy, this.#now);
    return true;
  }

  /** Whether the stores take what a task of this type will ask of them. */
  #storesTake(type: string): boolean {
    const until = this.#stores?.heldUntil(type, this.#now);
    if (until !== undefined) this.#pacing.hold(until);
    return until === undefined;
  }

  /** The idle executor that has most of a task's large inputs, else any. */
  #takeIdle(task: number, pool: string): Executor | undefined {
    const best = this.#locality.best(task, this.#tasks, (id) => this.#executors.isIdle(id, pool));
    return best === undefined ? this.#executors.takeIdle(pool) : this.#executors.take(best);
  }

  /** A busy executor whose work is short may have its next assignment waiting beside it. */
  #behindAnother(queue: ReadyQueue, pool: string, estimateMs: number | undefined): Executor | undefined {
    const members = this.#executors.members(pool);
    if (!mayWaitBehind(estimateMs, queue.tasks.size, members.size, this.#options.batch)) return undefined;
    for (const executor of members) {
      if (executor.assignments.length !== 1) continue;
      const running = this.#assignments.get(executor.assignments[0]);
      if (!running || running.parked || this.#tasks.apart[running.tasks[0]]) continue;
      // Of the same size, too: it takes what the other gives back, without asking again.
      const isAlike = this.#tasks.shape[running.tasks[0]] === queue.shape && running.lane.name === queue.lane.name;
      if (isAlike) return executor;
    }
    return undefined;
  }

  /** Runs that can pay for nothing more. What may not be begun twice waits where it is, with what it has. */
  takeSpent(): SpentRun[] {
    return this.spending.takeSpent((assignment, task) => {
      const isParked = this.#assignments.get(assignment)?.parked ?? false;
      return isParked && this.#facts.kindOf(this.#tasks.shape[task]).alone;
    });
  }

  // --- A second attempt beside one that takes too long --------------------------------------------

  /** Stragglers among what is in flight, and when to look again. */
  stragglers(): { stragglers: Straggler[]; nextAt: number | undefined } {
    return this.seconds.look(this.#now, this.#assignments);
  }

  /** Begins a second attempt on capacity that nobody else waits for, where there is some and the run can pay. */
  beginSecond(straggler: Straggler): void {
    this.#dispatches.beginSecond(straggler, this.#now);
  }
}
