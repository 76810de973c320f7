import type { FailureKind } from "../wire/outcome.ts";
import type { Assignment } from "./assignments.ts";
import type { Command } from "./commands.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";
import type { AttemptEnd, AttemptFailure, SchedulerEvent, SharedFailure } from "./events.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Nesting } from "./nesting.ts";
import type { Lane } from "./offer.ts";
import { ParentAttempts } from "./parent-attempts.ts";
import { seededRandom } from "./random.ts";
import { Rungs } from "./rungs.ts";
import { tasksAtOnce } from "./side-by-side.ts";
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
  /** When tasks that wait before their next attempt may go; kept if they have to wait for an input meanwhile. */
  readonly #dueAt = new Map<number, number>();
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
      atOnce: (shape: number, lane: Lane) => this.#atOnce(shape, lane),
      goesWith: (task: number, first: number) => this.#goesWith(task, first),
    };
    const runOf = (task: number) => this.#nesting.rootOf(this.tasks.owner[task], this.tasks.owner);
    this.#dispatcher = new Dispatcher(this.tasks, options, facts, random, emit, runOf);
    const dispatching = {
      enqueue: (task: number) => this.#enqueue(task),
      abandon: (task: number, reason: "cancelled" | "superseded") => this.#abandon(task, reason),
    };
    this.#lifecycle = new Lifecycle(this.tasks, dispatching, this.#nesting, (command) => {
      emit(command);
      if (command.type === "run-ended") this.#parents.runEnded(command.run);
      else if (command.type === "reopened") this.#forget(command.task);
    });
    this.#verdicts = new Verdicts({
      tasks: this.tasks,
      rungs: this.#rungs,
      lifecycle: this.#lifecycle,
      dispatcher: this.#dispatcher,
      random,
      consequences: {
        emit,
        enqueue: (task) => this.#enqueue(task),
        backOff: (task, delayMs) => this.#backOff(task, delayMs),
        settleFailed: (task, kind, why) => this.#settleFailed(task, kind, why),
        giveUp: (task, kind) => this.#giveUp(task, kind),
      },
    });
    this.#parents = new ParentAttempts({
      tasks: this.tasks,
      nesting: this.#nesting,
      lifecycle: this.#lifecycle,
      dispatcher: this.#dispatcher,
      consequences: {
        emit,
        enqueue: (task) => this.#enqueue(task),
        otherGoesOn: (task, lost) => this.#otherGoesOn(task, lost, undefined),
        takeBack: (task) => this.#takeBack(task),
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
        this.#attemptEnded(event.assignment, event.task, event.end);
        break;
      case "assignment-failed": {
        const assignment = this.#dispatcher.assignment(event.assignment);
        if (assignment) this.#breakOff([assignment], event.end);
        break;
      }
      case "fan-in":
        this.#goesOnWith(event);
        break;
      case "executor-ready":
        this.#dispatcher.executorReady(event.executor, event.lane);
        break;
      case "executor-gone":
        this.#breakOff(this.#dispatcher.executorGone(event.executor), event.end);
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
        this.#passedOver(event);
        break;
      default:
        event satisfies { readonly type: "tick" };
    }
  }

  #timeHasPassed(): void {
    for (let timer = this.#timers.due(this.#now); timer; timer = this.#timers.due(this.#now)) {
      if (timer.purpose !== Purpose.Backoff) continue;
      if (this.tasks.state[timer.subject] === TaskState.Backoff) this.#enqueue(timer.subject);
    }
  }

  // --- Attempts end -------------------------------------------------------------------------------

  #attemptEnded(assignmentId: number, task: number, end: AttemptEnd): void {
    const assignment = this.#dispatcher.awaitedIn(assignmentId, task);
    if (assignment) {
      this.#nesting.stopWaiting(task);
      this.#dispatcher.closeAttempt(assignment, task);
      if (end.kind !== "setup-failed") this.#verdicts.setupWentWell(assignment.lane);
    }
    if ("durationMs" in end) {
      const { type } = this.shapeOf(task);
      this.learnDuration(type, end.durationMs);
      this.sizing.learnPeak(type, end.peakMemoryMb ?? 0);
      this.#dispatcher.seconds.learn(task, end.durationMs);
      this.tasks.resultBytes[task] = end.resultBytes ?? 0;
      if (assignment) {
        this.#dispatcher.capacity.succeeded(assignment.lane.group);
        this.#dispatcher.hasRun(task, assignment);
      }
      this.#forget(task);
      // A result that arrives late is as good as any: it was committed first.
      if (!this.#lifecycle.isSettled(task)) this.#lifecycle.settleDone(task);
    } else if (assignment) {
      this.#verdicts.giveUpSetup(end, assignment.lane, [task]);
      if (this.#otherGoesOn(task, assignment, end)) return;
      if (this.#lifecycle.isSettled(task)) return;
      if (end.crowded) this.#goesApart(task);
      else this.#verdicts.attemptFailed(task, end, assignment.lane);
    }
  }

  /**
   * Assignments are over as a whole. What ended them is held against the task that was being executed;
   * the others go elsewhere, free of charge. Where several could have been the one, nobody is charged,
   * but from then on each goes alone. Without a failure nobody is to blame.
   */
  #breakOff(assignments: readonly Assignment[], told: SharedFailure | undefined): void {
    const isShort = told?.kind === "out-of-memory" && assignments.some(({ atOnce }) => atOnce > 1);
    const end = isShort ? { ...told, crowded: true } : told;
    const open = assignments.flatMap((assignment) => {
      const tasks = this.#openTasksOf(assignment).map((task) => ({ task, assignment, lane: assignment.lane }));
      if (end?.kind === "throttled") this.#dispatcher.refused(assignment);
      for (const { task } of tasks) this.#nesting.stopWaiting(task);
      this.#dispatcher.close(assignment);
      return tasks;
    });
    const isFree = end?.kind === "throttled" || end?.kind === "spot-interruption";
    // What could not be set up is common to all of them, and none has begun.
    const isCommon = isFree || end?.kind === "setup-failed";
    // What was cancelled is not awaited any more: these were ended with it, and nobody meant them.
    const isMeant = end?.kind !== "cancelled";
    // What is still to be handed an input cannot be told from others: it may not even have begun.
    const isWaiting = ({ task, assignment }: (typeof open)[number]) => this.#isToBeHanded(task, assignment);
    const only = open.length === 1 && !isWaiting(open[0]) ? open[0].task : undefined;
    // Where memory has run out with several at work, the one that is left of them had the least of it, perhaps.
    const culprit = end?.crowded ? undefined : (end?.culprit ?? only);
    if (end && open.length > 0) {
      const tasks = open.map(({ task }) => task);
      this.#verdicts.giveUpSetup(end, open[0].lane, tasks);
    }
    for (const each of open) {
      const { task, assignment, lane } = each;
      // Judging one before it may have ended the run, and this one with it.
      if (this.tasks.state[task] !== TaskState.Running || this.#otherGoesOn(task, assignment, end)) continue;
      if (end && isMeant && ((isCommon && !isWaiting(each)) || task === culprit)) {
        this.#verdicts.attemptFailed(task, end, lane);
      } else {
        if (end && isMeant && culprit === undefined) this.#goesApart(task);
        else this.#takeBack(task);
      }
    }
  }

  /**
   * Of two attempts of a task one has ended without a result. What it has shown is learned; else nothing follows
   * from it as long as the other one is there.
   */
  #otherGoesOn(task: number, lost: Assignment, end: AttemptFailure | undefined): boolean {
    const { seconds } = this.#dispatcher;
    const second = seconds.of(task);
    if (second === undefined || this.#lifecycle.isSettled(task)) return false;
    seconds.forget(task);
    if (second !== lost.id) this.tasks.assignment[task] = second;
    if (end) {
      this.#verdicts.learnFrom(task, end, lost.lane);
      this.#out.push({ type: "goes-on", task, assignment: lost.id, kind: end.kind });
    }
    return true;
  }

  /** Whether something before it in its assignment is not done that it waits for. */
  #isToBeHanded(task: number, { tasks }: Assignment): boolean {
    if (this.tasks.pending[task] === 0 || tasks.length === 1) return false;
    let isOpen = false;
    this.tasks.forEachDependency(task, (input) => {
      isOpen ||= this.tasks.state[input] !== TaskState.Done && tasks.includes(input);
    });
    return isOpen;
  }

  /** What an attempt was to be handed by one before it in its assignment did not come: it costs the task nothing. */
  #passedOver({ assignment: id, task }: SchedulerEvent & { type: "passed-over" }): void {
    const assignment = this.#dispatcher.assignmentOf(task);
    if (assignment?.id !== id) return;
    this.#dispatcher.closeAttempt(assignment, task);
    this.#takeBack(task);
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

  #openTasksOf(assignment: Assignment): number[] {
    return assignment.tasks.filter(
      (task, position) => !assignment.ended[position] && this.#dispatcher.awaitedIn(assignment.id, task) === assignment,
    );
  }

  /** It may have brought down what it shared, or been brought down: it goes alone from now on, free of charge. */
  #goesApart(task: number): void {
    this.tasks.apart[task] = 1;
    this.#takeBack(task);
  }

  #takeBack(task: number): void {
    if (!this.#lifecycle.mayRetry(task)) {
      this.#giveUp(task, "cancelled");
      return;
    }
    this.tasks.attempt[task] -= 1;
    this.#enqueue(task);
  }

  #backOff(task: number, delayMs: number): void {
    this.#dueAt.set(task, this.#now + delayMs);
    this.#timers.add({ at: this.#now + delayMs, purpose: Purpose.Backoff, subject: task });
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
    this.#dueAt.delete(task);
  }

  #startFailed({ lane, count, kind }: SchedulerEvent & { type: "start-failed" }): void {
    const { until, judged, brokenBy } = this.#dispatcher.startFailed(lane, count, kind, this.#now);
    this.#timers.add({ at: until, purpose: Purpose.Pump, subject: 0 });
    this.#verdicts.startFailed(judged, lane, brokenBy);
  }

  // --- Between lifecycle and dispatcher -----------------------------------------------------------

  #enqueue(task: number): void {
    if (this.tasks.pending[task] > 0) {
      // An input was lost while an attempt was in flight: the next one has to wait for it.
      this.#lifecycle.waitForInputs(task);
      return;
    }
    if (this.#dueAt.size > 0 && (this.#dueAt.get(task) ?? 0) > this.#now) {
      this.tasks.state[task] = TaskState.Backoff;
      return;
    }
    this.#dueAt.delete(task);
    this.#rungs.growToFit(task);
    const lane = this.laneOf(task);
    if (lane === undefined) {
      // It was cached, so nobody minded that no executor here can run it; now its result is lost.
      this.#settleFailed(task, "infeasible", "its stored result is lost, and no executor can run it");
      return;
    }
    const { uses } = this.shapeOf(task).placement;
    const grown = uses.memoryMb !== undefined && lane.memoryMb !== undefined;
    this.#dispatcher.enqueue(task, lane, grown ? { ...uses, memoryMb: lane.memoryMb } : uses);
  }

  /** Whether a task may go out with another: it needs the same executor, for the same run, and nothing speaks against it. */
  #goesWith(task: number, first: number): boolean {
    const { apart, depth, owner, shape } = this.tasks;
    if (apart[task] || depth[task] !== depth[first] || owner[task] !== owner[first]) return false;
    if (this.#dueAt.size > 0 && (this.#dueAt.get(task) ?? 0) > this.#now) return false;
    // How large its inputs will be is not known yet, and so not which sizes are too small.
    if (this.#rungs.sizing.knows(this.shapeOf(task).type)) return false;
    if (this.laneOf(task)?.name !== this.laneOf(first)?.name) return false;
    return shape[task] === shape[first] || this.#isAlike(shape[task], shape[first]);
  }

  /** What may not be begun twice, and what waits for tasks of its own, has its executor to itself. */
  #atOnce(shape: number, lane: Lane): number {
    const { alone, type } = this.#kinds[shape];
    if (alone || this.#dispatcher.seconds.isParent(type)) return 1;
    const { cpus = 1 } = this.#shapes[shape];
    return tasksAtOnce(lane, { cpus, peakMemoryMb: this.sizing.peakMemoryMb(type) });
  }

  #isAlike(shape: number, other: number): boolean {
    if (this.#kinds[shape].alone) return false;
    const uses = Object.entries(this.#shapes[shape].placement.uses);
    const others = this.#shapes[other].placement.uses;
    return uses.length === Object.keys(others).length && uses.every(([name, amount]) => others[name] === amount);
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
