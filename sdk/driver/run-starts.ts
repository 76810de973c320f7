import type { LabPlan } from "../planning.ts";
import type { RunRecord } from "../stores/runs.ts";
import type { Task } from "../task.ts";
import { newRunId } from "../wire/run-id.ts";
import type { Slot } from "../wire/slot.ts";
import type { Delivery } from "./delivery.ts";
import type { Dispatching, Left } from "./dispatching.ts";
import type { StartOptions } from "./driver-options.ts";
import { enrol } from "./enrolment.ts";
import { findOrphans } from "./find-orphans.ts";
import { lastWords, type UntoldLine } from "./last-words.ts";
import { type LookedUp, lookUp, withTargetsAnew } from "./look-up.ts";
import { type RunManifest, writeManifest } from "./manifest.ts";
import { manifestOf } from "./manifest-of.ts";
import type { NestedEnrolment } from "./nested-runs.ts";
import { inPackOrder } from "./pack-order.ts";
import type { DriverParts } from "./parts.ts";
import type { RebuiltTask } from "./remaking.ts";
import { type RunIdentity, RunState } from "./run-state.ts";
import { addLogLine, type TaskEntry } from "./task-entry.ts";
import { ToldLines } from "./told-lines.ts";

/** How a run is begun. */
interface Beginning extends StartOptions {
  readonly generation: number;
  readonly requestMark: number;
  /** What is stored of the tasks asked for is replaced. Default false. */
  readonly targetsAnew?: boolean;
}

/** Begins runs: those of the user, and what attempts run as parts of them. */
export class RunStarts {
  readonly #parts: DriverParts;
  readonly #delivery: Delivery;
  readonly #dispatching: Dispatching;
  /** What drivers have in flight that are gone. */
  readonly #left = new WeakMap<RunState, Left>();

  constructor(parts: DriverParts, delivery: Delivery, dispatching: Dispatching) {
    this.#parts = parts;
    this.#delivery = delivery;
    this.#dispatching = dispatching;
  }

  async start(plan: LabPlan, tasks: readonly Task<unknown>[], options: StartOptions): Promise<RunState> {
    const { aftermath, charges, claims } = this.#parts;
    const { isContinued, runId, name, tags } = options;
    const startedAt = Date.now();
    const requestMark = charges.own.mark();
    // It may be one that has just ended here.
    if (isContinued) aftermath.begin();
    const claimed = isContinued ? await claims.claim({ runId, name, tags }) : undefined;
    // What an earlier driver of the run has computed anew is not computed anew again.
    const generation = options.bustCache ? (claimed?.startedAt ?? startedAt) : 0;
    const identity = claimed
      ? {
          runId,
          name: claimed.name,
          tags: claimed.tags,
          epoch: claimed.lease.epoch,
          generation,
          begunAt: claimed.startedAt,
        }
      : { runId, name, tags: tags ?? [], epoch: 1, generation };
    try {
      const how = { ...options, generation, requestMark };
      return await this.#parts.ended.whileBeginning(() => this.#start(plan, tasks, how, identity, claimed));
    } catch (error) {
      if (claimed) await claims.release(claimed);
      throw error;
    }
  }

