import type { Readable } from "node:stream";
import { AttachedRuns } from "./attached-runs.ts";
import { Attendance } from "./attendance.ts";
import { deleteCached, deleteMeant, isCached, listCached, takeCached } from "./cache.ts";
import { type CachedTasksOptions, checkCachedTasksOptions } from "./cache-filter.ts";
import { LabOptionError } from "./errors.ts";
import { Handles } from "./handles.ts";
import type { HeldObject } from "./held-objects.ts";
import type { AskedTask, CacheStory } from "./history/cache-story.ts";
import type { TaskExplanation } from "./history/explain.ts";
import type { LogOptions } from "./history/follow-log.ts";
import type { RunLogLine } from "./history/log-lines.ts";
import type { RunSummary } from "./history/summary.ts";
import { keepingAlive } from "./keep-alive.ts";
import { LabOpening } from "./lab-opening.ts";
import { anotherRunner, checkLabOptions, chooseRunner, type LabOptions } from "./lab-options.ts";
import { loadOrMakeAgain } from "./lost-objects.ts";
import * as onDemand from "./on-demand.ts";
import { checkNames } from "./options.ts";
import { isPlanning, neverStarted, tellPlan } from "./plan-mode.ts";
import type { PlanOptions, PlanReport } from "./plan-report.ts";
import { type LabPlan, planTasks } from "./planning.ts";
import { ProgressHub } from "./progress/hub.ts";
import { type ResultsOf, Run, type StartedRun } from "./run.ts";
import { checkDeadline, checkRunOptions, type RunOptions } from "./run-options.ts";
import type { Runner } from "./runners/runner.ts";
import { checkRunsOptions, findRuns, type RunInfo, type RunsOptions } from "./runs.ts";
import { letGo, takeHold } from "./stores/holders.ts";
import { checkIsRef, getObjectStream, getObjects } from "./stores/objects.ts";
import type { Stores } from "./stores/stores.ts";
import type { Task, TaskDefinition } from "./task.ts";
import { type WaitOptions, type WaitResult, Waits } from "./wait.ts";
import type { Stored } from "./wire/byte-stream.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { newRunId } from "./wire/run-id.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

const DEFAULT_NAMESPACE = "default";

/** How a run is submitted. */
export type SubmitOptions = Omit<RunOptions, "runId">;

