import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { attemptUsd } from "../core/attempt-cost.ts";
import type { Command } from "../core/commands.ts";
import type { AttemptEnd, SchedulerEvent } from "../core/events.ts";
import { capacityGroups } from "../core/route.ts";
import { Scheduler } from "../core/scheduler.ts";
import { TaskState } from "../core/task-table.ts";
import { type RunManifest, writeManifest } from "../driver/manifest.ts";
import { CodecError, LabError } from "../errors.ts";
import type { LabPlan, PlannedTask } from "../planning.ts";
import type { StartedRun } from "../run.ts";
import type { BilledSpan, Runner, RunnerEvent, RunnerOpening } from "../runners/runner.ts";
import type { RunRecord } from "../stores/runs.ts";
import { readStatistics, writeStatistics } from "../stores/statistics.ts";
import type { Stores } from "../stores/stores.ts";
import { LostValue, loadValue } from "../stores/values.ts";
import type { Task } from "../task.ts";
import type { CodePart } from "../wire/code-part.ts";
import type { MemoryMonitor } from "../wire/memory-monitor.ts";
import type { Failure, Outcome, SharedFailure, Suspension } from "../wire/outcome.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { type Slot, slotBytes } from "../wire/slot.ts";
import { adoptOrphans, findOrphans, type Orphan } from "./adoption.ts";
import { attemptSpec, storeLargeParams } from "./assignment.ts";
import { Bill } from "./bill.ts";
import { Chronicler } from "./chronicler.ts";
import { CodeKeeper } from "./code-keeper.ts";
import { enrol } from "./enrolment.ts";
import { EvidenceBook, type Seen } from "./evidence.ts";
import { costLimitError, runError, taskError } from "./failures.ts";
import { type InFlight, InFlightBook } from "./in-flight.ts";
import { JournalKeeper } from "./journal-keeper.ts";
import { type LookedUp, lookUp } from "./look-up.ts";
import { manifestOf } from "./manifest-of.ts";
import { type NestedEnrolment, NestedRuns, type NestingLimits } from "./nested-runs.ts";
import { failureOf } from "./outcomes.ts";
import { Placements } from "./placements.ts";
import type { ProgressListener } from "./progress-events.ts";
import { ProgressTeller } from "./progress-teller.ts";
import { RunKeeper } from "./run-keeper.ts";
import { type RunIdentity, RunState } from "./run-state.ts";
import { countsOf } from "./run-summary.ts";
import { addLogLine, type TaskEntry } from "./task-entry.ts";
import { whyThere } from "./why-there.ts";

export interface DriverOptions {
  readonly runner: Runner;
  readonly opening: RunnerOpening;
  readonly stores: Stores;
  readonly namespace: string;
  /** Unique among all labs. */
  readonly labId: string;
  readonly bundle: RunManifest["bundle"];
  /** Code version by task name. */
  readonly versions: ReadonlyMap<string, string>;
  /** What code versions are made of, where this process has bundled them. */
  readonly code: ReadonlyMap<string, readonly CodePart[]>;
  readonly context: Slot | undefined;
  readonly concurrency: number;
  readonly memoryMonitor: MemoryMonitor | false | undefined;
  readonly nesting: NestingLimits;
  readonly progress: ProgressListener;
  /** False where nobody waits for results here: they are not loaded, and stay undefined. */
  readonly loadsResults: boolean;
}

export interface StartOptions {
  readonly runId: string;
  readonly name: string | undefined;
  readonly tags: readonly string[] | undefined;
  /** The run may have been there before, with another driver. */
  readonly isContinued: boolean;
  readonly bustCache: boolean;
  readonly failFast: boolean;
  readonly deadlineMs: number | undefined;
  /** Over all drivers of the run. */
  readonly maxCostUsd: number | undefined;
}

/** Time that running attempts are given to end before their run is handed over, in milliseconds. */
const DETACH_DRAIN_MS = 2_000;
/** Time that running attempts are given to end by themselves when they are cancelled, in milliseconds. */
const CANCEL_GRACE_MS = 2_000;

/**
 * Drives a lab's runs: asks the scheduler what to do, has the runner do it, and tells the scheduler
 * what came of it. All decisions are the scheduler's; all effects are the runner's and the stores'.
 */
