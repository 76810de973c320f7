import type { Lane } from "./offer.ts";

/** What the dispatcher has to know of tasks of a shape. */
export interface TaskKind {
  /** Task name: durations are learned by it. */
  readonly type: string;
  /** It must not be begun twice because of others: it never shares a dispatch, and never waits behind one. */
  readonly alone: boolean;
  /** It never has two attempts at once. */
  readonly once: boolean;
  /** Longest attempt that the task allows, in milliseconds. */
  readonly timeoutMs?: number;
}

/** What the dispatcher asks of tasks. */
export interface TaskFacts {
  kindOf(shape: number): TaskKind;
  /** The lane that a task is in, or will be in next. */
  laneOf(task: number): Lane | undefined;
  /** How many short tasks of a shape an executor of a lane works on at once. */
  atOnce(shape: number, lane: Lane): number;
  /** Whether a task that waits may go out with one that is about to, as far as the two go. */
  goesWith(task: number, first: number): boolean;
}
