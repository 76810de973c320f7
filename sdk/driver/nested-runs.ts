import type { SchedulerEvent } from "../core/events.ts";
import type { Scheduler } from "../core/scheduler.ts";
import type { LabError, TaskError } from "../errors.ts";
import type { LabPlan } from "../planning.ts";
import type { AnswerOrder, RunnerEvent } from "../runners/runner.ts";
import type { Stores } from "../stores/stores.ts";
import type { ChildFailure, NestedAnswer, NestedRequest } from "../wire/nested.ts";
import type { Slot } from "../wire/slot.ts";
import { ChildFailures } from "./child-failures.ts";
import { readChildPlan } from "./child-plan.ts";
import type { KeptFailures } from "./kept-failures.ts";
import { type LookedUp, lookUp, neededOf } from "./look-up.ts";
import { NestedAccounts, type NestingLimits } from "./nested-accounts.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What other labs have stored may be missed for so long, in milliseconds: each call would read all packs anew. */
const NESTED_AGE_MS = 5_000;

/** How the tasks of an attempt become part of a run. */
export interface NestedEnrolment {
  /** Index of the scheduler's run. */
  readonly run: number;
  readonly root: RunState;
  readonly parent: TaskEntry;
  /** The plan as the attempt has sent it. */
  readonly told: Slot;
  /** Results of an earlier one do not count. */
  readonly generation: number;
  /** Tasks whose failure the attempt is to be told of, as it would have been had it gone on waiting. */
  readonly failures: ReadonlySet<TaskEntry>;
  /** The same of tasks that have failed with an earlier driver, by position in the plan. */
  readonly inherited: readonly (ChildFailure | undefined)[];
}

interface NestedRunsOptions {
  readonly scheduler: Scheduler;
  readonly stores: Stores;
  readonly namespace: string;
  readonly limits: NestingLimits;
  readonly kept: KeptFailures;
  /** The run that a task is part of, from the user's view. */
  rootOf(entry: TaskEntry): RunState;
  /** Learns what is known of the tasks; throws where they cannot run. */
  prepare(plan: LabPlan, lookedUp: LookedUp): Promise<void>;
  /** Makes the tasks part of a run of the scheduler. */
  enrol(plan: LabPlan, lookedUp: LookedUp, options: NestedEnrolment): TaskEntry[];
  /** Sets a run of the scheduler in motion. */
  open(run: number, entries: readonly TaskEntry[]): void;
  push(event: SchedulerEvent): void;
  answer(order: AnswerOrder): void;
}

/** A run of the scheduler that an attempt has opened. */
interface NestedRun {
  readonly call: string;
  readonly parent: TaskEntry;
  readonly root: RunState;
  readonly assignment: string;
  readonly executor: string | undefined;
  /** Undefined until it is known what is to be done. */
  run: number | undefined;
  /** The attempt waits for its end. */
  waits: boolean;
  targets: readonly TaskEntry[];
  /** Every task that has to be there for them. */
  entries: ReadonlySet<TaskEntry>;
  hasEnded: boolean;
}

/**
 * What attempts run: each call of `ctx.lab` is a run of the scheduler of its own, within the run of its
 * parent as far as the user is concerned.
 */
export class NestedRuns {
  readonly #options: NestedRunsOptions;
  readonly #byCall = new Map<string, NestedRun>();
  readonly #byRun = new Map<number, NestedRun>();
  readonly #accounts: NestedAccounts;
  readonly #failures = new ChildFailures();
  /** Task types of which an attempt has run tasks. */
  readonly #parentTypes = new Set<string>();

  constructor(options: NestedRunsOptions) {
    this.#options = options;
    this.#accounts = new NestedAccounts(options.limits);
  }

  /** Whether tasks of this type have run tasks. */
  isParent(type: string): boolean {
    return this.#parentTypes.has(type);
  }

  /** The task whose attempt has opened a run of the scheduler. */
  parentOf(run: number): TaskEntry | undefined {
    return this.#byRun.get(run)?.parent;
  }

  /** Whether an attempt of this task has run tasks: it waits for answers of this very driver. */
  hasAsked({ task }: TaskEntry): boolean {
    return this.#accounts.has(task);
  }

