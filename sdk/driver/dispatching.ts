import type { Command } from "../core/commands.ts";
import type { RunnerEvent } from "../runners/runner.ts";
import type { SetupProblem } from "../runtime-envs/setup-problem.ts";
import type { FanInSpec } from "../wire/fan-in.ts";
import type { Failure } from "../wire/outcome.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import type { RuntimeEnvSpec } from "../wire/runtime-env.ts";
import { adoptOrphans, type Orphan } from "./adoption.ts";
import { attemptSpec, storeLargeParams } from "./assignment.ts";
import { unheardSince } from "./last-words.ts";
import { neededHereOnly } from "./needed-here.ts";
import { type DriverParts, notice } from "./parts.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { ToldLines } from "./told-lines.ts";
import { whyThere } from "./why-there.ts";

/** Time that running attempts are given to end by themselves when they are cancelled, in milliseconds. */
const CANCEL_GRACE_MS = 2_000;

/** What drivers have left that are gone: what is in flight, and what they have written of the run. */
export interface Left {
  readonly orphans: Map<string, Orphan>;
  readonly told: ToldLines;
}

/** Hands attempts to the runner, and takes them from it again. */
export class Dispatching {
  /** Attempts of a run that was given away go on with its executors. */
  hasLeftWork = false;
  /** Tasks that were cancelled by force: their attempts get no time to end by themselves. */
  readonly forced = new Set<number>();
  readonly #parts: DriverParts;
  readonly #report: (event: RunnerEvent) => void;

  /** @param report Tells the driver of what never came to the runner. */
  constructor(parts: DriverParts, report: (event: RunnerEvent) => void) {
    this.#parts = parts;
    this.#report = report;
  }

