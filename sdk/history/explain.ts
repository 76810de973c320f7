import type { Demand } from "../core/demand.ts";
import type { Placement } from "../core/route.ts";
import { causeOf } from "../driver/failures.ts";
import { LabError } from "../errors.ts";
import type { PlannedTask } from "../planning.ts";
import { findRuns, type RunInfo } from "../runs.ts";
import { readResults } from "../stores/results.ts";
import type { Stores } from "../stores/stores.ts";
import type { FailureKind, Usage } from "../wire/outcome.ts";
import { type AskedTask, type CacheStory, cacheStory } from "./cache-story.ts";
import { logLines, type RunLogLine } from "./log-lines.ts";
import { type RunHistory, readHistory, readRecorded } from "./run-history.ts";
import { type AttemptHistory, type TaskStatus, taskHistories } from "./task-history.ts";
import { shownTask } from "./task-text.ts";
import { type TimeSpent, timeSpent } from "./time-spent.ts";

/** An attempt of a task, and what was decided when it had ended. Times are milliseconds since the epoch. */
export interface ExplainedAttempt {
  /** Counted from 1. */
  readonly attempt: number;
  /** Absent while it runs; `unknown` where nobody was there to hear of its end. */
  readonly kind?: FailureKind | "ok" | "unknown";
  /** Kind and size of the executor: `local`, `lambda 1769 MB`. */
  readonly lane: string;
  /** Why there. */
  readonly why?: string;
  /** Which executor it was: a process, a Lambda request, an ECS task. */
  readonly executor: string;
  readonly readyAt: number;
  readonly dispatchedAt?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** What was seen, in the words of whoever saw it. */
  readonly seen?: string;
  /** What followed, and why. */
  readonly decided?: string;
  /** Memory it had, in MB, where it was bounded. */
  readonly memoryMb?: number;
  readonly peakMemoryMb?: number;
  readonly usage?: Usage;
  /** What it cost, in dollars, where that is known. */
  readonly costUsd?: number;
}

/** A task that another one needs the result of. */
export interface ExplainedDependency {
  /** Its position in the run. */
  readonly position: number;
  readonly task: string;
  readonly status: TaskStatus;
  /** When it was decided, in milliseconds since the epoch. */
  readonly settledAt?: number;
  /** It was the last: the task could begin when it was there. */
  readonly wasLast: boolean;
}

/** Everything that is known of why a task went as it did. */
export interface TaskExplanation {
  /** As one would write it: `trainModel({ seed: 1 })`. */
  readonly task: string;
  readonly name: string;
  /** Cache key. */
  readonly key: string;
  /** Code version. */
  readonly version: string;
  /** The run that is told of, and the task's position in it; absent where no run has had it. */
  readonly run?: Pick<RunInfo, "id" | "name" | "status" | "startedAt"> & { readonly position: number };
  /** How it stands in that run; `not-run` without one. */
  readonly status: TaskStatus | "not-run";
  /** Where it went first, or would go, and why there; absent where nothing of it was ever run. */
  readonly placement?: { readonly lane: string; readonly reason: string };
  /** What it asked for. */
  readonly demand: Demand;
  readonly attempts: readonly ExplainedAttempt[];
  readonly cache: CacheStory;
  readonly time: TimeSpent;
  readonly waitedFor: readonly ExplainedDependency[];
  /** The task that runs it, where one does. */
  readonly ranBy?: Pick<ExplainedDependency, "position" | "task" | "status">;
  /** The tasks that it has run. */
  readonly runs: readonly Pick<ExplainedDependency, "position" | "task" | "status">[];
  /** Its last log lines, oldest first. */
  readonly log: readonly RunLogLine[];
  /** Why it has no result. */
  readonly error?: {
    readonly kind: FailureKind;
    readonly message: string;
    /** Of what the task threw, with its causes. */
    readonly stack?: string;
    /** The task whose failure kept this one from running. */
    readonly blockedBy?: string;
  };
}

const LAST_LINES = 20;
/** Runs that are looked through for the latest that has the task. */
const LATEST_RUNS = 20;

