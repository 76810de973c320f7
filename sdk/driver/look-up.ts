import type { LabPlan } from "../planning.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { type ResultRecord, readResults } from "../stores/results.ts";

/** What a look-up in the cache says of a plan, by position. */
export interface LookedUp {
  readonly records: readonly (ResultRecord | undefined)[];
  /** Whether the task has to be there: it was asked for, or something that has to run depends on it. */
  readonly needed: Uint8Array;
}

/**
 * Looks all tasks of a plan up in the cache, at once, and finds which of them are needed: nothing
 * below a cached task is, as long as its result can be loaded.
 *
 * @param since Results of earlier generations do not count; infinity for none at all.
 */
export async function lookUp(table: ControlTable, plan: LabPlan, since: number): Promise<LookedUp> {
  const keys = plan.tasks.map(({ key }) => key);
  const found = since === Number.POSITIVE_INFINITY ? [] : await readResults(table, keys);
  const records = found.map((record) => (record && record.generation >= since ? record : undefined));
  return { records, needed: neededOf(plan, records) };
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
