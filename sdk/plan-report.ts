import { BY_ITSELF, type Together } from "./core/attempt-cost.ts";
import type { BatchOptions } from "./core/batch.ts";
import {
  type ForecastTask,
  forecastSeconds,
  forecastUsd,
  type MeasuredDuration,
  type Range,
  sharing,
  sumOf,
} from "./core/forecast.ts";
import type { Lane } from "./core/offer.ts";
import { capacityGroups } from "./core/route.ts";
import { tasksAtOnce } from "./core/side-by-side.ts";
import { slackWithin } from "./driver/enrolment.ts";
import { lookUp } from "./driver/look-up.ts";
import type { Placements } from "./driver/placements.ts";
import { type NotCachedReason, notCachedReasons } from "./history/plan-reasons.ts";
import type { LabPlan, PlannedTask } from "./planning.ts";
import type { ControlTable } from "./stores/control-table.ts";
import { readStatistics } from "./stores/statistics.ts";
import type { Stores } from "./stores/stores.ts";
import type { Task } from "./task.ts";
import type { CodePart } from "./wire/code-part.ts";

export type { Range };

/** What earlier runs have measured of a task type. */
interface Measured extends MeasuredDuration {
  readonly peakMemoryMb: number | undefined;
}

const NEVER_MEASURED: MeasuredDuration = { meanMs: 0, deviationMs: 0 };

/** Tasks of one type that go the same way. */
export interface PlannedGroup {
  /** Task name. */
  readonly name: string;
  readonly count: number;
  /** Kind and size of the executor: `local`, `lambda 1769 MB`. */
  readonly lane: string;
  /** Why there, in one clause. */
  readonly reason: string;
  /** How long one attempt takes, in seconds; absent where earlier runs have measured nothing. */
  readonly secondsEach?: Range;
  /** Why they are not cached, what holds for most first. */
  readonly notCached: readonly NotCachedReason[];
  /** What all of them cost, in dollars, their ECS tasks included; absent likewise. */
  readonly costUsd?: Range;
}

/** What running some tasks would do. */
export interface PlanReport {
  /** Distinct tasks, dependencies included. */
  readonly total: number;
  /** Of those, how many are stored and needed. */
  readonly cached: number;
  readonly toRun: number;
  readonly groups: readonly PlannedGroup[];
  /** Tasks that no executor can run, and why. */
  readonly infeasible: readonly { readonly task: Task<unknown>; readonly reason: string }[];
  /** Until all are done, if all goes well; absent while a type that is to run was never measured. */
  readonly seconds?: Range;
  /** Dollars, likewise. */
  readonly costUsd?: Range;
  /** Types that are to run and were never measured. */
  readonly unmeasured: readonly string[];
}

/** Options of a run that change what it would do. */
export interface PlanOptions {
  /** As for `runTasks`: what is cached runs, too. Default false. */
  readonly bustCache?: boolean;
  /** As for `runTasks`: how long the run is to take at most, in milliseconds. Default none. */
  readonly deadlineMs?: number;
}

/** What a plan is held against. */
export interface PlanSurroundings {
  readonly placements: Placements;
  readonly stores: Stores;
  readonly namespace: string;
  /** What code versions are made of, where this process has bundled them. */
  readonly code: ReadonlyMap<string, readonly CodePart[]>;
  /** Attempts at once. */
  readonly concurrency: number;
  /** How many short attempts may share a dispatch. */
  readonly batch: BatchOptions;
}

interface Group {
  readonly name: string;
  readonly lane: Lane;
  readonly reason: string;
  readonly tasks: ForecastTask[];
  readonly planned: PlannedTask[];
}

