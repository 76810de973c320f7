import { randomBytes } from "node:crypto";
import { buildBundle } from "./bundle/bundle.ts";
import { deleteCached, isCached, listCached } from "./cache.ts";
import { Driver } from "./driver/driver.ts";
import type { RunState } from "./driver/run-state.ts";
import { LabError, LabOptionError } from "./errors.ts";
import { handleInterrupts } from "./interrupt.ts";
import { keepingAlive } from "./keep-alive.ts";
import { checkLabOptions, chooseRunner, type LabOptions } from "./lab-options.ts";
import { getValues, putValue } from "./objects.ts";
import { checkNames } from "./options.ts";
import { isPlanning, neverStarted, tellPlan } from "./plan-mode.ts";
import { describePlan, type PlanReport } from "./plan-report.ts";
import { type LabPlan, type PlanningContext, planTasks } from "./planning.ts";
import { chooseProgress } from "./progress/progress.ts";
import { type ResultsOf, Run, type StartedRun } from "./run.ts";
import { checkRunOptions, type RunOptions } from "./run-options.ts";
import type { Runner } from "./runners/runner.ts";
import { checkRunsOptions, findRuns, type RunInfo, type RunsOptions } from "./runs.ts";
import { LabLife } from "./stores/lab-life.ts";
import { openStores, type Stores } from "./stores/stores.ts";
import type { Task, TaskDefinition } from "./task.ts";
import { type WaitOptions, type WaitResult, waitFor } from "./wait.ts";
import { encode } from "./wire/codec/codec.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { newRunId } from "./wire/run-id.ts";
import type { Slot } from "./wire/slot.ts";

/** A lab that has been opened: everything is there that runs need. */
interface OpenLab {
  readonly runner: Runner;
  readonly stores: Stores;
  readonly driver: Driver;
  readonly life: LabLife;
  readonly planning: PlanningContext;
}

const DEFAULT_NAMESPACE = "default";

/**
 * A lab runs tasks and keeps their results. The same script runs on processes of this machine or on
 * AWS, as `runner` says.
 *
 * Close it when done, best by `await using`.
 *
 * @example
 * await using lab = new Lab({ tasks: import.meta.resolve("./tasks.ts") });
 * const models = [1, 2, 3].map((seed) => trainModel({ seed, data: loadData({ path }) }));
 * const [winner] = await lab.runTasks([best({ models })]);
 */
export class Lab implements AsyncDisposable {
  readonly #options: LabOptions;
  readonly #runner: Runner;
  readonly #namespace: string;
  /** Unique among all labs: part of the names of its executors. */
  readonly #id = randomBytes(6).toString("hex");
  #opening: Promise<OpenLab> | undefined;
  #closed: Promise<void> | undefined;
  #releaseInterrupts: (() => void) | undefined;
  #active = 0;
  /** Plans that are being told. */
  #planned: Promise<void> = Promise.resolve();

  /** @throws LabOptionError for options that mean nothing or could never work. */
  constructor(options: LabOptions) {
    checkLabOptions(options);
    this.#options = options;
    this.#runner = chooseRunner(options);
    this.#namespace = options.namespace ?? DEFAULT_NAMESPACE;
  }

  // --- Running tasks ------------------------------------------------------------------------------

  /**
   * Runs tasks and everything they depend on that is not cached.
   *
   * @returns Their results, in order.
   * @throws RunError when one of them has no result, after all that could finish has finished.
   * @throws LabError before anything runs, when something is wrong with the tasks or the lab.
   */
  runTasks<const T extends readonly Task<unknown>[]>(tasks: T, options?: RunOptions): Promise<ResultsOf<T>> {
    return this.start(tasks, options).results();
  }

  /** Runs one task; see {@link Lab.runTasks}. */
  async runTask<R>(task: Task<R>, options?: RunOptions): Promise<R> {
    const [result] = await this.runTasks([task], options);
    return result as R;
  }

