import type { LabPlan } from "../planning.ts";

/** As one would write it; where its params are too large to be known, by name and position. */
export function shownTask({ tasks }: LabPlan, position: number): string {
  const { name, storedParams, task } = tasks[position];
  return storedParams ? `${name} #${position}` : String(task);
}
