import { LabError } from "../errors.ts";
import type { LabPlan } from "../planning.ts";
import type { RunHistory } from "./run-history.ts";
import { taskHistories } from "./task-history.ts";
import { shownTask } from "./task-text.ts";

/** Candidates that a message lists. */
const LISTED = 8;

/**
 * Positions of the tasks that are meant by a text: all tasks of that name, the one at that position
 * (`12` or `#12`), or those whose text has it as a part.
 *
 * @throws LabError when there are none.
 */
export function findTasks(plan: LabPlan, text: string): number[] {
  const { tasks } = plan;
  const all = [...tasks.keys()];
  const byName = all.filter((position) => tasks[position].name === text);
  if (byName.length > 0) return byName;
  const [, number] = /^#?(\d+)$/.exec(text) ?? [];
  if (number !== undefined && Number(number) < tasks.length) return [Number(number)];
  const byPart = text === "" ? [] : all.filter((position) => shownTask(plan, position).includes(text));
  if (byPart.length > 0) return byPart;
  const counts = new Map<string, number>();
  for (const { name } of tasks) counts.set(name, (counts.get(name) ?? 0) + 1);
  const known = [...counts].map(([name, count]) => (count === 1 ? name : `${count} ${name}`)).join(", ") || "none";
  throw new LabError("unknown-task", `no task of the run is meant by ${JSON.stringify(text)}; it has ${known}`);
}

/**
 * The one task that is meant by a text.
 *
 * @throws LabError when there is none, or several, which it lists.
 */
export function findTask(plan: LabPlan, text: string): number {
  const found = findTasks(plan, text);
  if (found.length === 1) return found[0];
  const listed = found.slice(0, LISTED).map((position) => `#${position} ${shownTask(plan, position)}`);
  const more = found.length > LISTED ? `, and ${found.length - LISTED} more` : "";
  throw new LabError(
    "ambiguous-task",
    `${found.length} tasks are meant by ${JSON.stringify(text)}, say which by its number: ${listed.join(", ")}${more}`,
  );
}

/**
 * The task of a run that failed first.
 *
 * @throws LabError where none has failed.
 */
export function firstFailed({ run, plan, events }: RunHistory): number {
  const failed = taskHistories(plan, events).filter(({ status }) => status === "failed");
  const [first] = failed.sort((a, b) => (a.settledAt ?? 0) - (b.settledAt ?? 0));
  if (first) return first.position;
  throw new LabError("unknown-task", `no task of run ${run.id} has failed: say which task is meant`);
}
