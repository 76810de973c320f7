import { lookUp } from "./driver/look-up.ts";
import type { Placements } from "./driver/placements.ts";
import type { LabPlan } from "./planning.ts";
import type { ControlTable } from "./stores/control-table.ts";
import type { Task } from "./task.ts";

/** Tasks of one type that go the same way. */
export interface PlannedGroup {
  /** Task name. */
  readonly name: string;
  readonly count: number;
  /** Kind and size of the executor: `local`, `lambda 1769 MB`. */
  readonly lane: string;
  /** Why there, in one clause. */
  readonly reason: string;
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
}

/** Finds out what running a plan would do, without doing any of it. */
export async function describePlan(plan: LabPlan, placements: Placements, table: ControlTable): Promise<PlanReport> {
  const { records, needed } = await lookUp(table, plan, 0);
  const groups = new Map<string, PlannedGroup & { count: number }>();
  const infeasible: { task: Task<unknown>; reason: string }[] = [];
  let cached = 0;
  let toRun = 0;
  plan.tasks.forEach((planned, position) => {
    if (!needed[position]) return;
    if (records[position]) {
      cached += 1;
      return;
    }
    const placement = placements.of(planned);
    if ("infeasible" in placement) {
      infeasible.push({ task: planned.task, reason: placement.infeasible });
      return;
    }
    toRun += 1;
    const lane = placement.ladder[0].name;
    const key = `${planned.name}/${lane}`;
    const group = groups.get(key) ?? { name: planned.name, count: 0, lane, reason: placement.reason };
    group.count += 1;
    groups.set(key, group);
  });
  return { total: plan.tasks.length, cached, toRun, groups: [...groups.values()], infeasible };
}
