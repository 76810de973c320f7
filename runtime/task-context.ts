import type { AttemptSpec } from "../sdk/wire/attempt.ts";
import type { TaskCheckpoint, TaskContext, TaskLog, TaskObjects } from "../sdk/wire/definition.ts";
import type { TaskLab } from "../sdk/wire/task-lab.ts";

/** What an attempt has, beside its own task. */
interface Surroundings {
  readonly runId: string;
  readonly abort: { readonly signal: AbortSignal };
  readonly log: TaskLog;
  readonly checkpoint: TaskCheckpoint;
  readonly context: unknown;
  readonly lab: TaskLab;
}

/** The second parameter of a task's `run`. */
export function taskContext(
  { attempt, resources }: AttemptSpec,
  surroundings: Surroundings,
  { get, getStream, put }: TaskObjects,
): TaskContext {
  const { checkpoint, context, lab, log, runId } = surroundings;
  return {
    attempt,
    resources,
    runId,
    log,
    checkpoint,
    context,
    lab,
    get,
    getStream,
    put,
    // Made when it is looked at: most tasks do not, and it takes longer than all the rest.
    get signal() {
      return surroundings.abort.signal;
    },
  };
}