  /** An attempt asks for something. */
  hear(parent: TaskEntry, event: RunnerEvent & { readonly type: "nested" }, executor: string | undefined): void {
    const { request, assignment } = event;
    if (!this.#isAwaited(assignment, parent)) return;
    if (request.type === "start") {
      if (!this.hasAsked(parent)) {
        this.#options.push({ type: "asks", assignment: Number(assignment), task: parent.task });
      }
      if (!this.#byCall.has(request.call)) void this.#start(parent, assignment, executor, request);
      return;
    }
    const nested = this.#byCall.get(request.call);
    if (!nested) return;
    nested.waits = true;
    // One that has ended since was answered, and that answer is on its way.
    if (nested.run === undefined || (request.type === "wait" && this.#isAnswered(nested))) return;
    if (request.type === "lost") {
      const tasks = nested.targets
        .filter(({ planned, failure }) => failure === undefined && request.keys.includes(planned.key))
        .map(({ task }) => task);
      if (tasks.length === 0) {
        // Given up meanwhile: that is the answer.
        this.ended(nested.run);
        return;
      }
      nested.hasEnded = false;
      this.#options.push({ type: "lost", runs: [nested.run], tasks });
    }
    this.#park(nested, nested.run);
  }

  #isAwaited(assignment: string, { task }: TaskEntry): boolean {
    return this.#options.scheduler.isAwaited(Number(assignment), task);
  }

  #park({ assignment, parent }: NestedRun, run: number): void {
    this.#options.push({ type: "parked", assignment: Number(assignment), task: parent.task, run });
  }

  async #start(
    parent: TaskEntry,
    assignment: string,
    executor: string | undefined,
    request: NestedRequest & { readonly type: "start" },
  ): Promise<void> {
    const { scheduler, stores, namespace, rootOf } = this.#options;
    this.#parentTypes.add(parent.planned.name);
    const { call, waits } = request;
    const root = rootOf(parent);
    const nested: NestedRun = {
      call,
      parent,
      root,
      assignment,
      executor,
      run: undefined,
      waits,
      targets: [],
      entries: new Set(),
      hasEnded: false,
    };
    this.#byCall.set(call, nested);
    try {
      const plan = await readChildPlan(stores.objects, request.plan);
      this.#accounts.charge(parent, assignment, plan.tasks.length, scheduler.tasks.depth[parent.task] + 1);
      const bustCache = request.bustCache ?? root.generation > 0;
      // Anew means: since the run began. A parent that is executed twice does not have it made twice.
      const generation = bustCache ? root.generation || root.begunAt : 0;
      const lookedUp = await lookUp(stores.table, plan, {
        namespace,
        since: generation,
        runId: root.id,
        maxAgeMs: NESTED_AGE_MS,
      });
      await this.#options.prepare(plan, lookedUp);
      // It may have been given up meanwhile.
      if (!this.#isAwaited(assignment, parent)) {
        this.#byCall.delete(call);
        return;
      }
      const run = scheduler.addRun({ failFast: request.failFast, parent: parent.task });
      this.#byRun.set(run, nested);
      this.#accounts.of(parent.task).runs.push(run);
      nested.run = run;
      const failures = this.#failuresKeptFor(parent);
      const { inherited, found } = this.#inherited(nested, plan, lookedUp);
      const terms = { run, root, parent, told: request.plan, generation, failures, inherited };
      const entries = this.#options.enrol(plan, found, terms);
      nested.entries = new Set(entries);
      nested.targets = plan.targets.map((target) => entries[target]);
      inherited.forEach((failure, position) => {
        if (failure) this.#failures.recall(entries[position], failure);
      });
      this.#options.open(run, entries);
      if (nested.waits && !this.#isAnswered(nested)) this.#park(nested, run);
    } catch (error) {
      const { kind = "nested-run", message } = error as LabError;
      this.#refuse(nested, kind, message);
    }
  }

  /** What has failed with earlier drivers needs nothing more. */
  #inherited({ root, parent }: NestedRun, plan: LabPlan, lookedUp: LookedUp) {
    const { records, needed } = lookedUp;
    const { kept } = this.#options;
    const inherited = plan.tasks.map(({ key }, position) =>
      records[position] || !needed[position] ? undefined : kept.inherit(root, parent.planned.key, key),
    );
    if (!inherited.some(Boolean)) return { inherited: [], found: lookedUp };
    const settled = records.map((record, position) => record ?? inherited[position]);
    return { inherited, found: { ...lookedUp, needed: neededOf(plan, settled) } };
  }

  #refuse(nested: NestedRun, kind: string, message: string): void {
    this.#byCall.delete(nested.call);
    this.#send(nested, { type: "refused", call: nested.call, kind, message });
  }