  async dispatch(command: Command & { type: "dispatch" }): Promise<void> {
    const { assignment, atOnce = 1, beside, lane, executor, copy, tasks, attempts } = command;
    const fanIns = this.#parts.options.tracer ? [] : (command.fanIns ?? []);
    const { scheduler, book, inFlight, journal, progress, chronicler, keeper, nested, ways } = this.#parts;
    const { runner, opening, stores, namespace, bundle, context, memoryMonitor, runtimeEnvs, tracer } =
      this.#parts.options;
    const id = String(assignment);
    const entries = tasks.map((task) => book.entries[task]);
    const [{ run }] = entries;
    const at = Date.now();
    inFlight.add(id, lane, executor, tasks, at, attempts);
    const atStakeMs = entries.reduce((sum, { planned }) => sum + (scheduler.estimateMs(planned.name) ?? 0), 0);
    journal.changed(book.runs[run], atStakeMs);
    const runId = book.runs[run].id;
    if (beside !== undefined) {
      progress.secondBegan(runId, entries[0], { at, attempt: attempts[0], why: beside, lane: lane.name });
    }
    const counts = countByName(entries);
    if (beside === undefined) for (const [name, count] of counts) progress.dispatched(runId, name, count, at);
    // Why a later attempt goes where it goes was said when the last one failed.
    const why = beside ?? (attempts[0] === 1 ? whyThere(scheduler.shapeOf(tasks[0]).placement, lane) : undefined);
    chronicler.dispatched(entries, attempts, lane, executor, why, beside !== undefined);
    try {
      const mayFollow = fanIns.map(({ task }) => book.entries[task]);
      await storeLargeParams([...entries, ...mayFollow], stores.objects, opening.inlineBytes);
    } catch (error) {
      const failure: Failure = { kind: "executor-lost", seen: `storing its params: ${(error as Error).message}` };
      this.#report({ type: "assignment-failed", assignment: id, failure });
      return;
    }
    let runtimeEnv: RuntimeEnvSpec | undefined;
    try {
      if (lane.runtimeEnv !== undefined) runtimeEnv = await runtimeEnvs.specFor(lane);
    } catch (error) {
      const { message, log } = error as SetupProblem;
      const failure: Failure = { kind: "setup-failed", seen: message, ...(log ? { log } : {}) };
      this.#report({ type: "assignment-failed", assignment: id, failure });
      return;
    }
    // Packages may have taken long to be installed: nobody may want it any more.
    if (runtimeEnv && !tasks.some((task) => scheduler.isAwaited(assignment, task))) {
      inFlight.take(id);
      return;
    }
    if (keeper.isInDoubt()) await keeper.certain();
    if (book.runs[run].lost) {
      const failure: Failure = { kind: "cancelled", seen: "its run has another driver" };
      this.#report({ type: "assignment-failed", assignment: id, failure });
      return;
    }
    const isBounded = book.runs[run].maxCostUsd !== undefined;
    const unstored = neededHereOnly(entries, scheduler.tasks, book);
    const before = new Set<TaskEntry>();
    const specs = entries.map((entry, position) => {
      const attempt = attempts[position];
      const standing = { before, isUnstored: unstored.has(entry), atOnce };
      const spec = attemptSpec(entry, attempt, lane, isBounded, standing);
      before.add(entry);
      const parent = nested.parentOf(entry.run);
      const trace = tracer?.dispatched(book.runs[run], entry, { attempt, lane, executor, at, parent });
      return trace ? { ...spec, trace } : spec;
    });
    const expectedMs = expectedMsOf(counts, (name) => scheduler.estimateMs(name));
    const fanInSpecs = fanIns.map(({ task, attempt }): FanInSpec => {
      const entry = book.entries[task];
      const before = new Set(entry.dependencies);
      const spec = attemptSpec(entry, attempt, lane, isBounded, { before, isUnstored: false, atOnce });
      return { spec, item: `${spec.key}#${attempt}` };
    });
    runner.dispatch({
      lane,
      ...(executor === undefined ? {} : { executor }),
      ...(copy === undefined ? {} : { copy }),
      ...(expectedMs === undefined ? {} : { expectedMs }),
      ...([...counts.keys()].some((name) => nested.isParent(name)) ? { runsTasks: true } : {}),
      assignment: {
        protocol: PROTOCOL_VERSION,
        id,
        runId: book.runs[run].id,
        runStartedAt: book.runs[run].startedAt,
        epoch: book.runs[run].epoch,
        namespace,
        bundle: bundle.hash,
        ...(context ? { context } : {}),
        attempts: specs,
        ...(fanInSpecs.length > 0 ? { fanIns: fanInSpecs } : {}),
        ...(atOnce > 1 ? { atOnce } : {}),
        // Those of one dispatch go one way: what was computed from each other has to be written in order.
        ...ways.of(counts.keys()),
        ...(runtimeEnv ? { runtimeEnv } : {}),
        ...(runtimeEnvs.byTask.size > 0 ? { taskRuntimeEnvs: [...runtimeEnvs.byTask] } : {}),
        awaited: true,
        ...(memoryMonitor === undefined ? {} : { memoryMonitor }),
        inlineBytes: opening.inlineBytes,
      },
    });
    const flying = inFlight.get(id);
    const feedShard = runner.feedShardOf?.({ assignment: id, ...(executor === undefined ? {} : { executor }) });
    if (!flying || !feedShard) return;
    flying.feedShard = feedShard;
    // It may have been written down while its params were stored.
    journal.changed(book.runs[run]);
  }

  /** An executor goes on with a task by itself. */
  joined({ lane, executor, task, attempt }: Command & { type: "joined" }): void {
    const { book, journal, progress, chronicler } = this.#parts;
    const entry = book.entries[task];
    const run = book.runs[entry.run];
    journal.changed(run);
    progress.dispatched(run.id, entry.planned.name, 1, Date.now());
    chronicler.dispatched([entry], [attempt], lane, executor, "its executor has brought the last of its inputs");
  }

