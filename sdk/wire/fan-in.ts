import type { AttemptSpec } from "./attempt.ts";

/** A task that several executors bring the inputs of: who brings the last one goes on with it. */
export interface FanIn {
  /** Index of the task. */
  readonly task: number;
  /** Number of the attempt that this is, or would be. */
  readonly attempt: number;
}

/** The same, as the driver tells executors of it. */
export interface FanInSpec {
  /** `handed`: what was not there when it was told of. */
  readonly spec: AttemptSpec;
  /** Names the item in which executors say what they have brought. */
  readonly item: string;
}
