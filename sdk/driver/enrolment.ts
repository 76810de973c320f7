import type { Placement } from "../core/route.ts";
import type { Scheduler } from "../core/scheduler.ts";
import { slackOf } from "../core/slack.ts";
import { TaskState } from "../core/task-table.ts";
import type { LabPlan, PlannedTask } from "../planning.ts";
import type { ChildFailure } from "../wire/nested.ts";
import { slotBytes } from "../wire/slot.ts";
import { inheritFailure } from "./child-failures.ts";
import type { LookedUp } from "./look-up.ts";
import type { Placements } from "./placements.ts";
import { newTaskEntry, type TaskEntry } from "./task-entry.ts";

interface Enrolment {
  readonly scheduler: Scheduler;
  readonly placements: Placements;
  /** Entry of each task in the scheduler, by its index there. */
  readonly entries: TaskEntry[];
  /** The latest entry of each cache key. */
  readonly byKey: Map<string, TaskEntry>;
}

/** On which terms tasks become part of a run. */
interface EnrolmentTerms {
  /** Results count from it on; 0 unless everything is computed anew. */
  readonly generation: number;
  /** When the run is to be over, from now on, in milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** When the run began: the generation of what replaces a result that does not count any more. */
  readonly startedAt: number;
  /** Whether a task is of the same run already. */
  isOfRun(known: TaskEntry): boolean;
  /** Tasks that have failed, and are not to be tried again. */
  readonly failures?: ReadonlySet<TaskEntry>;
  /** The same of tasks that have failed with an earlier driver, by position. */
  readonly inherited?: readonly (ChildFailure | undefined)[];
}

const NONE: ReadonlySet<TaskEntry> = new Set();

/**
 * Adds the tasks of a plan to the scheduler, as part of a run. What another run of the lab waits for,
 * or has finished since the look-up, is shared and not done twice.
 *
 * @returns The entry of each task, by its position in the plan.
 */
export function enrol(
  { scheduler, placements, entries, byKey }: Enrolment,
  plan: LabPlan,
  { records, needed, outdated }: LookedUp,
  run: number,
  { generation, deadlineMs, failures = NONE, inherited = [], startedAt, isOfRun }: EnrolmentTerms,
): TaskEntry[] {
  const enrolled: TaskEntry[] = [];
  const shapes = new Shapes(scheduler, placements);
  const estimateMs = (name: string) => scheduler.estimateMs(name);
  const slack = deadlineMs === undefined ? [] : slackWithin(deadlineMs, plan, { records, needed }, estimateMs);
  plan.tasks.forEach((planned, position) => {
    const record = records[position];
    const known = byKey.get(planned.key);
    if (known && failures.has(known)) {
      enrolled.push(known);
      return;
    }
    const mayShare = known && (planned.keepMs === undefined || isOfRun(known) || !isDone(scheduler, known));
    if (known && mayShare && needed[position] && !record && isShareable(scheduler, known, generation)) {
      scheduler.shareTask(run, known.task);
      enrolled.push(known);
      return;
    }
    const failure = inherited[position];
    const state = record ? "done" : failure ? "failed" : needed[position] ? "wanted" : "skipped";
    const dependencies = planned.dependencies.map((dependency) => enrolled[dependency]);
    const paramBytes = planned.storedParams?.bytes ?? planned.params.byteLength;
    const sizes = { paramBytes, resultBytes: record ? slotBytes(record.value) : 0 };
    const task = scheduler.addTask(run, shapes.of(planned, slack[position]), state, sizes);
    for (const dependency of dependencies) scheduler.addDependency(task, dependency.task);
    const entry = newTaskEntry({
      planned,
      task,
      run,
      dependencies,
      generation: outdated[position] ? Math.max(generation, startedAt) : generation,
      value: record?.value,
    });
    if (failure) inheritFailure(entry, failure);
    entries[task] = entry;
    enrolled.push(entry);
    // One that has failed is known, too: an attempt that was suspended meanwhile is told of it again.
    if (state === "wanted" || state === "failed") byKey.set(planned.key, entry);
  });
  return enrolled;
}

const isDone = (scheduler: Scheduler, known: TaskEntry) => scheduler.tasks.state[known.task] === TaskState.Done;

function isShareable(scheduler: Scheduler, known: TaskEntry, generation: number): boolean {
  const state = scheduler.tasks.state[known.task];
  if (state === TaskState.Done) return known.generation >= generation && known.value !== undefined;
  return state !== TaskState.Failed && state !== TaskState.Skipped;
}

/**
 * How long each task may take for the run to end in time, as far as durations are known.
 *
 * @param estimateMs How long tasks of a name take.
 */
export function slackWithin(
  deadlineMs: number,
  { tasks }: LabPlan,
  { records, needed }: Pick<LookedUp, "records" | "needed">,
  estimateMs: (name: string) => number | undefined,
): number[] {
  const durations = tasks.map(({ name }, position) =>
    needed[position] && !records[position] ? (estimateMs(name) ?? 0) : 0,
  );
  return slackOf(
    tasks.map(({ dependencies }) => dependencies),
    durations,
    deadlineMs,
  );
}

/** A cached task may be of a kind that no executor here could run; it never has to. */
const NOWHERE: Placement = { ladder: [], onDemandLadder: [], reason: "cached", uses: {} };

/** What the tasks of a plan have in common, told to the scheduler once. */
class Shapes {
  readonly #scheduler: Scheduler;
  readonly #placements: Placements;
  readonly #known = new Map<string, number>();
  /** The one before: mostly the next one is like it. */
  #last: { readonly planned: PlannedTask; readonly placement: Placement; readonly shape: number } | undefined;

  constructor(scheduler: Scheduler, placements: Placements) {
    this.#scheduler = scheduler;
    this.#placements = placements;
  }

  of(planned: PlannedTask, slackMs: number | undefined): number {
    const found = this.#placements.of(planned, slackMs);
    const placement = "infeasible" in found ? NOWHERE : found;
    const last = this.#last;
    const isAlike =
      last?.placement === placement &&
      last.planned.name === planned.name &&
      last.planned.demand === planned.demand &&
      last.planned.policy === planned.policy;
    const shape = isAlike ? last.shape : this.#find(planned, placement);
    this.#last = { planned, placement, shape };
    return shape;
  }

  #find({ name: type, demand, policy }: PlannedTask, placement: Placement): number {
    const key = JSON.stringify([type, demand, policy, placement.ladder[0]?.name]);
    let shape = this.#known.get(key);
    if (shape === undefined) {
      const { numCpus, timeoutMs } = demand;
      const bound = timeoutMs === undefined ? {} : { timeoutMs };
      // Of none it needs no share, but its process needs one.
      const asked = numCpus ? { cpus: numCpus } : {};
      shape = this.#scheduler.addShape({ type, placement, policy, ...bound, ...asked });
      this.#known.set(key, shape);
    }
    return shape;
  }
}
