import { InvalidTaskError, RuntimeEnvSetupError } from "./errors.ts";
import { definitionNamed, type Task } from "./task.ts";
import { DEFINITION } from "./wire/definition.ts";
import type { BrokenRuntimeEnv, TaskRuntimeEnv } from "./wire/runtime-env.ts";

/** What tasks are planned with. */
export interface PlanningContext {
  readonly namespace: string;
  /** Code version by task name: the tasks that executors can find. */
  readonly versions: ReadonlyMap<string, string>;
  /** The task module, for messages. */
  readonly taskModule: string;
  /** Runtime environments by task name; of those that have one. */
  readonly runtimeEnvs?: ReadonlyMap<string, TaskRuntimeEnv | BrokenRuntimeEnv> | undefined;
}

/** Version of the code that a task is executed with: part of its key. */
export function versionOf(task: Task<unknown>, context: PlanningContext): string {
  const own = task.definition[DEFINITION].version;
  const version = context.versions.get(task.name);
  if (version === undefined) {
    const known = [...context.versions.keys()].sort().join(", ") || "none";
    throw new InvalidTaskError(
      "unknown-task",
      `task ${task.name} is not exported by ${context.taskModule}; executors can only find what it exports (${known}). Export it there`,
    );
  }
  return fullVersion(version, own, runtimeEnvOf(task, context));
}

/** A version of one's own stands in for all that is code: that of its runtime environment, too. */
function fullVersion(code: string, own: string | undefined, runtimeEnv: TaskRuntimeEnv | undefined): string {
  if (own !== undefined) return `v:${own}`;
  return runtimeEnv?.version ? `${code}+${runtimeEnv.version}` : code;
}

/** @throws RuntimeEnvSetupError where it cannot be had. */
export function runtimeEnvOf(task: Task<unknown>, { runtimeEnvs }: PlanningContext): TaskRuntimeEnv | undefined {
  const found = runtimeEnvs?.get(task.name);
  if (!found || "id" in found) return found;
  const message = `${task}: its runtime environment cannot be set up: ${found.problem}`;
  throw new RuntimeEnvSetupError("setup-failed", message, { task, attempts: [], logTail: found.log });
}

/** Version that results of a task have, as the code and its runtime environment are now. */
export function currentVersion(name: string, context: PlanningContext): string | undefined {
  const code = context.versions.get(name);
  const found = context.runtimeEnvs?.get(name);
  const own = definitionNamed(name)[DEFINITION].version;
  if (own === undefined && (code === undefined || (found && !("id" in found)))) return undefined;
  return fullVersion(code ?? "", own, found as TaskRuntimeEnv | undefined);
}