  #send({ assignment, executor }: NestedRun, answer: NestedAnswer): void {
    this.#options.answer({ assignment, ...(executor === undefined ? {} : { executor }), answer });
  }

  // --- What the scheduler tells -------------------------------------------------------------------

  /** All tasks of a run are settled; its parent is told, if it still waits. */
  ended(run: number): void {
    const nested = this.#byRun.get(run);
    if (!nested) return;
    if (this.#waitsForMore(nested, run)) return;
    nested.hasEnded = true;
    const { parent, root } = nested;
    const keeping = this.#options.kept.written(root, parent.planned.key);
    // What failed is kept first: a driver that comes next tells the same.
    if (keeping) void keeping.then(() => this.#answer(nested));
    else this.#answer(nested);
    if (!this.#accounts.has(nested.parent.task)) this.#byRun.delete(run);
  }

  /**
   * Results that were there have been lost to others meanwhile, and are being made again, or no more, since those others
   * have ended: it waits for these, too.
   */
  #waitsForMore(nested: NestedRun, run: number): boolean {
    const { push, scheduler } = this.#options;
    if (scheduler.isCut(run)) return false;
    for (const { task } of nested.targets) scheduler.shareTask(run, task);
    if (scheduler.hasEnded(run)) return false;
    if (nested.waits) this.#park(nested, run);
    else push({ type: "tick" });
    return true;
  }

  /** What was cancelled for another run is not told: an attempt that waits for it is ended, and perhaps made again. */
  #isAnswered({ hasEnded, run }: NestedRun): boolean {
    return hasEnded && run !== undefined && !this.#options.scheduler.isCut(run);
  }

  #answer(nested: NestedRun): void {
    const { assignment, parent } = nested;
    if (this.#isAnswered(nested) && this.#isAwaited(assignment, parent)) this.#send(nested, this.#settled(nested));
  }

  /** A task has failed for good. */
  failed(entry: TaskEntry, reason: TaskError, blockedBy: TaskEntry | undefined): void {
    const failure = this.#failures.note(entry, reason, blockedBy);
    // What was cancelled, or waits for what failed, has not been tried.
    if (blockedBy || reason.kind === "cancelled") return;
    for (const { root, parent, entries, hasEnded } of this.#byRun.values()) {
      if (!hasEnded && entries.has(entry)) this.#options.kept.keep(root, parent.planned.key, failure);
    }
  }

  /** A task that had failed for want of somebody who wants it is made again. */
  reopened(entry: TaskEntry): void {
    this.#failures.forget(entry);
  }

  /** An attempt is suspended: the next one is told what this one would have been told. */
  suspended(parent: TaskEntry): void {
    const account = this.#accounts.of(parent.task);
    account.kept = [...account.runs];
  }

  /** An attempt has failed: the next one tries again what has failed for this one. */
  retried(parent: TaskEntry): void {
    const account = this.#accounts.get(parent.task);
    if (account) account.kept = [];
    this.#options.kept.forget(this.#options.rootOf(parent), parent.planned.key);
  }

  #failuresKeptFor(parent: TaskEntry): ReadonlySet<TaskEntry> {
    const { scheduler } = this.#options;
    const kept = this.#accounts.of(parent.task).kept.filter((run) => !scheduler.isCut(run));
    const entries = kept.flatMap((run) =>
      // What has failed since then for want of somebody else who wants it has not failed for this one.
      [...(this.#byRun.get(run)?.entries ?? [])].filter(({ task }) => !scheduler.isReopenedFor(run, task)),
    );
    return new Set(entries.filter((entry) => this.#failures.has(entry)));
  }

  /** An attempt is not to wait for itself. */
  refuseCircle(run: number, path: readonly TaskEntry[]): void {
    const nested = this.#byRun.get(run);
    if (!nested) return;
    const circle = path.map(({ planned }) => String(planned.task)).join(" -> ");
    this.#refuse(nested, "cycle", `a task would wait for itself for ever: ${circle}. Let it run something smaller`);
    this.#options.push({ type: "cancel", run, drain: false });
  }

  /** A task is settled: nobody asks any more what became of the tasks it has run. */
  forget(parent: TaskEntry): void {
    const { task } = parent;
    // One that was only cancelled here goes on elsewhere.
    if (parent.failure !== "cancelled") this.#options.kept.forget(this.#options.rootOf(parent), parent.planned.key);
    for (const run of this.#accounts.get(task)?.runs ?? []) {
      const nested = this.#byRun.get(run);
      if (nested) this.#byCall.delete(nested.call);
      if (nested?.hasEnded) this.#byRun.delete(run);
    }
    this.#accounts.delete(task);
  }

  #settled({ call, targets, entries }: NestedRun): NestedAnswer {
    return {
      type: "settled",
      call,
      values: targets.map(({ value }) => value ?? null),
      cached: targets.map(({ cached }) => cached),
      failures: this.#failures.of(entries, targets),
    };
  }

  /** Runs of the scheduler that attempts have opened and that have not ended. */
  open(): number[] {
    return [...this.#byRun].flatMap(([run, { hasEnded }]) => (hasEnded ? [] : run));
  }
}