  /**
   * Begins a run of a task whose stored result does not count any more, since what it has put is lost.
   *
   * @param within It may not cost more than this run has left.
   */
  startAgain({ plan, task }: RebuiltTask, { costUsd, maxCostUsd }: RunState): Promise<RunState> {
    const { charges, ended } = this.#parts;
    const left = maxCostUsd === undefined ? undefined : Math.max(0, maxCostUsd - costUsd);
    const identity = { runId: newRunId(), name: undefined, tags: [], epoch: 1, generation: 0 };
    const bounds = { isContinued: false, bustCache: false, failFast: false, deadlineMs: undefined, maxCostUsd: left };
    const how = { ...identity, ...bounds, requestMark: charges.own.mark(), targetsAnew: true };
    return ended.whileBeginning(() => this.#start(plan, [task], how, identity, undefined));
  }

  async #start(
    plan: LabPlan,
    tasks: readonly Task<unknown>[],
    options: Beginning,
    identity: RunIdentity,
    claimed: RunRecord | undefined,
  ): Promise<RunState> {
    const { failFast, generation, deadlineMs, maxCostUsd, requestMark, targetsAnew = false } = options;
    const { scheduler, book, charges, chronicler, journal, keeper, keptFailures, live, progress } = this.#parts;
    const { stores, runner, namespace, labId, tracer } = this.#parts.options;
    const endsBy = deadlineMs === undefined ? undefined : Date.now() + deadlineMs;
    const startedAt = Date.now();
    const since = generation > 0 && !claimed ? Number.POSITIVE_INFINITY : generation;
    const [found, orphans, failed] = await Promise.all([
      lookUp(stores.table, plan, { namespace, since, runId: identity.runId }),
      runner.adopt ? findOrphans(stores.table, namespace, identity.runId, labId) : undefined,
      claimed ? keptFailures.recall(identity.runId) : new Map(),
    ]);
    const lookedUp = targetsAnew ? withTargetsAnew(plan, found) : found;
    await this.prepare(plan, lookedUp);
    const told = orphans?.size ? await ToldLines.read(stores, namespace, identity.runId) : undefined;
    const left = orphans && told ? { orphans, told } : undefined;
    const missing = left ? await this.#lastWords(plan, lookedUp, left) : [];

    const spentUsd = claimed?.costUsd ?? 0;
    const leftUsd = maxCostUsd === undefined ? undefined : Math.max(0, maxCostUsd - spentUsd);
    const index = scheduler.addRun({ failFast, maxCostUsd: leftUsd });
    const entries = enrol(this.#enrolment, plan, lookedUp, index, {
      generation,
      deadlineMs,
      startedAt: claimed?.startedAt ?? startedAt,
      isOfRun: () => false,
    });
    const targets = plan.targets.map((position) => entries[position]);
    const wanted = entries.filter((_, position) => lookedUp.needed[position]);
    const run = new RunState(identity, index, tasks, targets, wanted);
    entries.forEach((entry, position) => {
      if (!lookedUp.needed[position]) run.unneeded.push(entry);
    });
    run.maxCostUsd = maxCostUsd;
    run.costUsd = spentUsd;
    run.refused = claimed?.refused;
    run.heldOffsetMs = (claimed?.heldMs ?? 0) - scheduler.heldMs;
    book.runs[index] = run;
    book.active.add(run);
    keptFailures.begin(run, failed);
    const manifest = () => this.writeManifest(plan, lookedUp, { failFast, generation, endsBy, maxCostUsd });
    keeper.begin(run, claimed, manifest);
    chronicler.begin(run, entries, lookedUp);
    const cached = wanted.filter((entry) => entry.cached).length;
    tracer?.begin(run, runner.name, { tasks: wanted.length, cached });
    if (runner.adopt) journal.begin(run);
    progress.runStarted(run, plan, lookedUp, (planned) => charges.expectedUsd(planned));
    charges.own.begin(index, requestMark);
    live.begin(run);
    if (left) {
      // What tasks run is asked for later.
      this.#left.set(run, left);
      this.#dispatching.adopt(left, entries, index);
      this.#tellLines(run, entries, missing);
    }
    for (const entry of new Set(targets)) if (entry.value) this.#delivery.deliver(run, entry);
    this.open(index, entries);
    return run;
  }

  /** What attempts have said that ended while nobody drove the run. Without it the run goes on as well. */
  #lastWords(plan: LabPlan, { records }: LookedUp, { orphans, told }: Left): Promise<UntoldLine[]> {
    const ended = plan.tasks.flatMap(({ key }, position) => {
      const [orphan, record] = [orphans.get(key), records[position]];
      return orphan && record ? { position, orphan, endedAt: record.endedAt } : [];
    });
    return lastWords(this.#parts.options.stores.table, ended, told).catch(() => []);
  }

  #tellLines(run: RunState, entries: readonly TaskEntry[], lines: readonly UntoldLine[]): void {
    const { chronicler, progress } = this.#parts;
    for (const { position, line } of lines) {
      const entry = entries[position];
      const event = { type: "log", executor: "", ...line, runId: run.id, task: entry.task } as const;
      addLogLine(entry, line.text);
      progress.log(entry, event);
      chronicler.log(entry, event);
    }
  }

  /** Writes down what a run is made of, so that others can go on with it. */
  async writeManifest(
    plan: LabPlan,
    { records }: Pick<LookedUp, "records">,
    how: Pick<RunManifest, "failFast" | "generation" | "endsBy" | "maxCostUsd">,
  ): Promise<Slot> {
    const { bundle, versions, context, memoryMonitor, nesting, speculation, concurrency, stores } = this.#parts.options;
    const bounded = Number.isFinite(concurrency) ? concurrency : undefined;
    const runtimeEnvs = await this.#parts.options.runtimeEnvs.record(this.#parts.options.opening.offer);
    const settings = {
      ...how,
      bundle,
      versions: [...versions],
      runtimeEnvs,
      context,
      memoryMonitor,
      nesting,
      speculation,
      concurrency: bounded,
    };
    return writeManifest(stores.objects, await manifestOf(plan, settings, stores.objects, records));
  }

  get #enrolment() {
    const { scheduler, placements, book } = this.#parts;
    return { scheduler, placements, entries: book.entries, byKey: book.byKey };
  }

  /**
   * Learns what is known of the tasks of a plan.
   *
   * @throws InfeasibleError when some task that has to run fits no executor.
   */
  async prepare(plan: LabPlan, lookedUp: LookedUp): Promise<void> {
    const { records, needed } = lookedUp;
    const { code, statistics, placements, ways } = this.#parts;
    await Promise.all([statistics.recall(plan), ways.choose(plan, lookedUp)]);
    const toRun = plan.tasks.filter((_, position) => needed[position] && !records[position]);
    placements.ofAll(toRun);
    code.keep(toRun);
  }

  /** Tasks that an attempt runs are part of the run that it is part of. */
  enrolNested(plan: LabPlan, lookedUp: LookedUp, { run: index, root, ...rest }: NestedEnrolment): TaskEntry[] {
    const { book, chronicler, progress, scheduler } = this.#parts;
    const { generation, failures, inherited, parent, told } = rest;
    book.runs[index] = root;
    root.indexes.push(index);
    // What the run itself has computed is shared with it, not found in the cache.
    const records = lookedUp.records.map((record, position) => {
      const known = record && book.byKey.get(plan.tasks[position].key);
      return known && root.entries.has(known) ? undefined : record;
    });
    const found = { ...lookedUp, records };
    const entries = enrol(this.#enrolment, plan, found, index, {
      generation,
      failures,
      inherited,
      startedAt: root.begunAt,
      isOfRun: (known) => root.entries.has(known),
    });
    const added = root.addEntries(entries.filter((_, position) => lookedUp.needed[position]));
    entries.forEach((entry, position) => {
      if (!lookedUp.needed[position]) root.unneeded.push(entry);
    });
    const attempt = scheduler.tasks.attempt[parent.task];
    chronicler.nested({ parent, attempt, plan: told, entries, needed: found.needed });
    if (added.length > 0 && !root.isOver) {
      progress.tasksAdded(root.id, added);
      inherited.forEach((failure, position) => {
        if (failure) progress.failed(root.id, entries[position], failure.kind, failure.message, false);
      });
    }
    const left = this.#left.get(root);
    if (left && left.orphans.size > 0) this.#dispatching.adopt(left, entries, index);
    return entries;
  }

  /** Sets a run of the scheduler in motion. */
  open(run: number, entries: readonly TaskEntry[]): void {
    const { loop, ways } = this.#parts;
    const ordered = inPackOrder(entries, (name) => ways.depthOf(name));
    loop.open(
      run,
      ordered.map(({ task }) => task),
    );
  }
}
