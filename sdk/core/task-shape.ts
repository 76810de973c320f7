import type { RetryPolicy } from "./demand.ts";
import type { Placement } from "./route.ts";

/** What all tasks of one type and one set of runner options have in common. */
export interface TaskShape {
  /** Task name: durations are learned by it. */
  readonly type: string;
  readonly placement: Placement;
  readonly policy: RetryPolicy;
  /** Longest attempt that the task allows, in milliseconds. Default no bound but the service's. */
  readonly timeoutMs?: number;
  /** vCPUs that it asks for. Default 1. */
  readonly cpus?: number;
}