  /**
   * Sets tasks in motion and returns at once. What goes wrong shows when the run is waited for.
   *
   * @example
   * for await (const outcome of lab.start(tasks)) console.log(String(outcome.task), outcome.kind);
   */
  start<const T extends readonly Task<unknown>[]>(tasks: T, options: RunOptions = {}): Run<T> {
    const runId = options.runId ?? newRunId();
    if (isPlanning()) return new Run<T>(runId, neverStarted(this.#tellPlan(tasks, options)));
    return new Run<T>(runId, keepingAlive(this.#start(runId, tasks, options)));
  }

  /** What a run would do, instead of doing it: see `stratolab plan`. */
  #tellPlan(tasks: readonly Task<unknown>[], options: RunOptions): Promise<void> {
    const plan = async () => {
      if (!Array.isArray(tasks)) throw new LabOptionError(`runTasks needs an array of tasks, got ${typeof tasks}`);
      checkRunOptions(options);
      return this.plan(tasks);
    };
    this.#planned = Promise.all([this.#planned, keepingAlive(tellPlan(plan(), options.name))]).then(() => {});
    return this.#planned;
  }

  async #start(runId: string, tasks: readonly Task<unknown>[], options: RunOptions): Promise<StartedRun> {
    if (!Array.isArray(tasks)) throw new LabOptionError(`runTasks needs an array of tasks, got ${typeof tasks}`);
    checkRunOptions(options);
    const { bustCache = false, failFast = false, maxCostUsd, name, signal, tags } = options;
    signal?.throwIfAborted();
    const { driver, planning } = await this.#open();
    const plan = planTasks(tasks, planning);
    const state = await driver.start(plan, tasks, {
      runId,
      name,
      tags,
      bustCache,
      failFast,
      maxCostUsd,
      isContinued: options.runId !== undefined,
    });
    this.#attend(driver, state, signal);
    return { driver, state };
  }

  /** Takes care of Ctrl-C and of an abort signal as long as a run is active. */
  #attend(driver: Driver, state: RunState, signal: AbortSignal | undefined): void {
    const abort = () => driver.cancel(state, false);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    this.#active += 1;
    if (this.#options.handleInterrupt !== false) {
      this.#releaseInterrupts ??= handleInterrupts({
        drain: () => driver.drainAll(),
        stop: () => driver.cancelAll(),
      });
    }
    void keepingAlive(state.ended).then(() => {
      signal?.removeEventListener("abort", abort);
      this.#active -= 1;
      if (this.#active > 0) return;
      this.#releaseInterrupts?.();
      this.#releaseInterrupts = undefined;
    });
  }

  /**
   * Waits until some of the tasks have ended, well or not. Tasks that no run has started yet are
   * started; those still pending go on.
   *
   * @returns What was passed, parted into `ready` and `pending`.
   */
  wait<T extends Task<unknown> | ObjectRef<unknown>>(
    items: readonly T[],
    options?: WaitOptions,
  ): Promise<WaitResult<T>> {
    return waitFor(items, options, (tasks) => this.start(tasks));
  }

  /**
   * Cancels a task in every run of this lab that waits for it: its waiters get a TaskCancelledError.
   *
   * @param options `force: true` stops a running attempt at once. Default false: it hears `ctx.signal`
   * and is stopped two seconds later.
   */
  async cancel(task: Task<unknown>, options: { force?: boolean } = {}): Promise<void> {
    checkNames("cancel", options, ["force"]);
    const { driver, planning } = await this.#open();
    const plan = planTasks([task], planning);
    driver.cancelTask(plan.tasks[plan.targets[0]].key, options.force ?? false);
  }

  /**
   * What running these tasks would do: what is cached, what goes where and why, how long it will take and what it
   * will cost as far as earlier runs have measured it. Runs nothing.
   *
   * @example
   * const { toRun, seconds, costUsd } = await lab.plan(models);
   * console.log(`${toRun} to run, about ${seconds?.expected} s and ${costUsd?.expected} dollars`);
   */
  async plan(tasks: readonly Task<unknown>[]): Promise<PlanReport> {
    const { driver, planning, stores } = await this.#open();
    const concurrency = this.#options.concurrency ?? Number.POSITIVE_INFINITY;
    const surroundings = {
      placements: driver.placements,
      table: stores.table,
      namespace: this.#namespace,
      concurrency,
    };
    return describePlan(planTasks(tasks, planning), surroundings);
  }

