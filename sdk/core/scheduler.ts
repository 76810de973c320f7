import type { FailureKind } from "../wire/outcome.ts";
import type { Assignment } from "./assignments.ts";
import { AttemptEnds } from "./attempt-ends.ts";
import type { Command } from "./commands.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";
import type { SchedulerEvent } from "./events.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Nesting } from "./nesting.ts";
import type { Lane } from "./offer.ts";
import { ParentAttempts } from "./parent-attempts.ts";
import { seededRandom } from "./random.ts";
import { Readiness } from "./readiness.ts";
import { Rungs } from "./rungs.ts";
import type { Sizing } from "./sizing.ts";
import { StragglerWatch } from "./straggler-watch.ts";
import type { TaskKind } from "./task-facts.ts";
import type { TaskShape } from "./task-shape.ts";
import { TaskState, TaskTable } from "./task-table.ts";
import { Timers } from "./timers.ts";
import { Verdicts } from "./verdicts.ts";

export interface SchedulerOptions extends DispatcherOptions {
  /** Seed of the jitter. */
  readonly seed: number;
}

/** `Pump`: something that was held back may go. */
const Purpose = { Backoff: 0, Pump: 1 } as const;

/**
 * The scheduler: a state machine that is told what happened and says what to do. It reads no clock,
 * does no I/O and draws its jitter from a seed, so the same events give the same commands whether
 * they come from AWS, from local processes or from a simulation.
 *
 * Tasks are added with their dependencies, then `open` sets a run in motion. After that, every `step`
 * takes what happened and returns the commands that follow from it.
 */
export class Scheduler {
  readonly tasks = new TaskTable();
  readonly #shapes: TaskShape[] = [];
  readonly #kinds: TaskKind[] = [];
  readonly #lifecycle: Lifecycle;
  readonly #nesting = new Nesting();
  readonly #dispatcher: Dispatcher;
  readonly #timers = new Timers();
  readonly #rungs = new Rungs(this.tasks, this.#shapes);
  readonly #verdicts: Verdicts;
  readonly #stragglers: StragglerWatch;
  readonly #parents: ParentAttempts;
  readonly #readiness: Readiness;
  readonly #ends: AttemptEnds;
  #now = 0;
  #out: Command[] = [];