/** Finds out what running a plan would do, without doing any of it. */
export async function describePlan(
  plan: LabPlan,
  surroundings: PlanSurroundings,
  { bustCache = false, deadlineMs }: PlanOptions = {},
): Promise<PlanReport> {
  const { placements, stores, namespace, code, concurrency, batch } = surroundings;
  const { table } = stores;
  const since = bustCache ? Number.POSITIVE_INFINITY : 0;
  const lookedUp = await lookUp(table, plan, { namespace, since, runId: undefined });
  const { records, needed } = lookedUp;
  const durations = await measuredDurations(plan, table, namespace);
  const slack =
    deadlineMs === undefined ? [] : slackWithin(deadlineMs, plan, lookedUp, (name) => durations.get(name)?.meanMs);
  const groups = new Map<string, Group>();
  const infeasible: { task: Task<unknown>; reason: string }[] = [];
  const unmeasured = new Set<string>();
  const all: ForecastTask[] = [];
  const runsAs = new Map<number, number>();
  let cached = 0;
  plan.tasks.forEach((planned, position) => {
    if (!needed[position]) return;
    if (records[position]) {
      cached += 1;
      return;
    }
    const placement = placements.of(planned, slack[position]);
    if ("infeasible" in placement) {
      infeasible.push({ task: planned.task, reason: placement.infeasible });
      return;
    }
    const { name } = planned;
    const [lane] = placement.ladder;
    const duration = durations.get(name);
    if (!duration) unmeasured.add(name);
    const dependencies = planned.dependencies.flatMap((dependency) => runsAs.get(dependency) ?? []);
    const paramBytes = planned.params.byteLength;
    const atOnce = atOnceOf(planned, lane, batch, duration);
    const task = { lane, duration: duration ?? NEVER_MEASURED, paramBytes, atOnce, dependencies };
    runsAs.set(position, all.push(task) - 1);
    const key = `${name}/${lane.name}`;
    const group = groups.get(key) ?? { name, lane, reason: placement.reason, tasks: [], planned: [] };
    group.tasks.push(task);
    group.planned.push(planned);
    groups.set(key, group);
  });
  const reasons = bustCache
    ? [...groups.values()].map(({ tasks }): NotCachedReason[] => [
        { kind: "anew", why: "bustCache", count: tasks.length },
      ])
    : await notCachedReasons(stores, namespace, plan, [...groups.values()], code);
  const slots = capacityGroups(placements.offer);
  const slotsOf = ({ group }: Lane) => Math.min(concurrency, slots.find(({ name }) => name === group)?.slots ?? 1);
  const described = [...groups.values()].map((group, index) => {
    const duration = durations.get(group.name);
    const together = duration && togetherOf(group, duration, slotsOf(group.lane), batch);
    return describeGroup(group, reasons[index], duration, together);
  });
  const costs = described.flatMap(({ costUsd }) => costUsd ?? []);
  const isKnown = unmeasured.size === 0;
  return {
    total: plan.tasks.length,
    cached,
    toRun: all.length,
    groups: described,
    infeasible,
    ...(isKnown ? { seconds: forecastSeconds(all, slots, concurrency), costUsd: sumOf(costs) } : {}),
    unmeasured: [...unmeasured],
  };
}

async function measuredDurations(plan: LabPlan, table: ControlTable, namespace: string) {
  const names = [...new Set(plan.tasks.map(({ name }) => name))];
  const statistics = await readStatistics(table, namespace, names);
  return new Map(
    statistics.flatMap(({ name, meanMs, deviationMs, peakMemoryMb }): [string, Measured][] =>
      meanMs === undefined ? [] : [[name, { meanMs, deviationMs: deviationMs ?? meanMs / 2, peakMemoryMb }]],
    ),
  );
}

/** What may not be begun twice has its dispatch to itself. */
const isAlone = ({ policy }: PlannedTask): boolean => policy.maxRetries === 0;

/** How many of a task's kind an executor works on at once, as the scheduler would have it. */
function atOnceOf(planned: PlannedTask, lane: Lane, batch: BatchOptions, duration: Measured | undefined): number {
  if (!duration || isAlone(planned) || duration.meanMs + 2 * duration.deviationMs > batch.targetMs) return 1;
  return tasksAtOnce(lane, { cpus: planned.demand.numCpus || 1, peakMemoryMb: duration.peakMemoryMb || undefined });
}

/** What tasks of one type share that all go the same way. */
function togetherOf({ tasks, planned }: Group, duration: Measured, slots: number, batch: BatchOptions): Together {
  if (planned.some(isAlone)) return BY_ITSELF;
  return sharing(tasks.length, duration, slots, batch, tasks[0].atOnce);
}

const FREE: Range = { low: 0, expected: 0, high: 0 };

function describeGroup(
  { name, lane, reason, tasks }: Group,
  notCached: readonly NotCachedReason[],
  duration: MeasuredDuration | undefined,
  together: Together | undefined,
): PlannedGroup {
  const group = { name, count: tasks.length, lane: lane.name, reason, notCached };
  // What runs on this machine costs nothing, however long it takes.
  if (!duration) return forecastUsd(tasks, lane).high === 0 ? { ...group, costUsd: FREE } : group;
  const { meanMs, deviationMs } = duration;
  const low = Math.max(0, meanMs - deviationMs) / 1000;
  const secondsEach = { low, expected: meanMs / 1000, high: (meanMs + 2 * deviationMs) / 1000 };
  return { ...group, secondsEach, costUsd: forecastUsd(tasks, lane, together) };
}
