import type { RunModel } from "./run-model.ts";

/** What one attempt used. */
export interface Measured {
  readonly startedAt: number;
  readonly runMs: number;
  readonly cpuMs: number;
  readonly peakMemoryMb: number;
  /** Whether it is of the task that is looked at. */
  readonly isOwn: boolean;
}

/** Dots that a small chart can bear. */
const MAX_MEASURED = 500;

/** Usage of the attempts of a type by their begin: all of one task, and an even choice of the others where they are many. */
export function measuredOf({ tasks }: RunModel, name: string, position: number, max = MAX_MEASURED): Measured[] {
  const measured: Measured[] = [];
  for (const task of tasks) {
    if (task.name !== name) continue;
    for (const { usage } of task.attempts) {
      if (!usage) continue;
      const { startedAt, runMs, cpuMs, peakMemoryMb } = usage;
      measured.push({ startedAt, runMs, cpuMs, peakMemoryMb, isOwn: task.position === position });
    }
  }
  measured.sort((a, b) => a.startedAt - b.startedAt);
  const stride = Math.ceil(measured.length / max);
  return measured.filter(({ isOwn }, index) => isOwn || index % stride === 0);
}
