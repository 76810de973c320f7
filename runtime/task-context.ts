import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { TaskCheckpoint, TaskContext, TaskLog, TaskObjects } from "../sdk/wire/definition.ts";
import type { TaskLab } from "../sdk/wire/task-lab.ts";

interface ContextParts {
  readonly spec: AttemptSpec;
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  readonly checkpoint: TaskCheckpoint;
  readonly context: unknown;
  readonly objects: TaskObjects;
  readonly lab: TaskLab;
}

/** The second parameter of a task's `run`. */
export function taskContext({ spec, objects, ...parts }: ContextParts): TaskContext {
  return { ...parts, ...objects, attempt: spec.attempt, resources: spec.resources };
}
