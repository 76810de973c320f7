import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { TaskCheckpoint, TaskContext, TaskLog, TaskObjects } from "../sdk/wire/definition.ts";

interface ContextParts {
  readonly spec: AttemptSpec;
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  readonly checkpoint: TaskCheckpoint;
  readonly context: unknown;
  readonly objects: TaskObjects;
}

/** The second parameter of a task's `run`. */
export function taskContext({ spec, runId, signal, log, checkpoint, context, objects }: ContextParts): TaskContext {
  return { signal, log, checkpoint, attempt: spec.attempt, runId, resources: spec.resources, context, ...objects };
}