export class Driver {
  readonly placements: Placements;
  /** Attempts of a run that was given away go on with its executors. */
  hasLeftWork = false;
  readonly #options: DriverOptions;
  readonly #scheduler: Scheduler;
  readonly #progress: ProgressTeller;
  readonly #evidence: EvidenceBook;
  readonly #keeper: RunKeeper;
  readonly #chronicler: Chronicler;
  readonly #journal: JournalKeeper;
  readonly #code: CodeKeeper;
  readonly #nested: NestedRuns;
  readonly #inFlight = new InFlightBook();
  readonly #bill = new Bill((run, usd, name) => this.#charge(this.#runs[run], usd, name));
  /** Entry of each task in the scheduler, by its index there. */
  readonly #entries: TaskEntry[] = [];
  /** The latest entry of each cache key. */
  readonly #byKey = new Map<string, TaskEntry>();
  /** Runs by their index in the scheduler; those that attempts have opened stand for the run they are part of. */
  readonly #runs: RunState[] = [];
  readonly #active = new Set<RunState>();
  /** Tasks that were cancelled by force: their attempts get no time to end by themselves. */
  readonly #forced = new Set<number>();
  readonly #writing = new Set<Promise<void>>();
  /** What waits until it is known that the runs are still this driver's. */
  #held: (() => void)[] = [];
  #events: SchedulerEvent[] = [];
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DriverOptions) {
    const { opening, concurrency, labId, namespace, progress, runner, stores } = options;
    this.#options = options;
    this.placements = new Placements(opening.offer, (type) => this.#scheduler.estimateMs(type));
    this.#progress = new ProgressTeller(progress, runner.name);
    this.#evidence = new EvidenceBook(runner.name);
    this.#keeper = new RunKeeper({
      table: stores.table,
      namespace,
      labId,
      runner: runner.name,
      bundle: options.bundle.hash,
      counts: (run) => countsOf(run, this.#scheduler.tasks.state),
      cancelled: (run) => this.cancel(run, false),
      lost: (run, error) => this.#lose(run, error),
      notice: (text) => this.#notice(text),
    });
    this.#code = new CodeKeeper(stores, options.code);
    this.#chronicler = new Chronicler({
      stores,
      namespace,
      runner: runner.name,
      certain: () => this.#keeper.certain(),
    });
    this.#journal = new JournalKeeper({
      table: stores.table,
      namespace,
      labId,
      inFlight: this.#inFlight,
      isAlone: (task) => !this.#nested.hasAsked(this.#entries[task]),
      entryOf: (task) => this.#entries[task],
      attemptOf: (task) => this.#scheduler.tasks.attempt[task],
      certain: () => this.#keeper.certain(),
    });
    this.#scheduler = new Scheduler({
      seed: randomInt(2 ** 31),
      groups: capacityGroups(opening.offer),
      concurrency,
      batch: opening.batch,
    });
    this.#nested = new NestedRuns({
      scheduler: this.#scheduler,
      stores,
      limits: options.nesting,
      rootOf: (entry) => this.#runs[entry.run],
      prepare: (plan, lookedUp) => this.#prepare(plan, lookedUp),
      enrol: (...nested) => this.#enrolNested(...nested),
      open: (run, entries) => this.#open(run, entries),
      push: (event) => this.#push(event),
      answer: (order) => runner.answer?.(order),
    });
  }

  // --- Runs ---------------------------------------------------------------------------------------

  /**
   * Starts a run of a plan.
   *
   * @throws InfeasibleError when some task that has to run fits no executor.
   * @throws LabError when another driver has the run.
   */
  async start(plan: LabPlan, tasks: readonly Task<unknown>[], options: StartOptions): Promise<RunState> {
    const { isContinued, runId, name, tags } = options;
    const startedAt = Date.now();
    const claimed = isContinued ? await this.#keeper.claim({ runId, name, tags }) : undefined;
    // What an earlier driver of the run has computed anew is not computed anew again.
    const generation = options.bustCache ? (claimed?.startedAt ?? startedAt) : 0;
    const identity = claimed
      ? { runId, name: claimed.name, tags: claimed.tags, epoch: claimed.lease.epoch, generation }
      : { runId, name, tags: tags ?? [], epoch: 1, generation };
    try {
      return await this.#start(plan, tasks, { ...options, generation }, identity, claimed);
    } catch (error) {
      if (claimed) await this.#keeper.release(claimed);
      throw error;
    }
  }

  async #start(
    plan: LabPlan,
    tasks: readonly Task<unknown>[],
    options: StartOptions & { readonly generation: number },
    identity: RunIdentity,
    claimed: RunRecord | undefined,
  ): Promise<RunState> {
    const { failFast, generation, deadlineMs, maxCostUsd } = options;
    const endsBy = deadlineMs === undefined ? undefined : Date.now() + deadlineMs;
    const since = generation > 0 && !claimed ? Number.POSITIVE_INFINITY : generation;
    const startedAt = claimed?.startedAt ?? Date.now();
    const { stores, runner, namespace, labId } = this.#options;
    const [lookedUp, orphans] = await Promise.all([
      lookUp(stores.table, plan, { since, runId: identity.runId }),
      runner.adopt ? findOrphans(stores.table, namespace, identity.runId, labId) : undefined,
    ]);
    await this.#prepare(plan, lookedUp);

    const spentUsd = claimed?.costUsd ?? 0;
    const leftUsd = maxCostUsd === undefined ? undefined : Math.max(0, maxCostUsd - spentUsd);
    const index = this.#scheduler.addRun({ failFast, maxCostUsd: leftUsd });
    const terms = { generation, deadlineMs, startedAt, isOfRun: () => false };
    const entries = enrol(this.#enrolment, plan, lookedUp, index, terms);
    const targets = plan.targets.map((position) => entries[position]);
    const wanted = entries.filter((_, position) => lookedUp.needed[position]);
    const run = new RunState(identity, index, tasks, targets, wanted);
    run.maxCostUsd = maxCostUsd;
    run.costUsd = spentUsd;
    this.#runs[index] = run;
    this.#active.add(run);
    const manifest = () => this.#writeManifest(plan, lookedUp, { failFast, generation, endsBy, maxCostUsd });
    this.#keeper.begin(run, claimed, manifest);
    this.#chronicler.begin(run, entries, lookedUp);
    if (runner.adopt) this.#journal.begin(run);
    this.#progress.runStarted(run, plan, lookedUp, (planned) => this.#expectedUsd(planned));
    if (orphans?.size) this.#adopt(orphans, entries, index);
    for (const entry of new Set(targets)) if (entry.value) void this.#deliver(run, entry);
    this.#open(index, entries);
    return run;
  }

  /** Waits for attempts that drivers have begun which are gone, instead of making them again. */
  #adopt(orphans: ReadonlyMap<string, Orphan>, entries: readonly TaskEntry[], run: number): void {
    const around = { scheduler: this.#scheduler, inFlight: this.#inFlight };
    const adopted = adoptOrphans(around, orphans, entries, run);
    for (const { entry, assignment, attempt, lane, from } of adopted) {
      const runId = this.#runs[run].id;
      this.#progress.dispatched(runId, entry.planned.name, 1, from.dispatchedAt);
      this.#chronicler.dispatched([entry], [attempt], lane, from.executor);
      this.#options.runner.adopt?.({ assignment, runId, spec: attemptSpec(entry, attempt, lane), from });
    }
    const count = adopted.length;
    if (count > 0)
      this.#notice(`${count} attempt${count === 1 ? "" : "s"} of a driver that is gone still run: they are waited for`);
  }

  /** Writes down what a run is made of, so that others can go on with it. */
  async #writeManifest(
    plan: LabPlan,
    { records }: Pick<LookedUp, "records">,
    how: Pick<RunManifest, "failFast" | "generation" | "endsBy" | "maxCostUsd">,
  ): Promise<Slot> {
    const { bundle, versions, context, memoryMonitor, nesting, concurrency, stores } = this.#options;
    const bounded = Number.isFinite(concurrency) ? concurrency : undefined;
    const settings = { bundle, versions: [...versions], context, memoryMonitor, nesting, concurrency: bounded, ...how };
    return writeManifest(stores.objects, await manifestOf(plan, settings, stores.objects, records));
  }

  /**
   * Has a run of a plan driven elsewhere from its begin.
   *
   * @throws InfeasibleError when some task fits no executor; LabError when the runner has no driver elsewhere.
   */
  async submit(plan: LabPlan, options: StartOptions): Promise<void> {
    const { runner, namespace } = this.#options;
    const { bustCache, deadlineMs, failFast, maxCostUsd, name, runId, tags = [] } = options;
    if (!runner.handOver) throw cannotHandOver(runner);
    this.placements.ofAll(plan.tasks);
    this.#code.keep(plan.tasks);
    const endsBy = deadlineMs === undefined ? undefined : Date.now() + deadlineMs;
    const how = { failFast, generation: bustCache ? Date.now() : 0, endsBy, maxCostUsd };
    const manifest = await this.#writeManifest(plan, { records: [] }, how);
    await this.#keeper.submit({ runId, name, tags, manifest, total: plan.tasks.length });
    await runner.handOver({ runId, namespace });
  }

  /** A run as who has started it sees it. */
  started(run: RunState): StartedRun {
    return {
      outcomes: run,
      error: () => this.errorOf(run),
      cancel: async (drain) => this.cancel(run, drain),
      detach: () => this.detach(run),
    };
  }

  get #enrolment() {
    return {
      scheduler: this.#scheduler,
      placements: this.placements,
      entries: this.#entries,
      byKey: this.#byKey,
    };
  }

  /** @throws InfeasibleError when some task that has to run fits no executor. */
  async #prepare(plan: LabPlan, { records, needed }: LookedUp): Promise<void> {
    await this.recall(plan);
    const toRun = plan.tasks.filter((_, position) => needed[position] && !records[position]);
    this.placements.ofAll(toRun);
    this.#code.keep(toRun);
  }

  /** Tasks that an attempt runs are part of the run that it is part of. */
  #enrolNested(plan: LabPlan, lookedUp: LookedUp, { run: index, root, ...rest }: NestedEnrolment): TaskEntry[] {
    const { generation, failures } = rest;
    this.#runs[index] = root;
    // What the run itself has computed is shared with it, not found in the cache.
    const records = lookedUp.records.map((record, position) => {
      const known = record && this.#byKey.get(plan.tasks[position].key);
      return known && root.entries.has(known) ? undefined : record;
    });
    const found = { ...lookedUp, records };
    const terms = {
      generation,
      failures,
      startedAt: root.startedAt,
      isOfRun: (known: TaskEntry) => root.entries.has(known),
    };
    const entries = enrol(this.#enrolment, plan, found, index, terms);
    const added = root.addEntries(entries.filter((_, position) => lookedUp.needed[position]));
    if (added.length > 0 && !root.isOver) this.#progress.tasksAdded(root.id, added);
    return entries;
  }

  #open(run: number, entries: readonly TaskEntry[]): void {
    const tasks = entries.map(({ task }) => task);
    this.#carryOut(this.#scheduler.open(run, tasks, Date.now()));
  }

  /** Whether a run of the scheduler is one that an attempt has opened. */
  #isNested(index: number): boolean {
    return this.#runs[index].index !== index;
  }

  /** Takes in what earlier runs measured of task types that this lab has not run yet. */
  async recall({ tasks }: LabPlan): Promise<void> {
    const { stores, namespace } = this.#options;
    const names = new Set(tasks.map(({ name }) => name));
    const unknown = [...names].filter((name) => this.#scheduler.estimateMs(name) === undefined);
    if (unknown.length === 0) return;
    for (const { name, meanMs, tooSmall } of await readStatistics(stores.table, namespace, unknown)) {
      if (meanMs !== undefined) this.#scheduler.learnDuration(name, meanMs);
      this.#scheduler.sizing.recall(name, tooSmall);
    }
  }

  /** Keeps what this run measured for the next one. Not worth failing a run for. */
  #record(run: RunState): void {
    const { stores, namespace } = this.#options;
    for (const name of run.ranTypes) {
      const meanMs = this.#scheduler.estimateMs(name);
      const deviationMs = this.#scheduler.deviationMs(name);
      const tooSmall = this.#scheduler.sizing.learned(name);
      const written = writeStatistics(stores.table, namespace, { name, meanMs, deviationMs, tooSmall }).catch(() => {});
      this.#writing.add(written);
      void written.then(() => this.#writing.delete(written));
    }
  }

  /** Resolves when everything that was to be kept is written. */
  async written(): Promise<void> {
    await Promise.all([...this.#writing, this.#code.written(), this.#chronicler.written(), this.#keeper.written()]);
  }

  /** Stops a run, or some tasks of it: what is running may finish when draining, and is stopped otherwise. */
  cancel(run: RunState, drain: boolean, tasks?: readonly number[]): void {
    if (run.isOver) return;
    if (!tasks) run.isCancelled = true;
    this.#push({ type: "cancel", run: run.index, drain, ...(tasks ? { tasks } : {}) });
    // With them goes what their tasks run, also what nobody waits for.
    if (!tasks) for (const nested of this.#nested.openRunsOf(run)) this.#push({ type: "cancel", run: nested, drain });
  }

  /** Lets what runs finish, and starts nothing more. */
  drainAll(): void {
    const running = this.#inFlight.size;
    this.#progress.notice(
      running > 0
        ? `interrupted: ${running} running attempt${running === 1 ? "" : "s"} will finish; Ctrl-C again stops them`
        : "interrupted",
    );
    for (const run of this.#active) this.cancel(run, true);
  }

  cancelAll(): void {
    for (const run of this.#active) this.cancel(run, false);
  }

  /** Cancels one task in every run that waits for it. */
  cancelTask(key: string, force: boolean): void {
    const entry = this.#byKey.get(key);
    if (!entry) return;
    if (force) this.#forced.add(entry.task);
    for (const run of this.#active) this.cancel(run, false, [entry.task]);
    for (const run of this.#nested.openRunsOf()) {
      this.#push({ type: "cancel", run, drain: false, tasks: [entry.task] });
    }
  }

  /** The results of these tasks were deleted: runs that begin later do not share what this lab had of them. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      const entry = this.#byKey.get(key);
      if (entry && this.#scheduler.tasks.state[entry.task] === TaskState.Done) this.#byKey.delete(key);
    }
  }

  /** Runs that are not over. */
  activeRuns(): RunState[] {
    return [...this.#active];
  }

  // --- What the runner reports --------------------------------------------------------------------

  report(event: RunnerEvent): void {
    if (this.#hold(() => this.report(event))) return;
    switch (event.type) {
      case "outcome":
        this.#outcome(event);
        break;
      case "nested": {
        const entry = this.#entries[event.task];
        // What was reported before it may have brought what it asks for.
        this.#flush();
        if (entry) this.#nested.hear(entry, event, this.#inFlight.get(event.assignment)?.executor);
        break;
      }
      case "assignment-failed": {
        const { assignment, failure, atServiceLimit } = event;
        const end = { ...sharedEndOf(failure), ...(atServiceLimit ? { atServiceLimit } : {}) };
        const inFlight = this.#inFlight.take(assignment);
        const seen = { failure, inFlight, costUsd: this.#chargeBroken(inFlight, event) };
        this.#failTogether({ type: "assignment-failed", assignment: Number(assignment), end }, seen);
        break;
      }
      case "executor-ready": {
        const { executor, lane, startedAt = Date.now() } = event;
        this.#bill.ready(executor, lane, startedAt, Date.now());
        this.#push({ type: "executor-ready", executor, lane });
        break;
      }
      case "limit":
        this.#push(event);
        break;
      case "executor-gone": {
        const { executor, failure } = event;
        const inFlight = this.#inFlight.takeOf(executor);
        const costUsd = this.#bill.gone(executor, Date.now());
        if (!failure) this.#push({ type: "executor-gone", executor });
        else {
          const seen = { failure, inFlight, costUsd };
          this.#failTogether({ type: "executor-gone", executor, end: sharedEndOf(failure) }, seen);
        }
        break;
      }
      case "start-failed": {
        const { lane, count, failure, ranMs } = event;
        this.#bill.notStarted(lane, count, ranMs);
        const what = `${count} executor${count === 1 ? "" : "s"} (${lane.name})`;
        this.#notice(`${what} did not start: ${failure.seen}`);
        const seen = { failure, inFlight: undefined, lane };
        this.#failTogether({ type: "start-failed", lane, count, kind: failure.kind }, seen);
        break;
      }
      case "log": {
        const entry = this.#entries[event.task];
        if (!entry) break;
        addLogLine(entry, event.text);
        this.#progress.log(entry, event);
        this.#chronicler.log(entry, event);
        break;
      }
    }
  }

  #outcome({ assignment, task, outcome, executor, billed }: RunnerEvent & { type: "outcome" }): void {
    const entry = this.#entries[task];
    if (!entry) return;
    const inFlight = this.#inFlight.end(assignment, task);
    this.#journal.changed(entry.run);
    const costUsd = this.#chargeAttempt(entry, outcome, inFlight, billed);
    this.#runs[entry.run].ranTypes.add(entry.planned.name);
    if (outcome.kind === "suspended") {
      const attempt = this.#scheduler.tasks.attempt[task];
      entry.suspensions += 1;
      const where = executor ?? inFlight?.executor ?? "";
      this.#evidence.suspended(entry, attempt, { inFlight, executor: where, usage: outcome.usage, costUsd });
      this.#progress.suspended(this.#runs[entry.run].id, entry);
      this.#nested.suspended(entry);
      this.#push({ type: "suspended", assignment: Number(assignment), task });
      return;
    }
    const event = { type: "attempt-ended", assignment: Number(assignment), task, end: endOf(entry, outcome) } as const;
    if (outcome.kind === "ok") {
      entry.value ??= outcome.value;
      entry.success ??= {
        attempt: this.#scheduler.tasks.attempt[task],
        inFlight,
        executor,
        usage: outcome.usage,
        costUsd,
      };
      this.#push(event);
      return;
    }
    this.#flush();
    const failure = executor === undefined ? outcome : { executor, ...outcome };
    this.#evidence.forTask(task, { failure, inFlight, costUsd }, () => this.#step([event]));
  }

  // --- What it costs ------------------------------------------------------------------------------

  #charge(run: RunState, usd: number, name: string | undefined): void {
    if (usd === 0) return;
    run.costUsd += usd;
    this.#push({ type: "charged", run: run.index, usd });
    this.#progress.charged(run.id, name, usd);
    if (run.isOver) this.#keeper.costChanged(run);
  }

  /** What an attempt of a task costs where it will go first, as far as its type is known, in dollars. */
  #expectedUsd(planned: PlannedTask): number | undefined {
    const meanMs = this.#scheduler.estimateMs(planned.name);
    const placement = this.placements.of(planned);
    if (meanMs === undefined || "infeasible" in placement) return undefined;
    return attemptUsd(placement.ladder[0], meanMs, planned.params.byteLength);
  }

  #chargeAttempt(
    entry: TaskEntry,
    outcome: Outcome,
    inFlight: InFlight | undefined,
    billed: BilledSpan | undefined,
  ): number {
    const { usage } = outcome;
    const { name, params } = entry.planned;
    const traffic = usage && {
      paramBytes: entry.params ? 0 : params.byteLength,
      objectsLoaded: [entry.params, ...entry.dependencies.map(({ value }) => value)].filter(isObject).length,
      shared: inFlight?.size ?? 1,
      ...(outcome.kind === "ok"
        ? { resultBytes: slotBytes(outcome.value), resultIsObject: isObject(outcome.value) }
        : {}),
    };
    const { startedAt, endedAt } = usage ?? { startedAt: undefined, endedAt: undefined };
    const run = this.#scheduler.tasks.owner[entry.task];
    const ended = { inFlight, run, name, startedAt, endedAt, billed, traffic };
    return this.#bill.ended(ended, Date.now());
  }

  #chargeBroken(inFlight: InFlight | undefined, event: RunnerEvent & { type: "assignment-failed" }): number {
    const [task] = inFlight?.open ?? [];
    if (task === undefined) return 0;
    const isFree = event.failure.kind === "throttled" || event.failure.kind === "start-failed";
    const run = this.#scheduler.tasks.owner[task];
    return this.#bill.brokenOff({ inFlight, isFree, billed: event.billed }, run, Date.now());
  }

  /** Charges what containers have cost up to now: their end will not be heard of. */
  settleBill(): void {
    this.#bill.settle(Date.now());
  }

  /** A failure that hits whichever tasks the scheduler holds it against. */
  #failTogether(event: SchedulerEvent, seen: Seen): void {
    this.#flush();
    this.#evidence.forAll(seen, () => this.#step([event]));
  }

  // --- Between the scheduler and the world --------------------------------------------------------

  /** Events of one moment are taken in together, as soon as whoever reports them is done. */
  #push(event: SchedulerEvent): void {
    this.#events.push(event);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    if (this.#hold(() => this.#flush())) return;
    this.#flushing = false;
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#step(events);
  }

  #step(events: readonly SchedulerEvent[]): void {
    this.#carryOut(this.#scheduler.step(events, Date.now()));
  }

  #carryOut(commands: readonly Command[]): void {
    for (const command of commands) {
      switch (command.type) {
        case "dispatch":
          void this.#dispatch(command);
          break;
        case "start-executors":
          this.#bill.askedFor(command.lane, command.count, command.run);
          this.#options.runner.startExecutors(command.lane, command.count);
          break;
        case "stop-executor":
          this.#options.runner.stopExecutor(command.executor);
          break;
        case "kill":
          this.#kill(command);
          break;
        case "retry":
          this.#retried(command);
          break;
        case "settled":
          this.#settled(command);
          break;
        case "reopened":
          this.#reopened(this.#entries[command.task]);
          break;
        case "circle":
          this.#nested.refuseCircle(
            command.run,
            command.path.map((task) => this.#entries[task]),
          );
          break;
        case "budget-spent": {
          const run = this.#runs[command.run];
          run.budgetSpent = { maxUsd: run.maxCostUsd ?? 0, spentUsd: run.costUsd, neededUsd: command.neededUsd };
          this.#chronicler.budgetSpent(run, run.budgetSpent);
          break;
        }
        case "run-ended":
          if (this.#isNested(command.run)) {
            this.#nested.ended(command.run);
            break;
          }
          this.#runs[command.run].isSettled = true;
          this.#leaveToOthers(this.#runs[command.run]);
          this.#finishIfOver(this.#runs[command.run]);
          break;
      }
    }
    this.#setTimer();
  }

  /** A driver that was paused past its lease takes nothing in before it knows that its runs are still its own. */
  #hold(act: () => void): boolean {
    const isHolding = this.#held.length > 0;
    if (!isHolding && !this.#keeper.isInDoubt()) return false;
    this.#held.push(act);
    if (!isHolding) {
      void this.#keeper.certain().then(() => {
        const held = this.#held;
        this.#held = [];
        for (const each of held) each();
      });
    }
    return true;
  }

  /**
   * Gives a run to a driver that the runner starts elsewhere. Attempts that outlive this process go on and
   * are taken over; others are given up, and made again from their last checkpoint.
   */
  async detach(run: RunState): Promise<void> {
    const { runner, namespace } = this.#options;
    const { id } = run;
    if (!runner.handOver) throw cannotHandOver(runner);
    if (run.isOver || run.isSettled) throw new LabError("run-over", `run ${id} is over: there is nothing to detach`);
    const give = await this.#keeper.handOver(run);
    run.isHandedOver = true;
    run.lost = new LabError("detached", `run ${id} goes on without this lab: follow it with lab.attach("${id}")`);
    // What ends in a moment is not worth being taken over.
    this.cancel(run, true);
    this.#flush();
    await Promise.race([run.ended, sleep(DETACH_DRAIN_MS)]);
    this.cancel(run, false);
    this.#flush();
    await Promise.all([this.#journal.handOver(run), this.#chronicler.written()]);
    const now = Date.now();
    this.#bill.leave(run.index, (executor) => this.#inFlight.firstOn(executor) ?? now);
    await give();
    await runner.handOver({ runId: id, namespace });
    await run.ended;
  }

  /** A run is another driver's from now on: nothing more of it is begun here, and what runs is stopped. */
  #lose(run: RunState, error: LabError): void {
    if (run.isOver) return;
    run.lost = error;
    this.#progress.notice(error.message);
    this.cancel(run, false);
  }

  #notice(text: string): void {
    this.#progress.notice(text);
    this.#chronicler.notice(text);
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const at = this.#scheduler.wakeAt;
    if (at === undefined) return;
    this.#timer = setTimeout(() => this.#push({ type: "tick" }), Math.max(0, at - Date.now()));
  }

  async #dispatch(command: Command & { type: "dispatch" }): Promise<void> {
    const { assignment, lane, executor, copy, tasks, attempts } = command;
    const { runner, opening, stores, namespace, bundle, context, memoryMonitor } = this.#options;
    const id = String(assignment);
    const entries = tasks.map((task) => this.#entries[task]);
    const [{ run, planned }] = entries;
    const at = Date.now();
    this.#inFlight.add(id, lane, executor, tasks, at);
    this.#journal.changed(run);
    this.#progress.dispatched(this.#runs[run].id, planned.name, entries.length, at);
    // Why a later attempt goes where it goes was said when the last one failed.
    const why = attempts[0] === 1 ? whyThere(this.#scheduler.shapeOf(tasks[0]).placement, lane) : undefined;
    this.#chronicler.dispatched(entries, attempts, lane, executor, why);
    try {
      await storeLargeParams(entries, stores.objects, opening.inlineBytes);
    } catch (error) {
      const failure: Failure = { kind: "executor-lost", seen: `storing its params: ${(error as Error).message}` };
      this.report({ type: "assignment-failed", assignment: id, failure });
      return;
    }
    if (this.#keeper.isInDoubt()) await this.#keeper.certain();
    if (this.#runs[run].lost) {
      const failure: Failure = { kind: "cancelled", seen: "its run has another driver" };
      this.report({ type: "assignment-failed", assignment: id, failure });
      return;
    }
    const estimateMs = this.#scheduler.estimateMs(planned.name);
    runner.dispatch({
      lane,
      ...(executor === undefined ? {} : { executor }),
      ...(copy === undefined ? {} : { copy }),
      ...(estimateMs === undefined ? {} : { expectedMs: estimateMs * entries.length }),
      ...(this.#nested.isParent(planned.name) ? { runsTasks: true } : {}),
      assignment: {
        protocol: PROTOCOL_VERSION,
        id,
        runId: this.#runs[run].id,
        runStartedAt: this.#runs[run].startedAt,
        epoch: this.#runs[run].epoch,
        namespace,
        bundle: bundle.hash,
        ...(context ? { context } : {}),
        attempts: entries.map((entry, position) => attemptSpec(entry, attempts[position], lane)),
        awaited: true,
        ...(memoryMonitor === undefined ? {} : { memoryMonitor }),
        inlineBytes: opening.inlineBytes,
      },
    });
  }

  #kill({ assignment, executor, tasks, reason }: Command & { type: "kill" }): void {
    const isLost = this.#runs[this.#entries[tasks[0]].run].lost !== undefined;
    // The run's next driver waits for what outlives this one.
    const hasAsked = tasks.some((task) => this.#nested.hasAsked(this.#entries[task]));
    if (isLost && this.#options.runner.abandon && !hasAsked) {
      this.hasLeftWork = true;
      this.#options.runner.abandon({ assignment: String(assignment), ...(executor === undefined ? {} : { executor }) });
      return;
    }
    const atOnce = isLost || reason !== "cancelled" || tasks.some((task) => this.#forced.has(task));
    this.#options.runner.kill({
      assignment: String(assignment),
      ...(executor === undefined ? {} : { executor }),
      runId: this.#runs[this.#entries[tasks[0]].run].id,
      tasks,
      graceMs: atOnce ? 0 : CANCEL_GRACE_MS,
    });
  }

  // --- What becomes of tasks ----------------------------------------------------------------------

  #retried(command: Command & { type: "retry" }): void {
    const { task, attempt, kind, delayMs, why, lane } = command;
    const entry = this.#entries[task];
    this.#nested.retried(entry);
    this.#evidence.note(entry, attempt, kind, `${why}${delayMs > 0 ? `, in ${delayMs} ms` : ""}, on ${lane.name}`);
    this.#progress.retried(this.#runs[entry.run].id, entry, command);
    this.#chronicler.retried(entry, command);
  }

  #settled({ task, kind, why, blockedBy }: Command & { type: "settled" }): void {
    const entry = this.#entries[task];
    const runId = this.#runs[entry.run].id;
    const wanting = [...this.#active].filter((run) => run.wants(entry));
    if (kind === "ok") {
      this.#progress.done(runId, entry);
      this.#chronicler.done(entry);
      for (const run of wanting) void this.#deliver(run, entry);
      this.#nested.forget(entry);
      return;
    }
    entry.failure = kind;
    const isLeft = this.#runs[entry.run].lost !== undefined;
    if (blockedBy === undefined) this.#evidence.note(entry, this.#scheduler.tasks.attempt[task], kind, why);
    const blocking = blockedBy === undefined ? undefined : this.#entries[blockedBy];
    const reason = taskError(entry, kind, why, blocking);
    this.#nested.failed(entry, reason, blocking);
    this.#nested.forget(entry);
    const ran = this.#evidence.isAbout(entry.task);
    // What becomes of a run that was given away or taken is for others to tell.
    if (!isLeft) this.#progress.failed(runId, entry, kind, reason.message, ran);
    this.#chronicler.failed(entry, reason, blocking, ran);
    // What a task runs fails it or not, as its own code decides.
    if (wanting.length === 0 && !this.#isNested(entry.run)) this.#runs[entry.run].otherFailures.push(reason);
    for (const run of wanting) {
      run.settle(entry, (asked) => failureOf(asked, reason, kind));
      this.#finishIfOver(run);
    }
  }

  /** What a cancelled run asked for goes on where other runs wait for it; this one no longer does. */
  #leaveToOthers(run: RunState): void {
    for (const entry of new Set(run.targets)) {
      const state = this.#scheduler.tasks.state[entry.task];
      if (!run.wants(entry) || state === TaskState.Done || state === TaskState.Failed) continue;
      const reason = taskError(entry, "cancelled", "its run was cancelled; others still wait for it", undefined);
      run.settle(entry, (task) => failureOf(task, reason, "cancelled"));
    }
  }

  #reopened(entry: TaskEntry): void {
    const wasDone = entry.value !== undefined;
    entry.value = undefined;
    entry.success = undefined;
    entry.failure = undefined;
    entry.cached = false;
    // The stored record points at what is gone: the next one has to replace it.
    entry.generation = Math.max(entry.generation + 1, Date.now());
    this.#byKey.set(entry.planned.key, entry);
    const owner = this.#scheduler.tasks.owner[entry.task];
    const run = this.#runs[owner];
    if (!this.#isNested(owner)) run.isSettled = false;
    this.#progress.reopened(run.id, entry, wasDone);
    this.#chronicler.reopened(entry, wasDone);
  }

  /** Loads a result that was asked for; one that is lost is made again. */
  async #deliver(run: RunState, entry: TaskEntry): Promise<void> {
    const slot = entry.value as Slot;
    try {
      const { stores, loadsResults } = this.#options;
      const value = loadsResults ? await loadValue(stores.objects, slot) : undefined;
      if (this.#keeper.isInDoubt()) await this.#keeper.certain();
      const { cached } = entry;
      const attempts = this.#evidence.attemptsOf(entry);
      run.settle(entry, (task) => ({ status: "fulfilled", kind: "ok", task, value, cached, attempts }));
    } catch (error) {
      if (error instanceof LostValue || error instanceof CodecError) {
        if (entry.value !== slot || run.isOver) return;
        this.#notice(`the stored result of ${entry.planned.task} is lost (${error.message}); it is computed again`);
        const runs = [...this.#active].filter((other) => other.wants(entry)).map(({ index }) => index);
        this.#push({ type: "lost", runs, tasks: [entry.task] });
        return;
      }
      entry.lastFailure = { kind: "object-lost", seen: `loading its result: ${(error as Error).message}` };
      const reason = taskError(entry, "object-lost", "its result could not be loaded", undefined);
      run.settle(entry, (task) => failureOf(task, reason, "object-lost"));
    }
    this.#finishIfOver(run);
  }

  #finishIfOver(run: RunState): void {
    if (run.isOver || !run.isSettled || !run.isComplete) return;
    if (!run.lost) this.#record(run);
    run.finish();
    const told = Promise.all([this.#chronicler.end(run), this.#journal.end(run)]);
    this.#keeper.end(
      run,
      told.then(() => {}),
    );
    this.#active.delete(run);
    this.#progress.runEnded(run.id);
  }

  /** All failures of a run as one error, or undefined when every task asked for has its result. */
  errorOf(run: RunState): Error | undefined {
    if (run.lost) return run.lost;
    const failed = run.outcomes.flatMap((outcome) => (outcome?.status === "rejected" ? [outcome.reason] : []));
    if (failed.length === 0) return undefined;
    const { budgetSpent } = run;
    const results = run.outcomes.map((outcome) => (outcome?.status === "fulfilled" ? outcome.value : undefined));
    const failures = [...new Set([...run.otherFailures, ...failed])];
    return budgetSpent ? costLimitError(run.id, budgetSpent, failures, results) : runError(run.id, failures, results);
  }
}

const cannotHandOver = ({ name }: Runner) =>
  new LabError("no-detach", `runner ${name} has no driver elsewhere: use "local" or "aws" for that`);

/** An outcome as the scheduler needs to see it. */
function endOf({ planned, dependencies }: TaskEntry, outcome: Exclude<Outcome, Suspension>): AttemptEnd {
  if (outcome.kind === "ok") {
    const { loadMs, runMs } = outcome.usage;
    return { kind: "ok", durationMs: loadMs + runMs, resultBytes: slotBytes(outcome.value) };
  }
  const { retryOn } = planned.policy;
  const names = outcome.error?.names ?? [];
  const retryable = typeof retryOn === "boolean" ? retryOn : retryOn.some((name) => names.includes(name));
  const { lostInputs } = outcome;
  const lost =
    lostInputs && dependencies.filter((each) => lostInputs.includes(each.planned.key)).map(({ task }) => task);
  return { kind: outcome.kind, retryable, ...(lost ? { lost } : {}) };
}

const isObject = (slot: Slot | undefined) => slot !== undefined && "object" in slot;

const sharedEndOf = ({ kind, culprit }: SharedFailure) => ({ kind, ...(culprit === undefined ? {} : { culprit }) });
