import { randomInt } from "node:crypto";
import type { BatchOptions } from "../core/batch.ts";
import type { Command } from "../core/commands.ts";
import { STORES } from "../core/limits.ts";
import { capacityGroups } from "../core/route.ts";
import { Scheduler } from "../core/scheduler.ts";
import { TaskState } from "../core/task-table.ts";
import type { LabPlan } from "../planning.ts";
import type { StartedRun } from "../run.ts";
import type { RunnerEvent } from "../runners/runner.ts";
import type { Task } from "../task.ts";
import type { RequestCounts } from "../wire/requests.ts";
import { Aftermath } from "./aftermath.ts";
import { Cancelling } from "./cancelling.ts";
import { Charges } from "./charges.ts";
import { Chronicler } from "./chronicler.ts";
import { CodeKeeper } from "./code-keeper.ts";
import { Delivery } from "./delivery.ts";
import { Dispatching } from "./dispatching.ts";
import type { DriverOptions, StartOptions } from "./driver-options.ts";
import { EndedRuns } from "./ended-runs.ts";
import { EventLoop } from "./event-loop.ts";
import { EvidenceBook } from "./evidence.ts";
import { errorOf } from "./failures.ts";
import { HandOvers } from "./hand-over.ts";
import { InFlightBook } from "./in-flight.ts";
import { JournalKeeper } from "./journal-keeper.ts";
import { KeptFailures } from "./kept-failures.ts";
import { LeftResults } from "./left-results.ts";
import { LiveAttempts } from "./live-attempts.ts";
import { NestedRuns } from "./nested-runs.ts";
import { type DriverParts, notice } from "./parts.ts";
import { Placements } from "./placements.ts";
import { ProgressTeller } from "./progress-teller.ts";
import { Refusals } from "./refusals.ts";
import { Remaking } from "./remaking.ts";
import { Reports } from "./reports.ts";
import { ResultWays } from "./result-ways.ts";
import { RunBook } from "./run-book.ts";
import { RunClaims } from "./run-claims.ts";
import { RunKeeper } from "./run-keeper.ts";
import { RunStarts } from "./run-starts.ts";
import type { RunState } from "./run-state.ts";
import { countsOf } from "./run-summary.ts";
import { Settling } from "./settling.ts";
import { TypeStatistics } from "./type-statistics.ts";

/**
 * Drives a lab's runs: asks the scheduler what to do, has the runner do it, and tells the scheduler
 * what came of it. All decisions are the scheduler's; all effects are the runner's and the stores'.
 */
export class Driver {
  readonly #parts: DriverParts;
  readonly #dispatching: Dispatching;
  readonly #settling: Settling;
  readonly #remaking: Remaking;
  readonly #reports: Reports;
  readonly #starts: RunStarts;
  readonly #cancelling: Cancelling;
  readonly #handOvers: HandOvers;

  constructor(options: DriverOptions) {
    this.#parts = this.#assemble(options);
    const delivery = new Delivery(this.#parts);
    this.#dispatching = new Dispatching(this.#parts, (event) => this.report(event));
    this.#settling = new Settling(this.#parts, delivery);
    this.#starts = new RunStarts(this.#parts, delivery, this.#dispatching);
    this.#cancelling = new Cancelling(this.#parts, this.#dispatching);
    this.#remaking = new Remaking({
      book: this.#parts.book,
      tasks: this.#parts.scheduler.tasks,
      rebuild: options.rebuild,
      start: (rebuilt, within) => this.#starts.startAgain(rebuilt, within),
      cancel: (run) => this.cancel(run, false),
      notice: (text) => notice(this.#parts, text),
    });
    this.#reports = new Reports(this.#parts, this.#remaking);
    this.#handOvers = new HandOvers(this.#parts, this.#starts, this.#cancelling);
  }

