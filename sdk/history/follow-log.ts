import { setTimeout as sleep } from "node:timers/promises";
import { LabOptionError } from "../errors.ts";
import type { GrowingPlan } from "../growing-plan.ts";
import { checkNames, show } from "../options.ts";
import { findRun, type RunInfo } from "../runs.ts";
import { ChronicleReader } from "../stores/chronicle.ts";
import type { Stores } from "../stores/stores.ts";
import { LOG_LEVELS, type LogFilter, logLines, type RunLogLine } from "./log-lines.ts";
import { notRecorded, readRecorded } from "./run-history.ts";

/** How often is looked for more while the run goes on, in milliseconds. */
const LOOK_EVERY_MS = 700;

/** How a log is read. */
export interface LogOptions extends LogFilter {
  /** Goes on while the run does. Default false. */
  readonly follow?: boolean;
  /** Stops following. */
  readonly signal?: AbortSignal;
}

/** Refuses options of `lab.logs` that mean nothing. */
export function checkLogOptions(options: LogOptions): void {
  checkNames("logs", options, ["task", "attempt", "level", "follow", "signal"]);
  const { attempt, level, task } = options;
  if (task !== undefined && typeof task !== "string") {
    throw new LabOptionError(`logs: task must be a name, a position or a part of a task's text, got ${show(task)}`);
  }
  if (attempt !== undefined && !(Number.isInteger(attempt) && attempt >= 1)) {
    throw new LabOptionError(`logs: attempt must be a whole number, at least 1, got ${show(attempt)}`);
  }
  if (level !== undefined && !LOG_LEVELS.includes(level)) {
    throw new LabOptionError(`logs: level must be ${LOG_LEVELS.map(show).join(", ")}, got ${show(level)}`);
  }
}

/**
 * The log of a run, in order: as far as it is written, or until the run is over when it is followed.
 *
 * @returns Lines that came together; none at once is a moment without any.
 * @throws LabError when there is no such run, or nothing is recorded of its tasks.
 */
export async function* readLog(
  stores: Stores,
  namespace: string,
  idOrName: string,
  { follow = false, signal, ...filter }: LogOptions,
): AsyncGenerator<RunLogLine[]> {
  let run = await findRun(stores.table, namespace, idOrName);
  const { id } = run;
  const reader = new ChronicleReader(stores, namespace, id);
  let plan: GrowingPlan | undefined;
  while (!signal?.aborted) {
    const isOver = run.status !== "running";
    if (!plan) {
      plan = (await readRecorded(stores, run))?.plan;
      if (!plan && (isOver || !follow)) throw notRecorded(run);
    }
    if (plan) {
      // The run was looked at first: what was written before its end is found now.
      const events = await plan.take(await reader.read());
      yield logLines(plan, filter)(events);
      if (isOver) yield ending(run, filter);
    }
    if (isOver || !follow) return;
    await sleep(LOOK_EVERY_MS, undefined, signal ? { signal } : {}).catch(() => {});
    run = await findRun(stores.table, namespace, id);
  }
}

/** A driver that was killed could not tell what came last. */
function ending({ status }: RunInfo, { task, attempt }: LogFilter): RunLogLine[] {
  if (status !== "interrupted" || task !== undefined || attempt !== undefined) return [];
  const text = "the driver of the run is gone: what happened in its last second may be missing";
  return [{ at: Date.now(), level: "warn", text }];
}
