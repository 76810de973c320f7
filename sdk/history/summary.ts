import type { RunInfo } from "../runs.ts";
import { criticalPath } from "./critical-path.ts";
import type { RunHistory } from "./run-history.ts";
import { type AttemptHistory, type TaskHistory, type TaskStatus, taskHistories } from "./task-history.ts";
import { shownTask } from "./task-text.ts";
import { durationOf, NOTHING_SPENT, queueMsOf, type TimeSpent, timeSpent, together } from "./time-spent.ts";

/** Some durations, in milliseconds; 0 where nothing was measured. */
export interface Durations {
  readonly totalMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

/** What became of the tasks of one type. */
export interface TypeSummary {
  /** Task name. */
  readonly name: string;
  /** Tasks that had to be there; those that nothing needed are not counted. */
  readonly total: number;
  readonly done: number;
  readonly cached: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  readonly pending: number;
  /** Tasks with more than one attempt. */
  readonly retried: number;
  readonly attempts: number;
  /** Of attempts on their executors, those that failed included. */
  readonly duration: Durations;
  /** Of attempts, until they were dispatched. */
  readonly queue: Durations;
  /** CPU time of its attempts, in milliseconds. */
  readonly cpuMs: number;
  /** Where the time of its tasks went, all of them together. */
  readonly spent: TimeSpent;
  /** Highest memory of an attempt, in MB; 0 where none was measured. */
  readonly peakMemoryMb: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Different executors that attempts ran on. */
  readonly executors: number;
  /** Attempts by kind and size of the executor: `local`, `lambda 1769 MB`. */
  readonly lanes: Readonly<Record<string, number>>;
  /** What its attempts cost, in dollars, where that is known. */
  readonly costUsd?: number;
}

/** A task, and how long its attempts took. */
export interface TimedTask {
  /** Its position in the run. */
  readonly position: number;
  /** As one would write it: `trainModel({ seed: 1 })`. */
  readonly task: string;
  /** Of all of its attempts, on their executors, in milliseconds. */
  readonly durationMs: number;
  readonly attempts: number;
}

/** A run, as one looks back at it. */
export interface RunSummary {
  readonly run: RunInfo;
  /** From its beginning to its end, or to what happened last, in milliseconds. */
  readonly elapsedMs: number;
  /** One for each task type, in the order of the DAG. */
  readonly types: readonly TypeSummary[];
  /** The ten that took longest. */
  readonly slowest: readonly TimedTask[];
  /** The chain of dependent tasks that took longest: no number of executors makes the run shorter. */
  readonly criticalPath: { readonly durationMs: number; readonly tasks: readonly TimedTask[] };
}

const SLOWEST = 10;

/** Sums up a run from its history. */
export function summarise({ run, plan, events }: RunHistory): RunSummary {
  const tasks = taskHistories(plan, events);
  const durations = tasks.map(({ attempts, status }) =>
    attempts.reduce((sum, attempt) => {
      // One that was outrun took its time beside the other.
      const isOutrun = status === "done" && attempt.kind === "cancelled";
      return sum + (isOutrun ? 0 : (durationOf(attempt) ?? 0));
    }, 0),
  );
  const timed = (position: number): TimedTask => ({
    position,
    task: shownTask(plan, position),
    durationMs: durations[position],
    attempts: tasks[position].attempts.length,
  });
  const path = criticalPath(
    tasks.map(({ dependencies }, position) => ({ dependencies, durationMs: durations[position] })),
  );
  const slowest = tasks
    .filter(({ position }) => durations[position] > 0)
    .sort((a, b) => durations[b.position] - durations[a.position])
    .slice(0, SLOWEST);
  const lastAt = events.reduce((last, { at }) => Math.max(last, at), run.startedAt);
  return {
    run,
    elapsedMs: (run.endedAt ?? lastAt) - run.startedAt,
    types: summariseTypes(tasks),
    slowest: slowest.map(({ position }) => timed(position)),
    criticalPath: { durationMs: path.reduce((sum, position) => sum + durations[position], 0), tasks: path.map(timed) },
  };
}

/** What became of the tasks of each type. */
function summariseTypes(tasks: readonly TaskHistory[]): TypeSummary[] {
  const byName = new Map<string, TaskHistory[]>();
  for (const task of tasks) {
    if (task.status === "not-needed") continue;
    const own = byName.get(task.name);
    if (own) own.push(task);
    else byName.set(task.name, [task]);
  }
  return [...byName].map(([name, own]) => summariseType(name, own));
}

function summariseType(name: string, tasks: readonly TaskHistory[]): TypeSummary {
  const count = (wanted: TaskStatus) => tasks.reduce((sum, { status }) => sum + (status === wanted ? 1 : 0), 0);
  const attempts = tasks.flatMap((task) => task.attempts);
  const lanes: Record<string, number> = {};
  for (const { lane } of attempts) lanes[lane] = (lanes[lane] ?? 0) + 1;
  const sum = (of: (attempt: AttemptHistory) => number | undefined) =>
    attempts.reduce((total, attempt) => total + (of(attempt) ?? 0), 0);
  const isCostKnown = attempts.some(({ costUsd }) => costUsd !== undefined);
  return {
    name,
    total: tasks.length,
    done: count("done"),
    cached: count("cached"),
    failed: count("failed"),
    cancelled: count("cancelled"),
    running: count("running"),
    pending: count("pending"),
    retried: tasks.filter((task) => task.attempts.length > 1).length,
    attempts: attempts.length,
    duration: durationsOf(attempts.flatMap((attempt) => durationOf(attempt) ?? [])),
    queue: durationsOf(attempts.filter(({ dispatchedAt }) => dispatchedAt !== undefined).map(queueMsOf)),
    cpuMs: sum(({ usage }) => usage?.cpuMs),
    spent: tasks.map((task) => timeSpent(task.attempts)).reduce(together, NOTHING_SPENT),
    peakMemoryMb: attempts.reduce((peak, { peakMemoryMb = 0 }) => Math.max(peak, peakMemoryMb), 0),
    bytesIn: sum(({ usage }) => usage?.bytesIn),
    bytesOut: sum(({ usage }) => usage?.bytesOut),
    executors: new Set(attempts.flatMap(({ executor }) => executor || [])).size,
    lanes,
    ...(isCostKnown ? { costUsd: sum(({ costUsd }) => costUsd) } : {}),
  };
}

function durationsOf(values: readonly number[]): Durations {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { totalMs: sorted.reduce((sum, value) => sum + value, 0), medianMs: at(0.5), p95Ms: at(0.95) };
}