/** Explains a task of a run. */
export async function explainInRun(
  stores: Stores,
  { run, manifest, plan, events }: RunHistory,
  position: number,
): Promise<TaskExplanation> {
  const histories = taskHistories(plan, events);
  const history = histories[position];
  const { key, name, version, demand } = plan.tasks[position];
  const { status, attempts, failure } = history;
  const inRun = { history, startedAt: run.startedAt, isBusted: manifest.generation > 0 };
  const asked = { namespace: run.namespace, planned: plan.tasks[position], plan };
  const cache = await cacheStory(stores, asked, inRun);
  const lastSettledAt = history.dependencies.reduce((last, each) => Math.max(last, histories[each].settledAt ?? 0), 0);
  const [first] = attempts;
  const related = (each: number) => ({
    position: each,
    task: shownTask(plan, each),
    status: histories[each].status,
  });
  return {
    task: shownTask(plan, position),
    name,
    key,
    version,
    run: {
      id: run.id,
      ...(run.name === undefined ? {} : { name: run.name }),
      status: run.status,
      startedAt: run.startedAt,
      position,
    },
    status,
    ...(first?.why === undefined ? {} : { placement: { lane: first.lane, reason: first.why } }),
    demand,
    attempts: attempts.map((attempt, index) => explainedAttempt(attempt, attempts[index - 1])),
    cache,
    time: timeSpent(attempts),
    waitedFor: history.dependencies.map((each) => {
      const { status: its, settledAt } = histories[each];
      const wasLast = settledAt !== undefined && settledAt === lastSettledAt && its === "done";
      const settled = settledAt === undefined ? {} : { settledAt };
      return { ...related(each), ...settled, wasLast };
    }),
    ...(history.parent === undefined ? {} : { ranBy: related(history.parent) }),
    runs: histories.flatMap(({ parent, position: each }) => (parent === position ? related(each) : [])),
    log: logLines(plan, { task: `#${position}` })(events).slice(-LAST_LINES),
    ...(failure ? { error: explainedError(failure) } : {}),
  };

  function explainedError({ kind, message, error, blockedBy }: NonNullable<typeof failure>) {
    const cause = causeOf(error) as Error | undefined;
    return {
      kind,
      message,
      ...(cause === undefined ? {} : { stack: stackOf(cause) }),
      ...(blockedBy === undefined ? {} : { blockedBy: shownTask(plan, blockedBy) }),
    };
  }
}

/** Explains a task as this lab has it: in a run of this name or id, or in the latest that has had it. */
export async function explainPlanned(
  stores: Stores,
  asked: AskedTask,
  { run, place }: { readonly run: string | undefined; place(): Placement | { readonly infeasible: string } },
): Promise<TaskExplanation> {
  const { namespace, planned } = asked;
  const found = run === undefined ? await latestWith(stores, namespace, planned) : run;
  if (found !== undefined) {
    const history = await readHistory(stores, namespace, found);
    const position = history.plan.tasks.findIndex(({ key }) => key === planned.key);
    if (position >= 0) return explainInRun(stores, history, position);
    const { run: its } = history;
    throw new LabError("unknown-task", `run ${its.id} has no task ${planned.task} of these params and this code`);
  }
  const placement = place();
  const { demand, key, name, version } = planned;
  return {
    task: shownTask({ tasks: [planned], targets: [] }, 0),
    name,
    key,
    version,
    status: "not-run",
    placement:
      "infeasible" in placement
        ? { lane: "", reason: placement.infeasible }
        : { lane: placement.ladder[0].name, reason: placement.reason },
    demand,
    attempts: [],
    cache: await cacheStory(stores, asked, undefined),
    time: timeSpent([]),
    waitedFor: [],
    runs: [],
    log: [],
  };
}

/** The latest run that has a task. */
async function latestWith(
  stores: Stores,
  namespace: string,
  { key, name, version }: PlannedTask,
): Promise<string | undefined> {
  const runs = await findRuns(stores.table, namespace, { limit: LATEST_RUNS });
  for (const run of runs) {
    const recorded = await readRecorded(stores, run);
    if (recorded?.plan.tasks.some((task) => task.key === key)) return run.id;
  }
  // An older one has made its result, if it is still known.
  const [result] = await readResults(stores.table, [{ key, namespace, name, version }]);
  const isKnown = result && (await readRecorded(stores, { id: result.runId, namespace }));
  return isKnown ? result.runId : undefined;
}

/** Why a later attempt went where it went was said when the one before had failed. */
function explainedAttempt(
  { pauseMs: _, ...attempt }: AttemptHistory,
  before: AttemptHistory | undefined,
): ExplainedAttempt {
  const why = attempt.why ?? before?.decided;
  return { ...attempt, ...(why === undefined ? {} : { why }) };
}

/** A stack with those of its causes. */
function stackOf(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error; cause instanceof Error && parts.length < 10; cause = cause.cause) {
    parts.push(cause.stack ?? `${cause.name}: ${cause.message}`);
  }
  return parts.length > 0 ? parts.join("\ncaused by: ") : String(error);
}