  constructor(options: SchedulerOptions) {
    const random = seededRandom(options.seed);
    const emit = (command: Command) => {
      this.#out.push(command);
    };
    const facts = {
      kindOf: (shape: number) => this.#kinds[shape],
      laneOf: (task: number) => this.laneOf(task),
      atOnce: (shape: number, lane: Lane) => this.#readiness.atOnce(shape, lane),
      goesWith: (task: number, first: number) => this.#readiness.goesWith(task, first),
    };
    const runOf = (task: number) => this.#nesting.rootOf(this.tasks.owner[task], this.tasks.owner);
    this.#dispatcher = new Dispatcher(this.tasks, options, facts, random, emit, runOf);
    const dispatching = {
      enqueue: (task: number) => this.#readiness.enqueue(task),
      abandon: (task: number, reason: "cancelled" | "superseded") => this.#abandon(task, reason),
    };
    this.#lifecycle = new Lifecycle(this.tasks, dispatching, this.#nesting, (command) => {
      emit(command);
      if (command.type === "run-ended") this.#parents.runEnded(command.run);
      else if (command.type === "reopened") this.#forget(command.task);
    });
    this.#readiness = new Readiness({
      tasks: this.tasks,
      shapes: this.#shapes,
      kinds: this.#kinds,
      rungs: this.#rungs,
      lifecycle: this.#lifecycle,
      dispatcher: this.#dispatcher,
      settleFailed: (task, kind, why) => this.#settleFailed(task, kind, why),
    });
    this.#verdicts = new Verdicts({
      tasks: this.tasks,
      rungs: this.#rungs,
      lifecycle: this.#lifecycle,
      dispatcher: this.#dispatcher,
      random,
      consequences: {
        emit,
        enqueue: (task) => this.#readiness.enqueue(task),
        backOff: (task, delayMs) => this.#backOff(task, delayMs),
        settleFailed: (task, kind, why) => this.#settleFailed(task, kind, why),
        giveUp: (task, kind) => this.#giveUp(task, kind),
      },
    });
    this.#ends = new AttemptEnds({
      tasks: this.tasks,
      rungs: this.#rungs,
      lifecycle: this.#lifecycle,
      nesting: this.#nesting,
      dispatcher: this.#dispatcher,
      verdicts: this.#verdicts,
      consequences: {
        emit,
        enqueue: (task) => this.#readiness.enqueue(task),
        giveUp: (task, kind) => this.#giveUp(task, kind),
        forget: (task) => this.#forget(task),
      },
    });
    this.#parents = new ParentAttempts({
      tasks: this.tasks,
      nesting: this.#nesting,
      lifecycle: this.#lifecycle,
      dispatcher: this.#dispatcher,
      consequences: {
        emit,
        enqueue: (task) => this.#readiness.enqueue(task),
        otherGoesOn: (task, lost) => this.#ends.otherGoesOn(task, lost, undefined),
        takeBack: (task) => this.#ends.takeBack(task),
        kill: (assignment, task, reason) => this.#kill(assignment, task, reason),
        giveUp: (task) => this.#giveUp(task, "cancelled"),
      },
    });
    // Of a run that is to end nothing more is begun.
    this.#stragglers = new StragglerWatch(
      this.#dispatcher,
      ({ assignment }) => this.#lifecycle.mayRetry(assignment.tasks[0]) && !this.#rungs.isTooSmall(assignment),
    );
  }

  /**
   * @param options `parent`: the task whose attempt opens the run. It ends with that task, unless the task is
   * done, and pays from its run's purse. `maxCostUsd`: nothing is begun of the run that could bring its
   * cost above this many dollars.
   */
  addRun(options: { failFast: boolean; parent?: number; maxCostUsd?: number | undefined }): number {
    const run = this.#lifecycle.addRun(options.failFast, options.parent);
    const { maxCostUsd, parent } = options;
    if (maxCostUsd !== undefined) this.#dispatcher.spending.open(run, maxCostUsd);
    else if (parent !== undefined) this.#dispatcher.spending.join(run, this.tasks.owner[parent]);
    return run;
  }

  addShape(shape: TaskShape): number {
    const { type, policy, timeoutMs } = shape;
    const alone = policy.maxRetries === 0;
    const once = alone || policy.speculate === false;
    this.#kinds.push({ type, alone, once, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    return this.#shapes.push(shape) - 1;
  }

  /**
   * Adds a task that is wanted, one whose result was found (`done`), one that is not needed as
   * long as no result is lost (`skipped`), or one that has failed with an earlier driver (`failed`).
   */
  addTask(
    run: number,
    shape: number,
    state: "wanted" | "done" | "skipped" | "failed" = "wanted",
    sizes: { readonly paramBytes?: number; readonly resultBytes?: number } = {},
  ): number {
    const task = this.#lifecycle.addTask(run, shape, state);
    this.tasks.paramBytes[task] = sizes.paramBytes ?? 0;
    this.tasks.resultBytes[task] = sizes.resultBytes ?? 0;
    return task;
  }

  addDependency(dependent: number, dependency: number): void {
    this.#lifecycle.addDependency(dependent, dependency);
  }

  /** Makes a run wait for a task that another one added and that is not settled yet. */
  shareTask(run: number, task: number): void {
    this.#lifecycle.share(run, task);
  }

  /**
   * Takes over an attempt that another driver has begun, before its run is opened.
   *
   * @param lane Name of the lane it is in.
   * @returns Its assignment; undefined where the task waits for something, so that it cannot be running.
   */
  adopt(task: number, attempt: number, lane: string): { assignment: number; lane: Lane } | undefined {
    if (this.tasks.state[task] !== TaskState.Waiting || this.tasks.pending[task] > 0) return undefined;
    if (!this.#rungs.placeIn(task, lane)) return undefined;
    const own = this.laneOf(task);
    const { uses } = this.shapeOf(task).placement;
    return { assignment: this.#dispatcher.adopt(task, attempt, own, uses), lane: own };
  }

  /** Sets a run in motion, after all its tasks and dependencies were added. */
  open(run: number, tasks: Iterable<number>, now: number): Command[] {
    this.#moment(now);
    this.#lifecycle.open(run, tasks);
    return this.#finish(true);
  }

  /** Takes in what happened, in order. */
  step(events: readonly SchedulerEvent[], now: number): Command[] {
    this.#moment(now);
    for (const event of events) this.#apply(event);
    this.#timeHasPassed();
    return this.#finish(events.some(({ type }) => type !== "tick"));
  }

  #moment(now: number): void {
    this.#now = now;
    this.#readiness.at(now);
    this.#dispatcher.at(now);
  }

  /** When the next `tick` is due; undefined when nothing waits for time. */
  get wakeAt(): number | undefined {
    const at = Math.min(this.#timers.nextAt ?? Number.POSITIVE_INFINITY, this.#stragglers.nextAt);
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  get inFlight(): number {
    return this.#dispatcher.inFlight;
  }

  /** Slots of a capacity group that assignments hold. */
  capacityInUse(group: string): number {
    return this.#dispatcher.capacity.inUse(group);
  }

  /** Whether this is an attempt of the task that is awaited. */
  isAwaited(assignment: number, task: number): boolean {
    return this.#dispatcher.awaitedIn(assignment, task) !== undefined;
  }

  /** Whether all that a run waits for is settled. */
  hasEnded(run: number): boolean {
    return this.#lifecycle.hasEnded(run);
  }

  /**
   * Whether tasks of a nested run were ended only since nobody wanted its parent any more: its parent's attempt is not
   * to be told of it.
   */
  isCut(run: number): boolean {
    return this.#lifecycle.isCut(run);
  }

  /** Whether a task has failed only since nobody wanted it any more, so that it is made again for this run. */
  isReopenedFor(run: number, task: number): boolean {
    return this.#lifecycle.isReopenedFor(run, task);
  }

  shapeOf(task: number): TaskShape {
    return this.#rungs.shapeOf(task);
  }

  /** The lane a task is in, or will be in next. */
  laneOf(task: number): Lane {
    return this.#rungs.laneOf(task);
  }

  /** Estimated duration of a task type in milliseconds, once attempts of it were measured. */
  estimateMs(type: string): number | undefined {
    return this.#dispatcher.estimateOf(type).meanMs;
  }

  /** How long something could have begun but for the pace of some quota or store, in milliseconds. */
  get heldMs(): number {
    return this.#dispatcher.held.totalMs;
  }

  /** How far durations of a task type are from that, on average, in milliseconds. */
  deviationMs(type: string): number | undefined {
    return this.#dispatcher.estimateOf(type).deviationMs;
  }

  /** What is known of the memory that tasks of each type need. */
  get sizing(): Sizing {
    return this.#rungs.sizing;
  }

  /** Takes in a duration that is known from earlier runs. */
  learnDuration(type: string, durationMs: number): void {
    this.#dispatcher.estimateOf(type).add(durationMs);
  }

  /** @param hasHappened Beside that time has passed. */
  #finish(hasHappened: boolean): Command[] {
    let heldUntil: number | undefined;
    do heldUntil = this.#dispatcher.pump(this.#now);
    while (this.#endSpentRuns());
    this.#stragglers.look(this.#now, hasHappened);
    if (heldUntil !== undefined && (this.#timers.nextAt ?? Number.POSITIVE_INFINITY) > heldUntil) {
      this.#timers.add({ at: heldUntil, purpose: Purpose.Pump, subject: 0 });
    }
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Ends runs that can pay for nothing more; true if there were some, so that others may have their place. */
  #endSpentRuns(): boolean {
    const spent = this.#dispatcher.takeSpent();
    for (const { run, spentUsd, neededUsd } of spent) {
      this.#out.push({ type: "budget-spent", run, spentUsd, neededUsd });
      this.#lifecycle.cancel(run, undefined, true, "its run may not cost more than maxCostUsd");
    }
    return spent.length > 0;
  }

  #apply(event: SchedulerEvent): void {
    switch (event.type) {
      case "attempt-ended":
        this.#ends.attemptEnded(event.assignment, event.task, event.end);
        break;
      case "assignment-failed": {
        const assignment = this.#dispatcher.assignment(event.assignment);
        if (assignment) this.#ends.breakOff([assignment], event.end);
        break;
      }
      case "fan-in":
        this.#goesOnWith(event);
        break;
      case "executor-ready":
        this.#dispatcher.executorReady(event.executor, event.lane);
        break;
      case "executor-gone":
        this.#ends.breakOff(this.#dispatcher.executorGone(event.executor), event.end);
        break;
      case "start-failed":
        this.#startFailed(event);
        break;
      case "limit":
        this.#dispatcher.capacity.setLimit(event.group, event.slots);
        break;
      case "cancel":
        this.#lifecycle.cancel(event.run, event.tasks, event.drain);
        break;
      case "charged":
        this.#dispatcher.spending.charge(event.run, event.usd);
        this.#dispatcher.seconds.charged(event.run, event.usd);
        break;
      case "asked-stores":
        this.#dispatcher.askedStores(event);
        break;
      case "lost":
        this.#verdicts.resultsLost(event.tasks, event.runs);
        break;
      case "asks":
        this.#parents.asks(event);
        break;
      case "parked":
        this.#parents.parked(event);
        break;
      case "suspended":
        this.#parents.suspended(event);
        break;
      case "passed-over":
        this.#ends.passedOver(event);
        break;
      default:
        event satisfies { readonly type: "tick" };
    }
  }

  #timeHasPassed(): void {
    for (let timer = this.#timers.due(this.#now); timer; timer = this.#timers.due(this.#now)) {
      if (timer.purpose !== Purpose.Backoff) continue;
      if (this.tasks.state[timer.subject] === TaskState.Backoff) this.#readiness.enqueue(timer.subject);
    }
  }

  /**
   * An executor goes on with a fan-in. Where that is wanted elsewhere by now, or nowhere, it is told to leave it; what it
   * has brought by then is as welcome as any result.
   */
  #goesOnWith({ assignment: id, task, attempt }: SchedulerEvent & { type: "fan-in" }): void {
    const assignment = this.#dispatcher.assignment(id);
    // It is told twice: with the last input, and with the end.
    if (!assignment || assignment.tasks.includes(task)) return;
    const { apart, attempt: latest, state } = this.tasks;
    const isFree = state[task] === TaskState.Waiting || state[task] === TaskState.Ready;
    const { executor, lane } = assignment;
    const target = executor === undefined ? {} : { executor };
    const isFit = this.laneOf(task)?.name === lane.name && !this.sizing.knows(this.shapeOf(task).type);
    if (!isFree || !isFit || apart[task] || attempt !== latest[task] + 1) {
      this.#out.push({ type: "kill", assignment: id, ...target, tasks: [task], reason: "superseded" });
      return;
    }
    this.#dispatcher.join(assignment, task);
    this.#out.push({ type: "joined", assignment: id, lane, ...target, task, attempt });
  }

  #backOff(task: number, delayMs: number): void {
    const dueAt = this.#now + delayMs;
    this.#readiness.notBefore(task, dueAt);
    this.#timers.add({ at: dueAt, purpose: Purpose.Backoff, subject: task });
  }

  #settleFailed(task: number, kind: FailureKind, why: string): void {
    this.#abandon(task, "superseded");
    this.#forget(task);
    this.#lifecycle.settleFailed(task, kind, why);
  }

  /** Nobody wants it any more: it is not tried again. */
  #giveUp(task: number, kind: FailureKind): void {
    this.#abandon(task, "superseded");
    this.#forget(task);
    this.#lifecycle.endUnwanted(task, kind, "the run was cancelled");
  }

  #forget(task: number): void {
    this.#verdicts.forget(task);
    this.#readiness.forget(task);
  }

  #startFailed({ lane, count, kind }: SchedulerEvent & { type: "start-failed" }): void {
    const { until, judged, brokenBy } = this.#dispatcher.startFailed(lane, count, kind, this.#now);
    this.#timers.add({ at: until, purpose: Purpose.Pump, subject: 0 });
    this.#verdicts.startFailed(judged, lane, brokenBy);
  }

  #abandon(task: number, reason: "cancelled" | "superseded"): void {
    for (const assignment of this.#dispatcher.awaitedOf(task)) this.#kill(assignment, task, reason);
    this.#dispatcher.seconds.forget(task);
  }

  #kill(assignment: Assignment, task: number, reason: "cancelled" | "superseded" | "made-again"): void {
    const target = assignment.executor === undefined ? {} : { executor: assignment.executor };
    this.#out.push({ type: "kill", assignment: assignment.id, ...target, tasks: [task], reason });
    this.#dispatcher.closeAttempt(assignment, task);
  }
}
