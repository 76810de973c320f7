import type { Lane } from "./offer.ts";

/** What has to be known of tasks to tell how many of them an executor works on at once. */
export interface TaskAppetite {
  /** vCPUs that one asks for; one where only memory was asked for. */
  readonly cpus: number;
  /** Highest memory that attempts were seen to use, in MB; undefined before one was measured. */
  readonly peakMemoryMb: number | undefined;
}

/** Share of an executor's memory that is given out: a peak is of those that were measured, and the next may be higher. */
const GIVEN_OUT_SHARE = 0.8;
/** Each has a process of its own, and one process above them deals the work out. */
const MOST_AT_ONCE = 16;

/**
 * How many short tasks of a dispatch an executor works on at once: as many as have the vCPUs that they ask for, and
 * the memory that their kind was seen to use. One where that is not known, where tasks have a GPU, where a
 * runtime environment would be set up for each, and on machines that start an executor for each task anyway.
 */
export function tasksAtOnce(lane: Lane, { cpus, peakMemoryMb }: TaskAppetite): number {
  const { service, gpus, memoryMb, runtimeEnv } = lane;
  if (service === "local" || service === "custom" || gpus > 0 || runtimeEnv !== undefined) return 1;
  if (peakMemoryMb === undefined || memoryMb === undefined) return 1;
  const byCpus = Math.floor(lane.cpus / cpus);
  const byMemory = Math.floor((GIVEN_OUT_SHARE * memoryMb) / peakMemoryMb);
  return Math.max(1, Math.min(byCpus, byMemory, MOST_AT_ONCE));
}