/** How a run is attached to. */
export interface AttachOptions {
  /** Cancels the run when it aborts. */
  readonly signal?: AbortSignal;
  /** Whether to go on with it here where its driver is gone; false: it is only looked at. Default true. */
  readonly drive?: boolean;
}

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
  readonly #hub = new ProgressHub();
  readonly #opening: LabOpening;
  readonly #attendance: Attendance;
  /** What it has put; none until then. */
  #handles: Handles | undefined;
  readonly #waits = new Waits((tasks) => this.start(tasks));
  readonly #attached: AttachedRuns;
  /** Runs that are beginning. */
  readonly #begun = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;
  /** Plans that are being told. */
  #planned: Promise<void> = Promise.resolve();

  /** @throws LabOptionError for options that mean nothing or could never work. */
  constructor(options: LabOptions) {
    checkLabOptions(options);
    this.#options = options;
    this.#runner = chooseRunner(options);
    this.#namespace = options.namespace ?? DEFAULT_NAMESPACE;
    this.#opening = new LabOpening(options, this.#runner, this.#namespace, this.#hub);
    this.#attendance = new Attendance(options.handleInterrupt !== false);
    this.#attached = new AttachedRuns(
      {
        newRunner: () => anotherRunner(this.#runner, options),
        resources: options.resources ?? {},
        concurrency: options.concurrency,
        loadsResults: true,
      },
      this.#namespace,
    );
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
    if (isPlanning()) return new Run<T>(runId, neverStarted(this.#tellPlan(tasks, options)), this.#hub);
    return new Run<T>(runId, this.#beginning(this.#start(runId, tasks, options)), this.#hub);
  }

  /** A lab that is closed meanwhile waits until what begins has begun, and then ends it. */
  #beginning<T>(promise: Promise<T>): Promise<T> {
    const beginning = keepingAlive(promise);
    const settled = () => void this.#begun.delete(beginning);
    this.#begun.add(beginning);
    beginning.then(settled, settled);
    return beginning;
  }

  /** What a run would do, instead of doing it: see `stratolab plan`. */
  #tellPlan(tasks: readonly Task<unknown>[], options: RunOptions): Promise<void> {
    const plan = async () => {
      if (!Array.isArray(tasks)) throw new LabOptionError(`runTasks needs an array of tasks, got ${typeof tasks}`);
      checkRunOptions(options);
      const { bustCache = false, deadlineMs } = options;
      return this.plan(tasks, { bustCache, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
    };
    this.#planned = Promise.all([this.#planned, keepingAlive(tellPlan(plan(), options.name))]).then(() => {});
    return this.#planned;
  }

  async #start(runId: string, tasks: readonly Task<unknown>[], options: RunOptions): Promise<StartedRun> {
    if (!Array.isArray(tasks)) throw new LabOptionError(`runTasks needs an array of tasks, got ${typeof tasks}`);
    checkRunOptions(options);
    const { bustCache = false, deadlineMs, failFast = false, maxCostUsd, name, signal, tags } = options;
    signal?.throwIfAborted();
    const { driver, planning } = await this.#opening.lab();
    this.#opening.refuseToBegin();
    const plan = planTasks(tasks, planning);
    this.#handles?.use(plan.tasks.flatMap(({ objects = [] }) => objects));
    const state = await driver.start(plan, tasks, {
      runId,
      name,
      tags,
      bustCache,
      failFast,
      deadlineMs,
      maxCostUsd,
      isContinued: options.runId !== undefined,
    });
    this.#attendance.attend(driver, state, signal);
    return driver.started(state);
  }

  /**
   * Starts a run with a driver that outlives this process, as `run.detach()` would hand it over, and follows it.
   *
   * @throws what `runTasks` throws before anything runs, and LabError where the runner has no such driver.
   * @example
   * const run = await lab.submit(models, { name: "nightly", tags: ["models"] });
   * console.log(`stratolab runs show ${run.id}`); // and close the laptop
   */
  async submit<const T extends readonly Task<unknown>[]>(tasks: T, options: SubmitOptions = {}): Promise<Run<T>> {
    if (!Array.isArray(tasks)) throw new LabOptionError(`submit needs an array of tasks, got ${typeof tasks}`);
    const { signal, ...rest } = options;
    checkRunOptions(rest);
    if ("runId" in rest) throw new LabOptionError("submit: runId is for runTasks; to go on with a run, attach to it");
    if (isPlanning()) return new Run<T>(newRunId(), neverStarted(this.#tellPlan(tasks, rest)), this.#hub);
    signal?.throwIfAborted();
    const { driver, planning } = await this.#opening.lab();
    this.#opening.refuseToBegin();
    const plan = planTasks(tasks, planning);
    this.#handles?.use(plan.tasks.flatMap(({ objects = [] }) => objects));
    const { bustCache = false, deadlineMs, failFast = false, maxCostUsd, name, tags } = rest;
    const runId = newRunId();
    const how = { bustCache, deadlineMs, failFast, maxCostUsd };
    await this.#beginning(driver.submit(plan, { runId, name, tags, ...how, isContinued: false }));
    return (await this.attach(runId, signal ? { signal } : {})) as unknown as Run<T>;
  }

  /**
   * Takes up a run of this lab's storage and namespace, whoever has begun it: follows it while another
   * process drives it, goes on with it here when its driver is gone, and tells its outcomes when it is over.
   * Log lines, progress and results come as if it had been started here, but for large results of tasks with
   * `cache: false` in a run that was over before: they went with it. The code is the one it was begun with; the lab
   * needs no `tasks` for it.
   *
   * @param run Id of the run, or its name: then the newest of that name.
   * @throws LabError when there is no such run.
   * @example
   * await using lab = new Lab({ runner: "aws" });
   * const [winner] = await (await lab.attach("nightly")).results();
   */
  async attach(run: string, options: AttachOptions = {}): Promise<Run> {
    checkNames("attach", options, ["signal", "drive"]);
    if (isPlanning()) return new Run(run, neverStarted(this.#planned), this.#hub);
    const { signal, drive } = options;
    signal?.throwIfAborted();
    const opened = await this.#opening.stores();
    this.#opening.refuseToBegin();
    const { id, started, driven } = await this.#beginning(this.#attached.attach(run, opened, drive));
    if (driven) this.#attendance.attend(driven.driver, driven.state, signal);
    else signal?.addEventListener("abort", () => void started.cancel(false), { once: true });
    void keepingAlive(started.outcomes.ended);
    return new Run(id, Promise.resolve(started), this.#hub);
  }

  /**
   * Waits until some of the tasks have ended, well or not. Tasks that no run has started yet are
   * started; those still pending go on. A task that has ended for it once is ready from then on.
   *
   * @returns What was passed, parted into `ready` and `pending`.
   */
  wait<T extends Task<unknown> | ObjectRef<unknown>>(
    items: readonly T[],
    options?: WaitOptions,
  ): Promise<WaitResult<T>> {
    return this.#waits.wait(items, options);
  }

  /**
   * Cancels a task in every run of this lab that waits for it: its waiters get a TaskCancelledError. What has ended
   * stays as it is.
   *
   * @param task The task; or a handle on a value that a task has put, for that task: it may be running again to
   * make a lost value anew.
   * @param options `force: true` stops a running attempt at once. Default false: it hears `ctx.signal`
   * and is stopped two seconds later.
   */
  async cancel(task: Task<unknown> | ObjectRef<unknown>, options: { force?: boolean } = {}): Promise<void> {
    checkNames("cancel", options, ["force"]);
    const { driver, planning } = await this.#opening.lab();
    if (task instanceof ObjectRef) {
      if (task.slot.by !== undefined) driver.cancelTask(task.slot.by, options.force ?? false);
      return;
    }
    const plan = planTasks([task], planning);
    driver.cancelTask(plan.tasks[plan.targets[0]].key, options.force ?? false);
  }

  /**
   * What running these tasks would do: what is cached, what is not and why, what goes where and why, how long it will take and what it
   * will cost as far as earlier runs have measured it. Runs nothing.
   *
   * @param options Of the run that it is a plan of, where they decide about that.
   * @example
   * const { toRun, seconds, costUsd } = await lab.plan(models);
   * console.log(`${toRun} to run, about ${seconds?.expected} s and ${costUsd?.expected} dollars`);
   */
  async plan(tasks: readonly Task<unknown>[], options: PlanOptions = {}): Promise<PlanReport> {
    checkNames("plan", options, ["bustCache", "deadlineMs"]);
    checkDeadline("plan", options.deadlineMs);
    const { driver, planning, code, stores } = await this.#opening.lab();
    const plan = planTasks(tasks, planning);
    await Promise.all([driver.written(), driver.recall(plan)]);
    const concurrency = this.#options.concurrency ?? Number.POSITIVE_INFINITY;
    const { placements, batch } = driver;
    const { describePlan } = await onDemand.planReport();
    return describePlan(plan, { placements, stores, namespace: this.#namespace, code, concurrency, batch }, options);
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
    return findRuns((await this.#writtenStores()).table, this.#namespace, options);
  }

  /**
   * A run as one looks back at it, or as it stands: for each task type what became of its tasks, times, memory and
   * executors; the slowest tasks, and the critical path.
   *
   * @param run Id of the run, or its name: then the newest of that name.
   * @throws LabError when there is no such run, or nothing is recorded of its tasks.
   * @example
   * const { types, criticalPath } = await lab.summary("nightly");
   * for (const { name, duration, peakMemoryMb } of types) console.log(name, duration.medianMs, peakMemoryMb);
   */
  async summary(run: string): Promise<RunSummary> {
    const [{ summarise }, { readHistory }] = await Promise.all([onDemand.summaries(), onDemand.histories()]);
    return summarise(await readHistory(await this.#writtenStores(), this.#namespace, run));
  }

  /**
   * The log of a run, in order: lines of tasks, and what the run itself tells, such as how many lines were dropped.
   *
   * @param run Id of the run, or its name: then the newest of that name.
   * @param options Which lines; `follow` goes on while the run does.
   * @throws LabError when there is no such run, or no such task in it.
   * @example
   * for await (const { task, text } of lab.logs("nightly", { level: "warn" })) console.log(task, text);
   */
  async *logs(run: string, options: LogOptions = {}): AsyncGenerator<RunLogLine, void, undefined> {
    const { checkLogOptions, readLog } = await onDemand.logReader();
    checkLogOptions(options);
    const stores = await this.#writtenStores();
    for await (const lines of readLog(stores, this.#namespace, run, options)) yield* lines;
  }

  /**
   * Why a task went as it did: where it was executed and why there, what each attempt met and what was decided,
   * why its result was found in the cache or was not, what it waited for, where its time went, its last log lines.
   *
   * @param options `run`: in which run, by id or name. Default the latest that has had it; for a task that none
   * has had, what would become of it.
   * @throws LabError when the run is not known or has no such task.
   * @example
   * const { cache, attempts } = await lab.explain(trainModel({ seed: 1 }));
   * console.log(cache.why, attempts.map(({ lane, seen, decided }) => `${lane}: ${seen}, ${decided}`));
   */
  async explain(task: Task<unknown>, options: { readonly run?: string } = {}): Promise<TaskExplanation> {
    checkNames("explain", options, ["run"]);
    const { driver } = await this.#opening.lab();
    const { plan, ...asked } = await this.#ask(task);
    const stores = await this.#writtenStores();
    await driver.recall(plan);
    const place = () => driver.placements.of(asked.planned);
    const { explainPlanned } = await onDemand.explanations();
    return explainPlanned(stores, { plan, ...asked }, { run: options.run, place });
  }

  async #ask(task: Task<unknown>): Promise<AskedTask> {
    const { planning, code } = await this.#opening.lab();
    const plan = planTasks([task], planning);
    return { plan, planned: plan.tasks[plan.targets[0]], namespace: this.#namespace, code };
  }

  /** Stores in which everything is that this lab's own runs have to tell. */
  async #writtenStores(): Promise<Stores> {
    const { stores } = await this.#opening.stores();
    await Promise.all([(await this.#opening.opened())?.driver.written(), this.#attached.written()]);
    return stores;
  }

  // --- Objects ------------------------------------------------------------------------------------

  /**
   * Stores a value once, for use in the params of any number of tasks. Of a stream of bytes, or a Blob,
   * only some parts are in memory at any time.
   *
   * @example
   * const log = await lab.put(createReadStream("huge.log"));
   * await lab.runTask(count({ files: [log] })); // there: for await (const piece of await ctx.getStream(files[0]))
   */
  async put<T>(value: T): Promise<ObjectRef<Stored<T>>> {
    const { stores } = await this.#opening.storesToWrite();
    this.#handles ??= new Handles(stores, this.#opening.id);
    return this.#handles.put(value);
  }

  /**
   * Keeps an object, whatever becomes of its handles, until `unpin`.
   *
   * @example
   * await lab.pin(await lab.put(referenceData));
   */
  async pin(ref: ObjectRef<unknown>): Promise<void> {
    const { stores } = await this.#opening.storesToWrite();
    await takeHold(stores.table, checkIsRef("pin", ref).slot.object, "pin");
  }

  /** Lets an object go that was pinned, in whichever process: it is removed by `stratolab gc` if nothing else holds it. */
  async unpin(ref: ObjectRef<unknown>): Promise<void> {
    const { stores } = await this.#opening.storesToWrite();
    await letGo(stores, checkIsRef("unpin", ref).slot.object, "pin", false);
  }

  /**
   * The objects in this lab's storage with their sizes and who holds them, largest first. On AWS this reads the whole
   * control table.
   *
   * @example
   * const free = (await lab.objects()).filter(({ holders }) => holders.length === 0); // what gc removes
   */
  async objects(): Promise<HeldObject[]> {
    const { heldObjects } = await onDemand.heldObjectsReader();
    return heldObjects(await this.#writtenStores());
  }

  /**
   * The value of a handle, or of several. One that a task has put, and that is lost, is made again by running that
   * task.
   *
   * @throws ObjectLostError for what cannot be made again.
   */
  get<T>(ref: ObjectRef<T>): Promise<T>;
  get<const R extends readonly ObjectRef<unknown>[]>(
    refs: R,
  ): Promise<{ -readonly [K in keyof R]: R[K] extends ObjectRef<infer T> ? T : never }>;
  async get(refs: ObjectRef<unknown> | readonly ObjectRef<unknown>[]): Promise<unknown> {
    const { stores } = await this.#opening.stores();
    const load = (wanted: typeof refs) => getObjects(stores.objects, wanted, valueExtensions());
    return loadOrMakeAgain(refs, load, stores.objects, (producer) => this.#makeAgain(producer));
  }

  /** Runs the task of a stored result again, for what it has put; undefined where that cannot be. */
  async #makeAgain(key: string): Promise<{ readonly result: unknown } | undefined> {
    if (this.#options.tasks === undefined) return undefined;
    const { driver, planning, stores } = await this.#opening.lab();
    const task = await takeCached(stores, key, planning);
    if (!task) return undefined;
    driver.forget([key]);
    return { result: await this.runTask(task) };
  }

  /**
   * The bytes of a handle on a stream or a Blob, as they come: for what does not fit memory.
   *
   * @throws LabError of kind `invalid-option` for the handle of another value, which `get` loads.
   */
  async getStream(ref: ObjectRef<Uint8Array | Blob>): Promise<Readable> {
    const { stores } = await this.#opening.stores();
    const load = (wanted: ObjectRef<unknown>) => getObjectStream(stores.objects, wanted);
    return loadOrMakeAgain(ref as ObjectRef<unknown>, load, stores.objects, (producer) => this.#makeAgain(producer));
  }

  // --- The cache ----------------------------------------------------------------------------------

  /** Whether the task's result is stored, for the code as it is now. */
  async isCached(task: Task<unknown>): Promise<boolean> {
    const { stores } = await this.#opening.lab();
    return isCached(stores.table, await this.#plan([task]), this.#namespace);
  }

  /**
   * Why a task's result is not stored: what has changed since the nearest earlier result of its name - values in
   * its params, the file, the package or the `version` of its code, a task that it depends on, the namespace -, or
   * that it was deleted, is damaged, or was never made. For one that is stored, `found`. Reads the stored value
   * once to check it.
   *
   * @example
   * const { kind, why, changes } = await lab.whyNotCached(trainModel({ seed: 1 }));
   * console.log(why); // the stored result for these params is of other code: helpers.ts has changed
   */
  async whyNotCached(task: Task<unknown>): Promise<CacheStory> {
    const asked = await this.#ask(task);
    const { cacheStory } = await onDemand.cacheStories();
    return cacheStory(await this.#writtenStores(), asked, undefined);
  }

  /**
   * Forgets the results of these tasks, not those of the tasks they depend on; or, by a filter, those of a type or
   * of an age, whatever code they are of.
   *
   * @returns How many were deleted, of a filter; tasks that have no result count as well.
   * @example
   * await lab.uncache({ type: trainModel, olderThanMs: 30 * 86_400_000 });
   */
  async uncache(tasks: readonly Task<unknown>[] | CachedTasksOptions): Promise<number> {
    if (!Array.isArray(tasks)) {
      const filter = tasks as CachedTasksOptions;
      checkCachedTasksOptions("uncache", filter);
      if (Object.keys(filter).length === 0) {
        throw new LabOptionError("uncache needs an array of tasks, or a filter with type or olderThanMs");
      }
    }
    const { stores, driver } = await this.#opening.lab();
    const keys = Array.isArray(tasks)
      ? await deleteCached(stores, await this.#plan(tasks), this.#namespace)
      : await deleteMeant(stores, this.#namespace, tasks as CachedTasksOptions);
    driver.forget(keys);
    this.#waits.forget();
    return keys.length;
  }

  /**
   * The tasks whose results are stored for the code as it is now, with their params, oldest first.
   *
   * @param options Which: of a `type`, or made more than `olderThanMs` ago. Default all.
   * @example
   * for (const task of await lab.cachedTasks({ type: trainModel })) console.log(task.params, await lab.runTask(task));
   */
  cachedTasks<P, R>(
    options: CachedTasksOptions & { type: TaskDefinition<P, R> },
  ): Promise<ReturnType<TaskDefinition<P, R>>[]>;
  cachedTasks(options?: CachedTasksOptions): Promise<Task<unknown>[]>;
  async cachedTasks(options: CachedTasksOptions = {}): Promise<Task<unknown>[]> {
    checkCachedTasksOptions("cachedTasks", options);
    const { stores, planning } = await this.#opening.lab();
    return listCached(stores, planning, options);
  }

  async #plan(tasks: readonly Task<unknown>[]): Promise<LabPlan> {
    const { planning } = await this.#opening.lab();
    return planTasks(tasks, planning);
  }

  // --- Closing ------------------------------------------------------------------------------------

  /** Ends active runs, executors and everything else of the lab. Results are kept. */
  close(): Promise<void> {
    this.#opening.refuse();
    this.#closed ??= keepingAlive(this.#closeOnce());
    return this.#closed;
  }

  async #closeOnce(): Promise<void> {
    await Promise.allSettled([this.#planned, ...this.#begun]);
    const handles = async () => this.#handles?.close();
    await this.#opening.close(() => this.#attached.close(), handles);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
