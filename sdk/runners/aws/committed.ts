import type { ResultRecord } from "../../stores/results.ts";
import type { Assignment } from "../../wire/attempt.ts";
import type { AttemptReport } from "../../wire/invocation.ts";
import { resultObject } from "../../wire/keys.ts";
import type { Outcome } from "../../wire/outcome.ts";

/**
 * What is known to be done of an assignment that cannot tell: what was committed, and what was handed on to that
 * without being stored.
 *
 * @param found Records of the attempts, in their order.
 */
export function committedReports(
  { attempts }: Pick<Assignment, "attempts">,
  found: readonly (ResultRecord | undefined)[],
): AttemptReport[] {
  const reports: AttemptReport[] = [];
  const used = new Set<string>();
  for (let at = attempts.length - 1; at >= 0; at--) {
    const { key, task, attempt, generation, handed = [], unstored } = attempts[at];
    const record = found[at];
    const isCommitted = record !== undefined && record.generation >= generation;
    if (!isCommitted && !(unstored && used.has(key))) continue;
    for (const each of handed) used.add(each);
    const outcome = isCommitted ? committedOutcome(record) : usedOutcome(key);
    reports.unshift({ task, attempt, outcome });
  }
  return reports;
}

/** Of a result that was not stored: it is lost, should anybody need it after all. */
function usedOutcome(key: string): Outcome {
  const now = Date.now();
  const usage = { startedAt: now, endedAt: now, loadMs: 0, runMs: 0, storeMs: 0, cpuMs: 0, peakMemoryMb: 0 };
  const value = { object: resultObject(key, "unstored"), bytes: 0, hash: "" };
  return { kind: "ok", value, usage: { ...usage, bytesIn: 0, bytesOut: 0 }, unstored: true };
}

/** A result that was committed by an attempt that could not tell of it. */
export function committedOutcome({ value, endedAt, durationMs, peakMemoryMb }: ResultRecord): Outcome {
  const usage = {
    startedAt: endedAt - durationMs,
    endedAt,
    loadMs: 0,
    runMs: durationMs,
    storeMs: 0,
    cpuMs: 0,
    peakMemoryMb,
    bytesIn: 0,
    bytesOut: 0,
  };
  return { kind: "ok", value, usage };
}
