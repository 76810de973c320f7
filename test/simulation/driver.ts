import type { Command } from "../../sdk/core/commands.ts";
import type { AttemptEnd, SchedulerEvent } from "../../sdk/core/events.ts";
import type { Lane } from "../../sdk/core/offer.ts";
import { capacityGroups } from "../../sdk/core/route.ts";
import { Scheduler } from "../../sdk/core/scheduler.ts";
import { TaskState } from "../../sdk/core/task-table.ts";
import { adoptOrphans, type Orphan } from "../../sdk/driver/adoption.ts";
import { Bill } from "../../sdk/driver/bill.ts";
import { enrol } from "../../sdk/driver/enrolment.ts";
import { InFlightBook } from "../../sdk/driver/in-flight.ts";
import { neededOf } from "../../sdk/driver/look-up.ts";
import { neededHereOnly } from "../../sdk/driver/needed-here.ts";
import { Placements } from "../../sdk/driver/placements.ts";
import type { TaskEntry } from "../../sdk/driver/task-entry.ts";
import type { LabPlan, PlannedTask } from "../../sdk/planning.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import type { AdoptedFrom } from "../../sdk/wire/adopted.ts";
import type { FanIn } from "../../sdk/wire/fan-in.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import { Adopted } from "./adopted.ts";
import type { Surroundings } from "./execution.ts";
import { Invocations, type RunningInvocations } from "./invocations.ts";
import { Messages, type Order, type OrderedFanIn, type Report, type SimulatedFailure } from "./messages.ts";
import { Pools } from "./pools.ts";
import type { Clock, Process } from "./process.ts";
import type { ScenarioLife, ScenarioRun, ScenarioTask } from "./scenario.ts";
import type { Tenure } from "./tenure.ts";

/** What stores take a second in one seed of eight, so that tasks wait for them, and what each attempt asks for. */
const SLOW_STORES = { reads: 1_000, writes: 8, puts: 1_000, gets: 1_000 };
const WRITE = { reads: 0, writes: 1, puts: 0, gets: 0 };

/** Who looks on: sees everything that passes between a driver and its scheduler. */
/** All results of the simulation are kept for good. */
const NEW = { startedAt: 0, isOfRun: () => false };

export interface Onlooker {
  /** `tasks`: those it has to have, by their index in the scheduler. */
  opened(run: number, wanted: ScenarioRun, tasks: readonly number[]): void;
  /** An attempt of `parent` has opened a run. */
  nested(run: number, parent: number, targets: readonly number[], tasks: readonly number[]): void;
  /** An attempt that another driver has begun is awaited. `where`: what it shares with others of the same assignment. */
  adopted(assignment: number, task: number, lane: Lane, where: string): void;
  event(event: SchedulerEvent): void;
  command(command: Command): void;
  delivered(run: number, position: number, value: string | undefined): void;
  /** An attempt is told that tasks which it has run have no results. */
  told(missing: readonly number[]): void;
  /** Attempts are on their way to an executor. */
  begun(attempts: Order["attempts"]): void;
  afterStep(): void;
}

/** A run, and which of the tasks asked for have no outcome yet. */
interface OpenRun {
  readonly index: number;
  readonly waitsFor: Map<TaskEntry, number>;
  isSettled: boolean;
  isOver: boolean;
}

/** How a driver has its run, where it is one of several. */
export interface Holding {
  readonly process: Process;
  readonly tenure: Tenure;
  /** What drivers before it have in flight. */
  orphans(): Map<string, Orphan>;
  /** It has nothing more to do with the run. */
  left(): void;
}

/** Time that attempts have to end before their run is handed over. */
const DETACH_DRAIN_MS = 2_000;

/** A run that an attempt has opened. */
interface NestedRun {
  readonly parent: TaskEntry;
  readonly assignment: number;
  readonly targets: readonly TaskEntry[];
  answer(results: readonly string[] | undefined): void;
}

/**
 * One driver's life, after `sdk/driver`: the same scheduler, look-up and enrolment, but a virtual clock
 * and simulated executors. It lasts until its runs are over, or until it crashes.
 */
