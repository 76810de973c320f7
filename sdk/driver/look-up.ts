import { outdatedBy } from "../core/keeping.ts";
import type { LabPlan } from "../planning.ts";
import type { ControlTable } from "../stores/control-table.ts";
import type { ResultRecord } from "../stores/result-items.ts";
import { type NeededResult, readCounting } from "../stores/results.ts";

/** What a look-up in the cache says of a plan, by position. */
export interface LookedUp {
  readonly records: readonly (ResultRecord | undefined)[];
  /** Whether the task has to be there: it was asked for, or something that has to run depends on it. */
  readonly needed: Uint8Array;
  /** Whether there is a result that does not count any more: the next one has to replace it. */
  readonly outdated: Uint8Array;
}

/** Which results count. */
interface LookUpTerms {
  readonly namespace: string;
  /** What was read of packs so long ago, in milliseconds, is not read again. Default 0. */
  readonly maxAgeMs?: number;
  /** Results of earlier generations do not; infinity for none at all. */
  readonly since: number;
  /** Results of this run do, whatever their terms; undefined for a look from outside. */
  readonly runId: string | undefined;
}

/** The results that the tasks of a plan have, or will have, by position. */
export const resultsOf = ({ tasks }: LabPlan, namespace: string): NeededResult[] =>
  tasks.map(({ key, name, version, dependencies }) => ({ key, namespace, name, version, dependencies }));

/**
 * Looks all tasks of a plan up in the cache, at once, and finds which of them are needed: nothing
 * below a cached task is, as long as its result can be loaded.
 */
export async function lookUp(
  table: ControlTable,
  plan: LabPlan,
  { namespace, since, runId, maxAgeMs = 0 }: LookUpTerms,
): Promise<LookedUp> {
  const nodes = resultsOf(plan, namespace);
  const found = since === Number.POSITIVE_INFINITY ? [] : await readCounting(table, nodes, { maxAgeMs });
  const outdated = new Uint8Array(plan.tasks.length);
  const now = Date.now();
  const records = found.map((record, position) => {
    if (!record || record.generation < since) return undefined;
    if (outdatedBy(record, plan.tasks[position].keepMs, { runId, now }) === undefined) return record;
    outdated[position] = 1;
    return undefined;
  });
  return { records, needed: neededOf(plan, records), outdated };
}

/** The same where the results of the tasks asked for are to be replaced. */
export function withTargetsAnew(plan: LabPlan, { records, outdated: before }: LookedUp): LookedUp {
  const targets = new Set(plan.targets);
  const others = records.map((record, position) => (targets.has(position) ? undefined : record));
  const outdated = before.map((was, position) => (targets.has(position) ? 1 : was));
  return { records: others, needed: neededOf(plan, others), outdated };
}

/** Which tasks have to be there, by position, where these results are, or whatever else settles a task. */
export function neededOf(plan: LabPlan, records: readonly unknown[]): Uint8Array {
  const needed = new Uint8Array(plan.tasks.length);
  for (const target of plan.targets) needed[target] = 1;
  // Dependents come after their dependencies, so one pass from the end reaches everything.
  for (let position = plan.tasks.length - 1; position >= 0; position--) {
    if (!needed[position] || records[position]) continue;
    for (const dependency of plan.tasks[position].dependencies) needed[dependency] = 1;
  }
  return needed;
}