  kill({ assignment, executor, tasks, reason }: Command & { type: "kill" }): void {
    const { book, inFlight, nested, options } = this.#parts;
    if (reason === "superseded") this.#noteOutrun(String(assignment), tasks);
    if (reason === "made-again") this.#noteMadeAgain(String(assignment), tasks);
    const run = book.runOf(book.entries[tasks[0]]);
    if (reason === "taken-back") inFlight.takeBack(String(assignment), tasks);
    const isLost = run.lost !== undefined;
    // The run's next driver waits for what outlives this one.
    const hasAsked = tasks.some((task) => nested.hasAsked(book.entries[task]));
    if (isLost && options.runner.abandon && !hasAsked) {
      this.hasLeftWork = true;
      options.runner.abandon({ assignment: String(assignment), ...(executor === undefined ? {} : { executor }) });
      return;
    }
    const atOnce = isLost || reason !== "cancelled" || tasks.some((task) => this.forced.has(task));
    options.runner.kill({
      assignment: String(assignment),
      ...(executor === undefined ? {} : { executor }),
      runId: run.id,
      tasks,
      graceMs: atOnce ? 0 : CANCEL_GRACE_MS,
    });
  }

  /** Of attempts that are ended since others were faster is told, too. */
  #noteOutrun(assignment: string, tasks: readonly number[]): void {
    const { book, chronicler, evidence, inFlight } = this.#parts;
    const flying = inFlight.get(assignment);
    if (!flying) return;
    for (const task of tasks) {
      const entry = book.entries[task];
      evidence.outrun(entry, flying);
      chronicler.besideEnded(entry);
    }
  }

  /** As of attempts that are suspended, which go on in another one, too. */
  #noteMadeAgain(assignment: string, tasks: readonly number[]): void {
    const { book, chronicler, evidence, inFlight, progress } = this.#parts;
    const flying = inFlight.get(assignment);
    for (const task of tasks) {
      const entry = book.entries[task];
      progress.suspended(book.runOf(entry).id, entry);
      if (!flying) continue;
      evidence.madeAgain(entry, flying);
      chronicler.suspended(entry);
    }
  }

  /** Waits for attempts that drivers have begun which are gone, instead of making them again. */
  adopt({ orphans, told }: Left, entries: readonly TaskEntry[], run: number): void {
    const { scheduler, book, inFlight, journal, progress, chronicler, options } = this.#parts;
    const adopted = adoptOrphans({ scheduler, inFlight }, orphans, entries, run);
    for (const { entry, assignment, attempt, lane, orphan } of adopted) {
      const { from } = orphan;
      const { id: runId, maxCostUsd } = book.runs[run];
      progress.dispatched(runId, entry.planned.name, 1, from.dispatchedAt);
      chronicler.dispatched([entry], [attempt], lane, from.executor);
      options.runner.adopt?.({
        assignment,
        runId,
        namespace: options.namespace,
        spec: attemptSpec(entry, attempt, lane, maxCostUsd !== undefined),
        from,
        unheardSince: unheardSince(orphan, told),
        isTold: (line) => told.take(line),
      });
    }
    const count = adopted.length;
    if (count === 0) return;
    // The driver after this one has to know of them, too.
    journal.changed(book.runs[run]);
    const attempts = `${count} attempt${count === 1 ? "" : "s"}`;
    notice(this.#parts, `${attempts} of a driver that is gone still run: they are waited for`);
  }
}

function countByName(entries: readonly TaskEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { planned } of entries) counts.set(planned.name, (counts.get(planned.name) ?? 0) + 1);
  return counts;
}

/** How long tasks take one after another; undefined where some were never measured. */
function expectedMsOf(
  counts: ReadonlyMap<string, number>,
  meanMs: (name: string) => number | undefined,
): number | undefined {
  let sum = 0;
  for (const [name, count] of counts) {
    const mean = meanMs(name);
    if (mean === undefined) return undefined;
    sum += count * mean;
  }
  return sum;
}