export class SimulatedDriver {
  readonly scheduler: Scheduler;
  readonly entries: TaskEntry[] = [];
  readonly #around: Surroundings;
  readonly #life: ScenarioLife;
  readonly #onlooker: Onlooker;
  readonly #messages: Messages;
  readonly #pools: Pools;
  readonly #invocations: Invocations;
  readonly #placements: Placements;
  readonly #byKey = new Map<string, TaskEntry>();
  readonly #runs: OpenRun[] = [];
  readonly #opened = new Map<ScenarioRun, OpenRun>();
  readonly #nested = new Map<number, NestedRun>();
  /** What attempts of a task have run, and of which that were suspended. */
  readonly #ran = new Map<TaskEntry, { readonly run: number; readonly entries: readonly TaskEntry[] }[]>();
  readonly #kept = new Map<TaskEntry, readonly { readonly run: number; readonly entries: readonly TaskEntry[] }[]>();
  readonly #bill = new Bill((run, usd) => {
    this.spentUsd += usd;
    this.#happen({ type: "charged", run, usd });
  });
  readonly #inFlight = new InFlightBook();
  readonly #holding: Holding | undefined;
  readonly #clock: Clock;
  readonly #adopted: Adopted | undefined;
  /** Dollars that were charged here. */
  spentUsd = 0;
  /** What waits until it is known whose the run is. */
  #held: (() => void)[] = [];
  /** Its run is another driver's from now on. */
  #isLost = false;
  #wakingAt: number | undefined;
  #isCarryingOut = false;
  /** What has happened while commands are carried out is taken in when all are, as by the library's own loop. */
  readonly #later: SchedulerEvent[] = [];
  #isDead = false;

  constructor(
    around: Surroundings,
    index: number,
    running: RunningInvocations,
    onlooker: (driver: SimulatedDriver) => Onlooker,
    holding?: Holding,
    life: ScenarioLife = around.scenario.lives[index],
  ) {
    const { scenario, agenda, fate, storage } = around;
    this.#around = around;
    this.#holding = holding;
    this.#clock = holding?.process ?? agenda;
    this.#life = life;
    this.scheduler = new Scheduler({
      seed: scenario.seed + index,
      groups: capacityGroups(scenario.offer),
      concurrency: scenario.concurrency,
      batch: { targetMs: 50, maxTasks: 16, behindMs: 200, fanIns: scenario.seed % 4 !== 3 },
      speculation: scenario.speculation,
      storeRates: scenario.seed % 8 === 5 ? SLOW_STORES : undefined,
    });
    for (const [type, known] of storage.sizing) this.scheduler.sizing.recall(type, known);
    if (this.#life.knowsDurations) {
      for (const { type, durationMs } of scenario.tasks) this.scheduler.learnDuration(type, durationMs);
    }
    this.#placements = new Placements(scenario.offer);
    this.#messages = new Messages(
      this.#clock,
      fate,
      `life ${index}`,
      (report) => this.#report(report),
      (assignment, task) => this.scheduler.isAwaited(assignment, task),
      around.overheard,
    );
    this.#adopted = holding && new Adopted(around, holding.process, this.#messages);
    this.#pools = new Pools(around, this.#messages, index);
    this.#invocations = new Invocations(around, this.#messages, index, running);
    this.#onlooker = onlooker(this);
  }

  begin(): void {
    for (const run of this.#life.runs) this.#clock.in(run.atMs, () => this.#open(run));
  }

  /** Something is said in the feed of another driver. */
  overhear(lab: string, report: Report): void {
    this.#adopted?.hear(lab, report);
  }

  get isOver(): boolean {
    const runs = this.#life.runs.map((run) => this.#opened.get(run));
    // What nobody waits for any more ends, too.
    return this.#nested.size === 0 && runs.every((run) => run?.isOver);
  }

  /** It dies without a word, or closes when all is over: in either case nobody listens any more. */
  end(): void {
    this.#isDead = true;
    this.#messages.close();
    this.#pools.orphan();
  }

  // --- Runs ---------------------------------------------------------------------------------------

  #open(wanted: ScenarioRun): void {
    if (this.#isDead) return;
    const { scenario, storage } = this.#around;
    const tasks = scenario.tasks.map((task, position) => planned(task, position));
    const plan: LabPlan = { tasks, targets: wanted.targets };
    const { bustCache } = this.#life;
    const records = tasks.map((_, position) => (bustCache ? undefined : asRecord(storage.records.get(position))));
    const lookedUp = { records, needed: neededOf(plan, records), outdated: new Uint8Array(plan.tasks.length) };
    const index = this.scheduler.addRun(wanted);
    const enrolment = {
      scheduler: this.scheduler,
      placements: this.#placements,
      entries: this.entries,
      byKey: this.#byKey,
    };
    const before = this.entries.length;
    const entries = enrol(enrolment, plan, lookedUp, index, { ...NEW, generation: bustCache ? 1 : 0 });
    // Generations of this clock; the wall's would make every history another one.
    for (const entry of this.entries.slice(before)) if (bustCache) entry.generation = this.#nextGeneration(entry);
    const waitsFor = new Map(wanted.targets.map((target) => [entries[target], target] as const));
    const run: OpenRun = { index, waitsFor, isSettled: false, isOver: false };
    this.#runs[index] = run;
    this.#opened.set(wanted, run);
    this.#onlooker.opened(
      index,
      wanted,
      entries.flatMap(({ task }, position) => (lookedUp.needed[position] ? task : [])),
    );
    const cancel = wanted.cancel;
    if (cancel) this.#clock.in(cancel.atMs - wanted.atMs, () => this.#cancel(run, cancel, entries));
    if (this.#holding) this.#adopt(this.#holding, entries, index);
    for (const entry of [...waitsFor.keys()]) if (entry.value) this.#deliver(run, entry);
    this.#carryOut(
      this.scheduler.open(
        index,
        entries.map(({ task }) => task),
        this.#clock.now,
      ),
    );
  }

  // --- One of several drivers of a run ------------------------------------------------------------

  #adopt({ orphans, tenure }: Holding, entries: readonly TaskEntry[], run: number): void {
    const outlives = this.#around.scenario.offer.every(({ service }) => service !== "local");
    const flying = {
      inFlight: this.#inFlight,
      isAlone: (task: number) => !this.#ran.has(this.entries[task]),
      entryOf: (task: number) => this.entries[task],
      attemptOf: (task: number) => this.scheduler.tasks.attempt[task],
    };
    tenure.begin(run, outlives ? flying : undefined);
    if (!outlives) return;
    for (const {
      entry,
      assignment,
      lane,
      orphan: { from },
    } of adoptOrphans({ scheduler: this.scheduler, inFlight: this.#inFlight }, orphans(), entries, run)) {
      this.#around.fate.count("adopted");
      this.#onlooker.adopted(Number(assignment), entry.task, lane, `${from.lab}/${from.assignment}`);
      const { task, generation } = entry;
      const position = Number(entry.planned.key);
      this.#adopted?.adopt({ assignment: Number(assignment), task, position, generation, from });
    }
    tenure.changed();
  }

  /** Whether it waits, or has waited, for an attempt of another driver. */
  isAdopted(from: AdoptedFrom): boolean {
    return this.#adopted?.has(from) ?? false;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Its run was taken by another driver: what runs is left to that one. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#cancelAll(false);
    this.#clock.in(1, () => this.#holding?.left());
  }

  /** Gives its run to the next driver, with what is in flight. */
  handOver(then: (isGiven: boolean) => void): void {
    const { tenure } = this.#holding as Holding;
    tenure.prepareHandOver(() => {
      this.#isLost = true;
      this.#cancelAll(true);
      this.#clock.in(DETACH_DRAIN_MS, () => {
        this.#cancelAll(false);
        tenure.handOver(then);
      });
    });
  }

  #cancelAll(drain: boolean): void {
    // Before whatever waits to be taken in.
    for (const { index } of this.#opened.values()) this.#takeIn({ type: "cancel", run: index, drain });
  }

  /** True where it has to be asked first whose the run is: what waits for the answer goes on afterwards. */
  #hold(act: () => void): boolean {
    const tenure = this.#holding?.tenure;
    const isHolding = this.#held.length > 0;
    if (!tenure || (!isHolding && !tenure.isInDoubt())) return false;
    this.#held.push(act);
    if (isHolding) return true;
    this.#around.fate.count("in doubt");
    tenure.certain(() => {
      const held = this.#held;
      this.#held = [];
      for (const each of held) each();
    });
    return true;
  }

  /** Does something as soon as it is known that the run is this driver's, or is not. */
  #certainly(act: () => void): void {
    if (!this.#holding) act();
    else this.#clock.in(1, () => this.#holding?.tenure.certain(act));
  }

  #cancel(run: OpenRun, { drain, only }: NonNullable<ScenarioRun["cancel"]>, entries: readonly TaskEntry[]): void {
    if (this.#isDead || run.isOver) return;
    this.#around.fate.count("cancel");
    if (only === undefined) {
      this.#happen({ type: "cancel", run: run.index, drain });
      return;
    }
    // As a lab cancels a task: in all of its runs, whether they want it or not.
    const tasks = [entries[only].task];
    const nested = [...this.#nested.keys()];
    for (const { index, isOver } of [...this.#opened.values()]) {
      if (!isOver) this.#happen({ type: "cancel", run: index, drain: false, tasks });
    }
    for (const index of nested) this.#happen({ type: "cancel", run: index, drain: false, tasks });
  }

  // --- Attempts run tasks -------------------------------------------------------------------------

  #runNested({ assignment, task, children, answer }: Report & { type: "nested" }): void {
    if (!this.scheduler.isAwaited(assignment, task)) return;
    this.#happen({ type: "asks", assignment, task });
    const { scenario, storage } = this.#around;
    const parent = this.entries[task];
    const positions = below(children, scenario.tasks);
    const at = new Map(positions.map((position, index) => [position, index]));
    const tasks = positions.map((position) => {
      const whole = planned(scenario.tasks[position], position);
      return { ...whole, dependencies: whole.dependencies.map((each) => at.get(each) as number) };
    });
    const plan: LabPlan = { tasks, targets: children.map((child) => at.get(child) as number) };
    const records = positions.map((position) => asRecord(storage.records.get(position)));
    const lookedUp = { records, needed: neededOf(plan, records), outdated: new Uint8Array(plan.tasks.length) };
    const run = this.scheduler.addRun({ failFast: false, parent: task });
    const enrolment = {
      scheduler: this.scheduler,
      placements: this.#placements,
      entries: this.entries,
      byKey: this.#byKey,
    };
    // What was cancelled for others is not told.
    const kept = (this.#kept.get(parent) ?? []).flatMap(({ run, entries }) =>
      this.scheduler.isCut(run) ? [] : entries.filter((entry) => !this.scheduler.isReopenedFor(run, entry.task)),
    );
    const failures = new Set(kept.filter((entry) => this.scheduler.tasks.state[entry.task] === TaskState.Failed));
    const entries = enrol(enrolment, plan, lookedUp, run, { ...NEW, generation: 0, failures });
    this.#ran.set(parent, [...(this.#ran.get(parent) ?? []), { run, entries }]);
    const targets = plan.targets.map((target) => entries[target]);
    this.#nested.set(run, { parent, assignment, targets, answer });
    const needed = entries.flatMap((entry, position) => (lookedUp.needed[position] ? entry.task : []));
    this.#onlooker.nested(run, task, children, needed);
    this.#carryOut(
      this.scheduler.open(
        run,
        entries.map((entry) => entry.task),
        this.#clock.now,
      ),
    );
    if (this.#nested.has(run) || this.scheduler.isCut(run)) this.#happen({ type: "parked", assignment, task, run });
  }

  /** A nested run has ended; one whose results are gone is asked for once more. */
  #nestedEnded(run: number, { parent, assignment, targets, answer }: NestedRun): void {
    this.#nested.delete(run);
    if (!this.scheduler.isAwaited(assignment, parent.task) || this.scheduler.isCut(run)) return;
    // What was lost to others meanwhile is being made again, or is not any more, since those have ended.
    const { Done, Failed } = TaskState;
    const settled: readonly number[] = [Done, Failed];
    const isMissing = (task: number) =>
      !settled.includes(this.scheduler.tasks.state[task]) || this.scheduler.isReopenedFor(run, task);
    const remade = targets.map(({ task }) => task).filter(isMissing);
    if (remade.length > 0) {
      this.#happen({ type: "lost", runs: [run], tasks: remade });
      this.#nested.set(run, { parent, assignment, targets, answer });
      this.#happen({ type: "parked", assignment, task: parent.task, run });
      return;
    }
    const slots = targets.map(({ value }) => value as ObjectSlot | undefined);
    const hashes = slots.flatMap((slot) => slot?.hash ?? []);
    const failed = hashes.length < targets.length;
    const lost = targets.filter((_, at) => slots[at] && !this.#around.storage.has(slots[at].hash));
    if (failed) this.#onlooker.told(targets.filter(({ value }) => !value).map(({ task }) => task));
    if (failed || lost.length === 0) {
      answer(failed ? undefined : hashes);
      return;
    }
    // As when the parent could not load them.
    this.#clock.in(2, () => {
      if (this.#isDead || !this.scheduler.isAwaited(assignment, parent.task)) return;
      const tasks = lost
        .map(({ task }) => task)
        .filter((task) => this.scheduler.tasks.state[task] !== TaskState.Failed);
      if (tasks.length === 0) {
        answer(undefined);
        return;
      }
      this.#nested.set(run, { parent, assignment, targets, answer });
      this.#happen({ type: "lost", runs: [run], tasks });
      this.#happen({ type: "parked", assignment, task: parent.task, run });
    });
  }

  /** Loads a result that was asked for; one that is lost is made again. */
  #deliver(run: OpenRun, entry: TaskEntry): void {
    const { storage } = this.#around;
    const slot = entry.value as ObjectSlot;
    this.#clock.in(1, () => {
      if (this.#hold(() => this.#deliver(run, entry))) return;
      if (this.#isDead || !run.waitsFor.has(entry)) return;
      if (storage.has(slot.hash)) {
        this.#settle(run, entry, slot.hash);
        return;
      }
      if (entry.value !== slot || run.isOver) return;
      const runs = [...this.#opened.values()].filter(({ waitsFor }) => waitsFor.has(entry)).map(({ index }) => index);
      this.#happen({ type: "lost", runs, tasks: [entry.task] });
    });
  }

  #settle(run: OpenRun, entry: TaskEntry, value: string | undefined): void {
    const position = run.waitsFor.get(entry);
    if (position === undefined) return;
    run.waitsFor.delete(entry);
    this.#onlooker.delivered(run.index, position, value);
    this.#finishIfOver(run);
  }

  #finishIfOver(run: OpenRun): void {
    if (run.isOver || !run.isSettled || run.waitsFor.size > 0) return;
    run.isOver = true;
    // What was learned is kept for the next one.
    for (const { type } of this.#around.scenario.tasks) {
      this.#around.storage.sizing.set(type, this.scheduler.sizing.learned(type));
    }
  }

  // --- Between the scheduler and the world --------------------------------------------------------

  #report(report: Report): void {
    if (this.#hold(() => this.#report(report))) return;
    this.#charge(report);
    switch (report.type) {
      case "outcome": {
        const { assignment, task, outcome, goesOnWith = [] } = report;
        const entry = this.entries[task];
        for (const fanIn of goesOnWith) this.#happen({ type: "fan-in", assignment, ...fanIn });
        // By name, not drawn: one in eight is refused once.
        const refused = (assignment + task) % 8 === 0 ? { refused: { ...WRITE, reads: 1 } } : {};
        this.#happen({ type: "asked-stores", requests: { ...WRITE, ...refused }, by: { assignment, task } });
        if (outcome.kind === "suspended") {
          entry.suspensions += 1;
          this.#kept.set(entry, this.#ran.get(entry) ?? []);
          this.#happen({ type: "suspended", assignment, task });
          break;
        }
        if (outcome.kind === "passed-over") {
          this.#happen({ type: "passed-over", assignment, task });
          break;
        }
        if (outcome.kind === "ok" && "value" in outcome) entry.value ??= outcome.value;
        this.#happen({ type: "attempt-ended", assignment, task, end: this.#endOf(entry, outcome) });
        break;
      }
      case "nested":
        this.#runNested(report);
        break;
      case "assignment-failed":
        this.#happen({ type: "assignment-failed", assignment: report.assignment, end: report.failure });
        break;
      case "executor-gone":
        this.#happen({
          type: "executor-gone",
          executor: report.executor,
          ...(report.failure ? { end: report.failure satisfies SimulatedFailure } : {}),
        });
        break;
      default:
        this.#happen(report);
    }
  }

  /** Writes down what has been spent when something is reported, before anything follows from it. */
  #charge(report: Report): void {
    const { now } = this.#clock;
    const { owner } = this.scheduler.tasks;
    switch (report.type) {
      case "outcome": {
        const { assignment, task, goesOnWith = [] } = report;
        for (const fanIn of goesOnWith) this.#inFlight.join(String(assignment), fanIn);
        const inFlight = this.#inFlight.end(String(assignment), task);
        this.#holding?.tenure.changed();
        const unknown = { startedAt: undefined, endedAt: undefined, traffic: undefined };
        this.#bill.ended({ inFlight, run: owner[task], name: "", ...unknown }, now);
        break;
      }
      case "assignment-failed": {
        const inFlight = this.#inFlight.take(String(report.assignment));
        const [task] = inFlight?.open ?? [];
        const isFree = report.failure.kind === "throttled";
        if (task !== undefined) this.#bill.brokenOff({ inFlight, isFree }, owner[task], now);
        break;
      }
      case "executor-ready":
        this.#bill.ready(report.executor, report.lane, now, now);
        break;
      case "executor-gone":
        this.#inFlight.takeOf(report.executor);
        this.#bill.gone(report.executor, now);
        break;
      case "start-failed":
        this.#bill.notStarted(report.lane, report.count, undefined);
        break;
      default:
    }
  }

  #endOf(
    entry: TaskEntry,
    outcome: Exclude<(Report & { type: "outcome" })["outcome"], { kind: "suspended" | "passed-over" }>,
  ): AttemptEnd {
    if (outcome.kind === "ok" && "value" in outcome) {
      const { durationMs, value } = outcome;
      const peakMemoryMb = this.#around.scenario.tasks[Number(entry.planned.key)]?.needsMb;
      return { kind: "ok", durationMs, resultBytes: value.bytes, ...(peakMemoryMb ? { peakMemoryMb } : {}) };
    }
    const { kind, lost, crowded } = outcome as Exclude<typeof outcome, { value: unknown }>;
    // An attempt of another driver may miss what only that one knew of.
    const tasks = lost?.flatMap((position) => {
      const key = String(position);
      const known = entry.dependencies.find(({ planned }) => planned.key === key) ?? this.#byKey.get(key);
      return known ? known.task : [];
    });
    return {
      kind: kind as Exclude<typeof kind, "ok">,
      retryable: entry.planned.policy.retryOn === true,
      ...(tasks ? { lost: tasks, lostForGood: tasks.length === 0 } : {}),
      ...(crowded ? { crowded } : {}),
    };
  }

  #happen(event: SchedulerEvent): void {
    if (!this.#isDead && !this.#hold(() => this.#happen(event))) this.#takeIn(event);
  }

  #takeIn(event: SchedulerEvent): void {
    if (this.#isCarryingOut) {
      this.#later.push(event);
      return;
    }
    this.#onlooker.event(event);
    this.#carryOut(this.scheduler.step([event], this.#clock.now));
  }

  #carryOut(commands: readonly Command[]): void {
    this.#isCarryingOut = true;
    for (const command of commands) {
      this.#onlooker.command(command);
      this.#perform(command);
    }
    this.#isCarryingOut = false;
    this.#onlooker.afterStep();
    this.#setTimer();
    const next = this.#later.shift();
    if (next) this.#takeIn(next);
  }

  #setTimer(): void {
    const at = this.scheduler.wakeAt;
    if (at === undefined || (this.#wakingAt !== undefined && this.#wakingAt <= at)) return;
    this.#wakingAt = at;
    this.#clock.in(Math.max(0, at - this.#clock.now), () => {
      if (this.#wakingAt !== at || this.#isDead) return;
      this.#wakingAt = undefined;
      this.#happen({ type: "tick" });
    });
  }

  #perform(command: Command): void {
    switch (command.type) {
      case "dispatch":
        this.#dispatch(command);
        break;
      case "start-executors":
        this.#bill.askedFor(command.lane, command.count, command.run);
        this.#pools.start(command.lane, command.count);
        break;
      case "stop-executor":
        this.#pools.stop(command.executor);
        break;
      case "kill": {
        const { executor } = command;
        if (command.reason === "taken-back") this.#inFlight.takeBack(String(command.assignment), command.tasks);
        // The run's next driver waits for what outlives this one, unless it waits for this one's answers.
        const isLeft = this.#isLost && !command.tasks.some((task) => this.#ran.has(this.entries[task]));
        if (isLeft && this.#around.begun) break;
        if (this.#adopted?.kill(command.assignment)) break;
        if (executor === undefined) this.#invocations.kill(command);
        else this.#pools.kill({ ...command, executor });
        break;
      }
      case "settled":
        this.#settled(this.entries[command.task], command.kind === "ok");
        break;
      case "reopened":
        this.#reopened(this.entries[command.task]);
        break;
      case "circle": {
        const nested = this.#nested.get(command.run);
        this.#nested.delete(command.run);
        this.#around.fate.count("circle");
        nested?.answer(undefined);
        this.#clock.in(0, () => {
          if (!this.#isDead) this.#happen({ type: "cancel", run: command.run, drain: false });
        });
        break;
      }
      case "run-ended": {
        const nested = this.#nested.get(command.run);
        const run = this.#runs[command.run];
        if (nested) this.#nestedEnded(command.run, nested);
        if (!run) break;
        run.isSettled = true;
        this.#finishIfOver(run);
        break;
      }
      case "budget-spent":
        this.#around.fate.count("budget spent");
        break;
      default:
        if (command.type === "goes-on" || command.type === "joined") break;
        command satisfies { readonly type: "retry" };
        this.#kept.delete(this.entries[command.task]);
    }
  }

  #dispatch(command: Command & { type: "dispatch" }): void {
    const { assignment, atOnce = 1, attempts: numbers, beside, fanIns = [], lane, executor, tasks } = command;
    if (beside !== undefined) this.#around.fate.count("second attempt");
    this.#inFlight.add(String(assignment), lane, executor, tasks, this.#clock.now);
    this.#holding?.tenure.changed();
    if (tasks.length > 1) this.#around.fate.count("batch");
    const entries = tasks.map((task) => this.entries[task]);
    const book = {
      isNested: (run: number) => !this.#runs[run],
      wanting: (entry: TaskEntry) => [...this.#opened.values()].filter(({ waitsFor }) => waitsFor.has(entry)),
    };
    const unstored = neededHereOnly(entries, this.scheduler.tasks, book);
    if (entries.some((entry) => entry.dependencies.some((each) => tasks.includes(each.task)))) {
      this.#around.fate.count("chain");
    }
    const order: Order = {
      assignment,
      lane,
      executor,
      atOnce: tasks.length > 1 ? atOnce : 1,
      attempts: tasks.map((task, at) => {
        const entry = this.entries[task];
        const { planned, generation, dependencies, suspensions } = entry;
        const inputs = dependencies.map((dependency) => {
          if (dependency.value) return dependency.value as ObjectSlot;
          // What comes before it in the order hands its result on.
          return tasks.indexOf(dependency.task) < at ? undefined : { object: "none", bytes: 0, hash: "none" };
        });
        const isUnstored = unstored.has(entry);
        const position = Number(planned.key);
        const handles = this.#handlesOf(position);
        return { task, position, generation, inputs, handles, isUnstored, suspensions, number: numbers[at] };
      }),
      fanIns: fanIns.map((fanIn) => this.#orderedFanIn(fanIn)),
    };
    this.#certainly(() => {
      if (this.#isDead) return;
      if (this.#isLost) {
        this.#happen({ type: "assignment-failed", assignment, end: { kind: "cancelled" } });
        return;
      }
      this.#onlooker.begun(order.attempts);
      if (executor === undefined) this.#invocations.invoke(order);
      else this.#pools.dispatch(order);
    });
  }

  #orderedFanIn({ task, attempt: number }: FanIn): OrderedFanIn {
    const { planned, generation, dependencies, suspensions } = this.entries[task];
    const inputs = dependencies.map(({ value }) => value as ObjectSlot | undefined);
    const waitsFor = dependencies.filter(({ value }) => !value).map((each) => Number(each.planned.key));
    const position = Number(planned.key);
    // Several drivers have one run, several lives have one each.
    const run = this.#holding ? "run" : `life ${this.#around.scenario.lives.indexOf(this.#life)}`;
    const attempt = {
      task,
      position,
      generation,
      inputs,
      handles: this.#handlesOf(position),
      isUnstored: false,
      suspensions,
      number,
    };
    return { attempt, waitsFor, name: `${run}/${position}#${number}` };
  }

  /** Tasks whose handles one was given, as far as they are known here by their keys and have not failed for good. */
  #handlesOf(position: number): readonly number[] {
    const { state, unwanted } = this.scheduler.tasks;
    return this.#around.scenario.tasks[position].handles.filter((each) => {
      const known = this.#byKey.get(String(each));
      return known !== undefined && (state[known.task] !== TaskState.Failed || unwanted[known.task] === 1);
    });
  }

  #settled(entry: TaskEntry, isOk: boolean): void {
    for (const run of this.#runs) {
      if (!run?.waitsFor.has(entry)) continue;
      if (isOk) this.#deliver(run, entry);
      else this.#settle(run, entry, undefined);
    }
  }

  #reopened(entry: TaskEntry): void {
    entry.value = undefined;
    // The stored record points at what is gone: the next one has to replace it.
    entry.generation = Math.max(entry.generation + 1, this.#nextGeneration(entry));
    this.#byKey.set(entry.planned.key, entry);
    const owner = this.#runs[this.scheduler.tasks.owner[entry.task]];
    if (owner) owner.isSettled = false;
  }

  #nextGeneration({ planned }: TaskEntry): number {
    return (this.#around.storage.records.get(Number(planned.key))?.generation ?? 0) + 1;
  }
}

/** Positions of some tasks and of all that they depend on, in order. */
function below(targets: readonly number[], tasks: readonly ScenarioTask[]): number[] {
  const found = new Set(targets);
  // A set goes on to what is added while it is gone through.
  for (const position of found) for (const dependency of tasks[position].dependencies) found.add(dependency);
  return [...found].sort((a, b) => a - b);
}

/** A task as planning would make it; its key is its position. */
function planned(task: ScenarioTask, position: number): PlannedTask {
  const { type: name, dependencies, demand, policy, paramBytes, uncached } = task;
  const params = { byteLength: paramBytes } as Uint8Array;
  const keep = uncached ? { keepMs: 0 } : {};
  const whole = { key: String(position), name, version: "1", dependencies, params, demand, policy, ...keep };
  return whole as unknown as PlannedTask;
}

const asRecord = (record: { readonly value: ObjectSlot } | undefined) => record as ResultRecord | undefined;
