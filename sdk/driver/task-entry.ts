import type { AttemptEvidence } from "../errors.ts";
import type { PlannedTask } from "../planning.ts";
import type { Failure, FailureKind, Usage } from "../wire/outcome.ts";
import type { Slot } from "../wire/slot.ts";
import type { InFlight } from "./in-flight.ts";

/** What the driver keeps of a task beside the scheduler's numbers. */
export interface TaskEntry {
  readonly planned: PlannedTask;
  /** Index of the task in the scheduler. */
  readonly task: number;
  /** Driver's index of the run that added it. */
  readonly run: number;
  /** Tasks it needs the results of. */
  readonly dependencies: readonly TaskEntry[];
  /** Generation its result is committed with. */
  generation: number;
  /** Params in the object store, where they are too large to travel in messages. */
  params: Slot | undefined;
  /** Its result, once there is one. */
  value: Slot | undefined;
  /** Found in the cache, not computed by this lab. */
  cached: boolean;
  /** Tasks that run again for what attempts of it have missed and these have put, by the cache keys that handles name. */
  remade: Map<string, TaskEntry> | undefined;
  lastFailure: Failure | undefined;
  /** Why it will have no result. */
  failure: FailureKind | undefined;
  /** Only of tasks of which an attempt failed. */
  evidence: AttemptEvidence[] | undefined;
  logTail: string[] | undefined;
  /** How many runs have it among their tasks that are not forgotten yet. */
  uses: number;
  /** How often an attempt was given up because it waited too long for tasks of its own. */
  suspensions: number;
  /** The attempt that brought its result, in this lab. */
  success:
    | {
        readonly attempt: number;
        readonly inFlight: InFlight | undefined;
        readonly executor: string | undefined;
        readonly usage: Usage;
        readonly costUsd: number;
      }
    | undefined;
}

/** What a task was before it is made again. */
export interface Reopened {
  readonly wasDone: boolean;
  /** It had been ended since nobody wanted it any more. */
  readonly failed?: FailureKind;
}

type EntryFacts = Pick<TaskEntry, "planned" | "task" | "run" | "dependencies" | "generation" | "value">;

export function newTaskEntry({ planned, task, run, dependencies, generation, value }: EntryFacts): TaskEntry {
  return {
    planned,
    task,
    run,
    dependencies,
    generation,
    value,
    cached: value !== undefined,
    params: planned.storedParams,
    remade: undefined,
    lastFailure: undefined,
    failure: undefined,
    evidence: undefined,
    logTail: undefined,
    uses: 0,
    suspensions: 0,
    success: undefined,
  };
}

const LOG_TAIL_LINES = 20;

export function addLogLine(entry: TaskEntry, line: string): void {
  entry.logTail ??= [];
  entry.logTail.push(line);
  if (entry.logTail.length > LOG_TAIL_LINES) entry.logTail.shift();
}
