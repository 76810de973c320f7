import { type AttemptModel, type RunModel, TASK_STATUSES, type TaskModel } from "./run-model.ts";

/** What a list of tasks is sorted by; `order` is that of the run. */
export interface SortKey {
  readonly by: "order" | "task" | "status" | "attempts" | "waited" | "took" | "memory";
  readonly isDescending: boolean;
}

export const lastAttempt = ({ attempts }: TaskModel): AttemptModel | undefined => attempts.at(-1);

/** How long an attempt took, in milliseconds; undefined while it goes on. */
export const tookMs = (attempt: AttemptModel | undefined): number | undefined =>
  attempt?.endedAt === undefined ? undefined : attempt.endedAt - (attempt.startedAt ?? attempt.dispatchedAt);

/** How long an attempt waited from when it could have begun until it did, in milliseconds. */
export const waitedMs = (attempt: AttemptModel | undefined): number | undefined =>
  attempt && Math.max(0, (attempt.startedAt ?? attempt.dispatchedAt) - attempt.readyAt);

const VALUE: Readonly<Record<SortKey["by"], (task: TaskModel) => number | string>> = {
  order: ({ position }) => position,
  task: ({ name, params }) => `${name}(${params})`,
  status: ({ status }) => TASK_STATUSES.indexOf(status),
  attempts: ({ attempts }) => attempts.length,
  waited: (task) => waitedMs(lastAttempt(task)) ?? -1,
  took: (task) => tookMs(lastAttempt(task)) ?? -1,
  memory: (task) => lastAttempt(task)?.peakMemoryMb ?? -1,
};

/** Tasks that a task runs stand behind it. */
function belowParents(tasks: readonly TaskModel[]): readonly TaskModel[] {
  if (!tasks.some(({ parent }) => parent !== undefined)) return tasks;
  const listed = new Set(tasks.map(({ position }) => position));
  const children = new Map<number | undefined, TaskModel[]>();
  for (const task of tasks) {
    const above = task.parent !== undefined && listed.has(task.parent) ? task.parent : undefined;
    const siblings = children.get(above);
    if (siblings) siblings.push(task);
    else children.set(above, [task]);
  }
  const ordered: TaskModel[] = [];
  const waiting = [...(children.get(undefined) ?? [])].reverse();
  for (let task = waiting.pop(); task; task = waiting.pop()) {
    ordered.push(task);
    for (const child of (children.get(task.position) ?? []).toReversed()) waiting.push(child);
  }
  return ordered;
}

/** How many tasks run each other above this one. */
export function depthOf({ tasks }: Pick<RunModel, "tasks">, { parent }: TaskModel): number {
  let depth = 0;
  for (let above = parent; above !== undefined; above = tasks[above].parent) depth += 1;
  return depth;
}

/** The tasks in another order; what is equal stays in that of the run. */
export function sortTasks(tasks: readonly TaskModel[], { by, isDescending }: SortKey): readonly TaskModel[] {
  if (by === "order" && !isDescending) return belowParents(tasks);
  const value = VALUE[by];
  const sign = isDescending ? -1 : 1;
  return tasks
    .map((task) => ({ task, key: value(task) }))
    .sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0))
    .map(({ task }) => task);
}
