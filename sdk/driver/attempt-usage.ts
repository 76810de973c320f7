import type { AttemptUsage } from "../errors.ts";
import type { Usage } from "../wire/outcome.ts";
import type { InFlight } from "./in-flight.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What an attempt has used, with what the driver knows of its way there. Clocks of executors may differ from its own. */
export function usageOf(
  entry: TaskEntry,
  { startedAt, loadMs, runMs, storeMs, cpuMs, bytesIn, bytesOut }: Usage,
  inFlight: InFlight | undefined,
  begunAt: number | undefined,
): AttemptUsage {
  const used = { loadMs, runMs, storeMs, cpuMs, bytesIn, bytesOut };
  if (!inFlight || inFlight.adoptedFrom) return used;
  const { dispatchedAt } = inFlight;
  const startMs = Math.max(0, startedAt - dispatchedAt);
  const readyAt = begunAt === undefined ? undefined : readyAtOf(entry, dispatchedAt, begunAt);
  return { ...(readyAt === undefined ? {} : { queueMs: Math.max(0, dispatchedAt - readyAt) }), startMs, ...used };
}

/** When an attempt could begin that was dispatched then. */
function readyAtOf({ dependencies, evidence = [] }: TaskEntry, dispatchedAt: number, begunAt: number): number {
  const before = evidence.findLast(({ endedAt }) => endedAt <= dispatchedAt);
  if (before) return before.endedAt;
  return dependencies.reduce((last, { success }) => Math.max(last, success?.usage.endedAt ?? 0), begunAt);
}
