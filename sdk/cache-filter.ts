import { LabOptionError } from "./errors.ts";
import { checkNames, show } from "./options.ts";
import type { ResultRecord } from "./stores/result-items.ts";
import type { TaskDefinition } from "./task.ts";

/** Which stored results are meant. */
export interface CachedTasksOptions {
  /** Only results of this definition, or of this task name. Default all. */
  readonly type?: Pick<TaskDefinition<never, unknown>, "taskName"> | string;
  /** Only results that were made longer ago, in milliseconds. Default all. */
  readonly olderThanMs?: number;
}

/** Refuses filters that mean nothing. */
export function checkCachedTasksOptions(where: string, options: CachedTasksOptions): void {
  checkNames(where, options, ["type", "olderThanMs"]);
  const { type, olderThanMs } = options;
  if (type !== undefined && nameOf(type) === undefined) {
    throw new LabOptionError(`${where}: type must be a task definition or a task name, got ${show(type)}`);
  }
  if (olderThanMs !== undefined && !(Number.isFinite(olderThanMs) && olderThanMs >= 0)) {
    throw new LabOptionError(`${where}: olderThanMs must be milliseconds, 0 or more, got ${show(olderThanMs)}`);
  }
}

function nameOf(type: unknown): string | undefined {
  if (typeof type === "string" && type !== "") return type;
  const { taskName } = (typeof type === "function" ? type : {}) as { taskName?: string };
  return taskName;
}

/** Whether results of this task name are meant. */
export const isMeantName = (name: string, { type }: CachedTasksOptions): boolean =>
  type === undefined || name === nameOf(type);

/** Whether a stored result is meant. */
export function isMeant({ name, endedAt }: ResultRecord, options: CachedTasksOptions): boolean {
  const { olderThanMs } = options;
  return isMeantName(name, options) && (olderThanMs === undefined || endedAt <= Date.now() - olderThanMs);
}
