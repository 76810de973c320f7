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
  if (!inFlight || inFlight.adoptedFrom) return { loadMs, runMs, storeMs, cpuMs, bytesIn, bytesOut };
  const { dispatchedAt } = inFlight;
  const startMs = Math.max(0, startedAt - dispatchedAt);
  if (begunAt === undefined) return { startMs, loadMs, runMs, storeMs, cpuMs, bytesIn, bytesOut };
  const queueMs = Math.max(0, dispatchedAt - readyAtOf(entry, dispatchedAt, begunAt));
  return { queueMs, startMs, loadMs, runMs, storeMs, cpuMs, bytesIn, bytesOut };
}

/** When an attempt could begin that was dispatched then. */
function readyAtOf({ dependencies, evidence }: TaskEntry, dispatchedAt: number, begunAt: number): number {
  const before = evidence?.findLast(({ endedAt }) => endedAt <= dispatchedAt);
  if (before) return before.endedAt;
  let ready = begunAt;
  for (const { success } of dependencies) ready = Math.max(ready, success?.usage.endedAt ?? 0);
  return ready;
}
