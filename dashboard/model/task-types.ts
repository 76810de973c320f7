import type { RunModel, TaskModel, TaskStatus } from "./run-model.ts";

/** Tasks of one name together. */
export interface TaskType {
  readonly name: string;
  readonly total: number;
  readonly counts: Readonly<Record<TaskStatus, number>>;
  readonly retries: number;
  /** Of the attempts that brought a result; undefined without any. */
  readonly medianMs: number | undefined;
  readonly peakMemoryMb: number | undefined;
  /** In the executors, over all attempts, in milliseconds. */
  readonly busyMs: number;
  readonly cpuMs: number;
  /** Dollars, over all attempts; undefined where no evidence says any. */
  readonly costUsd: number | undefined;
}

export const noCounts = (): Record<TaskStatus, number> => ({
  failed: 0,
  running: 0,
  pending: 0,
  done: 0,
  cached: 0,
  cancelled: 0,
});

/** The tasks of a run by their types, in the order in which these first appear. Without those that nothing needs. */
export function taskTypes({ tasks }: RunModel): TaskType[] {
  const groups = new Map<string, TaskModel[]>();
  for (const task of tasks) {
    if (!task.wanted) continue;
    const group = groups.get(task.name);
    if (group) group.push(task);
    else groups.set(task.name, [task]);
  }
  return [...groups].map(([name, group]) => typeOf(name, group));
}

function typeOf(name: string, group: readonly TaskModel[]): TaskType {
  const counts = noCounts();
  const durations: number[] = [];
  let [retries, busyMs, cpuMs, peakMemoryMb] = [0, 0, 0, 0];
  let costUsd: number | undefined;
  for (const { status, attempts } of group) {
    counts[status] += 1;
    retries += Math.max(0, attempts.length - 1);
    for (const { kind, startedAt, endedAt, usage, peakMemoryMb: peak = 0, costUsd: cost } of attempts) {
      if (startedAt !== undefined && endedAt !== undefined) {
        busyMs += endedAt - startedAt;
        if (kind === "ok") durations.push(endedAt - startedAt);
      }
      cpuMs += usage?.cpuMs ?? 0;
      peakMemoryMb = Math.max(peakMemoryMb, peak);
      if (cost !== undefined) costUsd = (costUsd ?? 0) + cost;
    }
  }
  durations.sort((a, b) => a - b);
  return {
    name,
    total: group.length,
    counts,
    retries,
    medianMs: durations[durations.length >> 1],
    peakMemoryMb: peakMemoryMb || undefined,
    busyMs,
    cpuMs,
    costUsd,
  };
}
