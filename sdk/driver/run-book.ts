import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** The runs and tasks of a driver, by what the scheduler calls them. */
export class RunBook {
  /** Entry of each task in the scheduler, by its index there. */
  readonly entries: TaskEntry[] = [];
  /** The latest entry of each cache key. */
  readonly byKey = new Map<string, TaskEntry>();
  /** Runs by their index in the scheduler; those that attempts have opened stand for the run they are part of. */
  readonly runs: RunState[] = [];
  /** Runs that are not over. */
  readonly active = new Set<RunState>();

  /** The run that a task is part of, from the user's view. */
  runOf({ run }: TaskEntry): RunState {
    return this.runs[run];
  }

  /** Whether a run of the scheduler is one that an attempt has opened. */
  isNested(index: number): boolean {
    return this.runs[index].index !== index;
  }

  /** The runs that have asked for a task and wait for its outcome. */
  wanting(entry: TaskEntry): RunState[] {
    return [...this.active].filter((run) => run.wants(entry));
  }
}