  /**
   * The runs of this lab's namespace, newest first, whichever process they are of. They are known for
   * thirty days.
   *
   * @example
   * for (const run of await lab.runs({ status: "running", tag: "nightly" })) console.log(run.id, run.counts.done);
   */
  async runs(options: RunsOptions = {}): Promise<RunInfo[]> {
    checkRunsOptions(options);
    const { driver, stores } = await this.#open();
    await driver.written();
    return findRuns(stores.table, this.#namespace, options);
  }

  // --- Objects ------------------------------------------------------------------------------------

  /** Stores a value once, for use in the params of any number of tasks. */
  async put<T>(value: T): Promise<ObjectRef<T>> {
    const { stores } = await this.#open();
    return putValue(stores.objects, value);
  }

  /** The value of a handle, or of several. */
  get<T>(ref: ObjectRef<T>): Promise<T>;
  get<const R extends readonly ObjectRef<unknown>[]>(
    refs: R,
  ): Promise<{ -readonly [K in keyof R]: R[K] extends ObjectRef<infer T> ? T : never }>;
  async get(refs: ObjectRef<unknown> | readonly ObjectRef<unknown>[]): Promise<unknown> {
    const { stores } = await this.#open();
    if (refs instanceof ObjectRef) return (await getValues(stores.objects, [refs]))[0];
    return getValues(stores.objects, refs as readonly ObjectRef<unknown>[]);
  }

  // --- The cache ----------------------------------------------------------------------------------

  /** Whether the task's result is stored, for the code as it is now. */
  async isCached(task: Task<unknown>): Promise<boolean> {
    const { stores } = await this.#open();
    return isCached(stores.table, await this.#plan([task]));
  }

  /** Forgets the results of these tasks; not those of the tasks they depend on. */
  async uncache(tasks: readonly Task<unknown>[]): Promise<void> {
    const { stores } = await this.#open();
    await deleteCached(stores, await this.#plan(tasks));
  }

  /**
   * The tasks whose results are stored for the code as it is now, with their params.
   *
   * @param options `type`: only tasks of this definition.
   * @example
   * for (const task of await lab.cachedTasks({ type: trainModel })) console.log(task.params, await lab.runTask(task));
   */
  cachedTasks<P, R>(options: { type: TaskDefinition<P, R> }): Promise<ReturnType<TaskDefinition<P, R>>[]>;
  cachedTasks(options?: { type?: TaskDefinition<never, unknown> }): Promise<Task<unknown>[]>;
  async cachedTasks(options: { type?: TaskDefinition<never, unknown> } = {}): Promise<Task<unknown>[]> {
    checkNames("cachedTasks", options, ["type"]);
    const { stores, planning } = await this.#open();
    return listCached(stores, planning, options.type?.taskName);
  }

  async #plan(tasks: readonly Task<unknown>[]): Promise<LabPlan> {
    const { planning } = await this.#open();
    return planTasks(tasks, planning);
  }

  // --- Opening and closing ------------------------------------------------------------------------

  #open(): Promise<OpenLab> {
    if (this.#closed) {
      return Promise.reject(new LabError("closed", "the lab is closed: make a new one"));
    }
    this.#opening ??= keepingAlive(this.#openOnce()).catch((error) => {
      // What was wrong may be mended before the next call.
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #openOnce(): Promise<OpenLab> {
    const { concurrency, context, memoryMonitor, resources = {}, storage, tasks } = this.#options;
    const namespace = this.#namespace;
    const runner = this.#runner;
    const [bundle, address, progress] = await Promise.all([
      buildBundle(tasks),
      runner.storeAddress(storage),
      chooseProgress(this.#options.progress),
    ]);
    const stores = await openStores(address);
    let driver: Driver | undefined;
    let life: LabLife | undefined;
    try {
      // Before the first object: a clean-up goes by when labs began, see docs/architecture.md.
      life = await LabLife.begin(stores.table, this.#id);
      const opening = await runner.open({
        labId: this.#id,
        bundle,
        stores,
        address,
        concurrency,
        resources,
        report: (event) => driver?.report(event),
      });
      const versions = new Map(
        opening.tasks.map(([name, exportName]) => [name, bundle.versions.get(exportName) ?? ""]),
      );
      driver = new Driver({
        runner,
        opening,
        stores,
        namespace,
        labId: this.#id,
        bundleHash: bundle.hash,
        context: await this.#storeContext(context, stores, opening.inlineBytes),
        concurrency: concurrency ?? Number.POSITIVE_INFINITY,
        memoryMonitor: memoryMonitor === true ? undefined : memoryMonitor,
        progress,
      });
      return { runner, stores, driver, life, planning: { namespace, versions, taskModule: bundle.taskModule } };
    } catch (error) {
      await runner.close();
      await life?.end();
      await stores.table.close();
      throw error;
    }
  }

  async #storeContext(context: unknown, stores: Stores, inlineBytes: number): Promise<Slot | undefined> {
    if (context === undefined) return undefined;
    const encoded = encode(context, { name: "context" });
    if (encoded.byteLength <= inlineBytes) return { inline: Buffer.concat(encoded.chunks) };
    return (await putValue(stores.objects, context)).slot;
  }

  /** Ends active runs, executors and everything else of the lab. Results are kept. */
  close(): Promise<void> {
    this.#closed ??= keepingAlive(this.#closeOnce());
    return this.#closed;
  }

  async #closeOnce(): Promise<void> {
    await this.#planned;
    const opened = await this.#opening?.catch(() => undefined);
    if (!opened) return;
    const { driver, life, runner, stores } = opened;
    driver.cancelAll();
    await Promise.all(driver.activeRuns().map(({ ended }) => ended));
    driver.settleBill();
    await driver.written();
    await runner.close();
    await life.end();
    await stores.table.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