  #assemble(options: DriverOptions): DriverParts {
    const { bundle, concurrency, labId, namespace, nesting, opening, runner, speculation, stores } = options;
    const { table } = stores;
    const batch = opening.batch;
    const groups = capacityGroups(opening.offer);
    // Where requests are charged they are bounded, too.
    const storeRates = stores.requests && { ...STORES.table, ...STORES.prefix, ...opening.storeRates };
    const scheduler = new Scheduler({ seed: randomInt(2 ** 31), groups, concurrency, batch, speculation, storeRates });
    const book = new RunBook();
    const inFlight = new InFlightBook();
    const placements = new Placements(opening.offer, (type) => scheduler.estimateMs(type));
    const progress = new ProgressTeller(options.progress, runner.name);
    const owner = { table, namespace, labId, runner: runner.name, bundle: bundle.hash };
    const keeper = new RunKeeper({
      ...owner,
      counts: (run) => countsOf(run, scheduler.tasks.state),
      heldMs: (run) => scheduler.heldMs + run.heldOffsetMs,
      cancelled: (run) => this.cancel(run, false),
      lost: (run, error) => this.#handOvers.lose(run, error),
      notice: (text) => notice(this.#parts, text),
    });
    const claims = new RunClaims(owner, (runId) => keeper.has(runId));
    const certain = () => keeper.certain();
    const attemptOf = (task: number) => scheduler.tasks.attempt[task];
    const live = new LiveAttempts({
      inFlight,
      runner,
      tell: options.progress,
      entryOf: (task) => book.entries[task],
      attemptOf,
      runOf: (entry) => book.runOf(entry),
    });
    const loop = new EventLoop({ scheduler, keeper, carryOut: (command) => this.#carryOut(command) });
    const keptFailures = new KeptFailures({ stores, namespace, certain });
    const nested = new NestedRuns({
      scheduler,
      stores,
      namespace,
      kept: keptFailures,
      limits: nesting,
      rootOf: (entry) => book.runOf(entry),
      prepare: (plan, lookedUp) => this.#starts.prepare(plan, lookedUp),
      enrol: (...enrolment) => this.#starts.enrolNested(...enrolment),
      open: (run, entries) => this.#starts.open(run, entries),
      push: (event) => loop.push(event),
      answer: (order) => runner.answer?.(order),
    });
    const journal = new JournalKeeper({
      table,
      namespace,
      labId,
      inFlight,
      isAlone: (task) => !nested.hasAsked(book.entries[task]),
      entryOf: (task) => book.entries[task],
      runOf: (entry) => book.runOf(entry),
      attemptOf,
      certain,
    });
    const charge = (index: number, usd: number, name: string | undefined) => {
      const run = book.runs[index];
      // A run is not forgotten while it may be charged.
      if (!run) return;
      run.costUsd += usd;
      loop.push({ type: "charged", run: run.index, usd });
      progress.charged(run.id, name, usd);
      if (run.isOver) keeper.costChanged(run);
    };
    const refusals = new Refusals((text) => notice(this.#parts, text));
    const asked = (requests: RequestCounts, by?: { assignment: number; task: number }) => {
      refusals.heard(requests);
      if (requests.refused) {
        const { refused } = requests;
        for (const run of by ? [book.runOf(book.entries[by.task])] : book.active) run.addRefused(refused);
      }
      loop.push(by ? { type: "asked-stores", requests, by } : { type: "asked-stores", requests });
    };
    const charges = new Charges({ scheduler, placements, requests: stores.requests, asked, charge });
    const ended = new EndedRuns({ book, scheduler, inFlight, bill: charges.bill });
    const leftResults = new LeftResults({ book, tasks: scheduler.tasks, objects: stores.objects });
    const ways = new ResultWays({ table, namespace, mayPack: opening.packsResults ?? false });
    const statistics = new TypeStatistics({ stores, namespace, scheduler });
    const chronicler = new Chronicler({ stores, namespace, runner: runner.name, certain });
    const evidence = new EvidenceBook(runner.name, ({ run }) =>
      book.isNested(run) ? undefined : book.runs[run]?.startedAt,
    );
    const code = new CodeKeeper(stores, options.code);
    const kept = { claims, keeper, chronicler, journal, keptFailures };
    return {
      options,
      aftermath: new Aftermath(),
      scheduler,
      loop,
      book,
      ended,
      leftResults,
      inFlight,
      placements,
      statistics,
      code,
      ways,
      charges,
      evidence,
      nested,
      progress,
      live,
      ...kept,
    };
  }

  // --- The loop -----------------------------------------------------------------------------------

  /** Something has happened at the runner. */
  report(event: RunnerEvent): void {
    this.#reports.take(event);
  }

  #carryOut(command: Command): void {
    const { book, charges, nested, options } = this.#parts;
    switch (command.type) {
      case "dispatch":
        void this.#dispatching.dispatch(command);
        break;
      case "joined":
        this.#dispatching.joined(command);
        break;
      case "start-executors":
        charges.bill.askedFor(command.lane, command.count, command.run);
        options.runner.startExecutors(command.lane, command.count);
        break;
      case "stop-executor":
        options.runner.stopExecutor(command.executor);
        break;
      case "kill":
        this.#dispatching.kill(command);
        break;
      case "retry":
        this.#settling.retried(command);
        break;
      case "goes-on":
        this.#settling.goesOn(command);
        break;
      case "settled":
        this.#settling.settled(command);
        break;
      case "reopened":
        this.#settling.reopened(command);
        break;
      case "circle":
        nested.refuseCircle(
          command.run,
          command.path.map((task) => book.entries[task]),
        );
        break;
      case "budget-spent":
        this.#settling.budgetSpent(command);
        break;
      case "run-ended":
        this.#settling.runEnded(command.run);
        break;
    }
  }

  // --- Runs ---------------------------------------------------------------------------------------

  /**
   * Starts a run of a plan.
   *
   * @throws InfeasibleError when some task that has to run fits no executor.
   * @throws LabError when another driver has the run.
   */
  start(plan: LabPlan, tasks: readonly Task<unknown>[], options: StartOptions): Promise<RunState> {
    return this.#starts.start(plan, tasks, options);
  }

  /**
   * Has a run of a plan driven elsewhere from its begin.
   *
   * @throws InfeasibleError when some task fits no executor; LabError when the runner has no driver elsewhere.
   */
  submit(plan: LabPlan, options: StartOptions): Promise<void> {
    return this.#handOvers.submit(plan, options);
  }

  /** A run as who has started it sees it. */
  started(run: RunState): StartedRun {
    return {
      outcomes: run,
      error: () => errorOf(run),
      cancel: async (drain) => this.cancel(run, drain),
      detach: () => this.#handOvers.detach(run),
    };
  }

  /** Stops a run: what is running may finish when draining, and is stopped otherwise. */
  cancel(run: RunState, drain: boolean): void {
    this.#cancelling.cancel(run, drain);
  }

  /** Lets what runs finish, and starts nothing more. */
  drainAll(): void {
    this.#cancelling.drainAll();
  }

  cancelAll(): void {
    this.#cancelling.cancelAll();
  }

  /** Cancels one task in every run that waits for it. */
  cancelTask(key: string, force: boolean): void {
    this.#cancelling.cancelTask(key, force);
  }

  /** The results of these tasks were deleted: runs that begin later do not share what this lab had of them. */
  forget(keys: readonly string[]): void {
    const { book, scheduler } = this.#parts;
    for (const key of keys) {
      const entry = book.byKey.get(key);
      if (entry && scheduler.tasks.state[entry.task] === TaskState.Done) book.byKey.delete(key);
    }
  }

  /** Runs that are not over. */
  activeRuns(): RunState[] {
    return [...this.#parts.book.active];
  }

  // --- What is known ------------------------------------------------------------------------------

  get placements(): Placements {
    return this.#parts.placements;
  }

  /** How many short attempts may share a dispatch. */
  get batch(): BatchOptions {
    return this.#parts.options.opening.batch;
  }

  /** Takes in what earlier runs measured of task types that this lab has not run yet. */
  recall(plan: LabPlan): Promise<void> {
    return this.#parts.statistics.recall(plan);
  }

  // --- The end ------------------------------------------------------------------------------------

  /** Attempts of a run that was given away go on with its executors. */
  get hasLeftWork(): boolean {
    return this.#dispatching.hasLeftWork;
  }

  /** Charges what containers have cost up to now: their end will not be heard of. */
  settleBill(): void {
    this.#parts.charges.bill.settle(Date.now());
  }

  /** Resolves when everything that was to be kept is written. */
  async written(): Promise<void> {
    const { aftermath, code, statistics, chronicler, keeper, leftResults } = this.#parts;
    await this.#remaking.idle();
    aftermath.begin();
    await Promise.all([code.written(), statistics.written(), chronicler.written(), keeper.written()]);
    await leftResults.deleted();
  }
}
