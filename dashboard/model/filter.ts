import type { RunModel, TaskModel, TaskStatus } from "./run-model.ts";

/** Which tasks to show. */
export interface TaskFilter {
  /** Words that all have to occur in name, params or failure, in whatever case. */
  readonly text: string;
  readonly statuses: ReadonlySet<TaskStatus>;
  readonly type: string | undefined;
  /** Only tasks of more than one attempt. */
  readonly retriedOnly: boolean;
}

export const NO_FILTER: TaskFilter = { text: "", statuses: new Set(), type: undefined, retriedOnly: false };

/** The tasks that pass, in the order of the run; those that nothing needs never do. */
export function filterTasks({ tasks }: RunModel, { text, statuses, type, retriedOnly }: TaskFilter): TaskModel[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return tasks.filter(
    (task) =>
      task.wanted &&
      (statuses.size === 0 || statuses.has(task.status)) &&
      (type === undefined || task.name === type) &&
      (!retriedOnly || task.attempts.length > 1) &&
      (words.length === 0 || hasAll(task, words)),
  );
}

function hasAll({ name, params, failure }: TaskModel, words: readonly string[]): boolean {
  const haystack = `${name}(${params}) ${failure?.kind ?? ""} ${failure?.message ?? ""}`.toLowerCase();
  return words.every((word) => haystack.includes(word));
}
