import type { ControlTable } from "../../stores/control-table.ts";
import type { ResultRecord } from "../../stores/result-items.ts";
import { isComputedFrom, readResults } from "../../stores/results.ts";
import type { Assignment } from "../../wire/attempt.ts";
import type { AttemptReport } from "../../wire/invocation.ts";
import { resultObject } from "../../wire/keys.ts";
import type { Success } from "../../wire/outcome.ts";
import type { Slot } from "../../wire/slot.ts";

/**
 * The results of attempts that cannot tell of them, in their order. Those of another lab count here where they were
 * computed from the same values.
 */
export async function committedOf(
  table: ControlTable,
  { namespace, attempts }: Pick<Assignment, "namespace" | "attempts">,
): Promise<(ResultRecord | undefined)[]> {
  const names = attempts.map(({ key, name, version }) => ({ key, namespace, name, version }));
  const found = await readResults(table, names);
  /** Of the attempts so far; of what was not stored no value is known that another one could differ from. */
  const values = new Map<string, Slot>();
  const unstoredKeys = new Set<string>();
  return attempts.map(({ key, generation, inputs, handed = [], unstored }, position) => {
    if (unstored) unstoredKeys.add(key);
    const record = found[position];
    if (!record || record.generation < generation) return undefined;
    const taken: Record<string, Slot> = { ...inputs };
    for (const each of handed) {
      const value = values.get(each);
      if (value) taken[each] = value;
      else if (!unstoredKeys.has(each)) return undefined;
    }
    const isNamed = !handed.some((each) => unstoredKeys.has(each));
    if (isNamed && !isComputedFrom(record, taken)) return undefined;
    values.set(key, record.value);
    return record;
  });
}

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
  /** What was handed on, with how long its taker took: nothing else is known of how long it took itself. */
  const used = new Map<string, number>();
  for (let at = attempts.length - 1; at >= 0; at--) {
    const { key, task, attempt, generation, handed = [], unstored } = attempts[at];
    const record = found[at];
    const isCommitted = record !== undefined && record.generation >= generation;
    const durationMs = isCommitted ? record.durationMs : unstored && used.get(key);
    if (durationMs === undefined) continue;
    for (const each of handed) used.set(each, durationMs);
    const outcome = isCommitted ? committedOutcome(record) : usedOutcome(key, durationMs);
    reports.unshift({ task, attempt, outcome });
  }
  return reports;
}

/** Of a result that was not stored: it is lost, should anybody need it after all. */
function usedOutcome(key: string, durationMs: number): Success {
  const value = { object: resultObject(key, "unstored"), bytes: 0, hash: "" };
  const endedAt = Date.now();
  return { ...committedOutcome({ value, endedAt, durationMs, peakMemoryMb: 0 }), unstored: true };
}

/** A result that was committed by an attempt that could not tell of it. */
export function committedOutcome({
  value,
  endedAt,
  durationMs,
  peakMemoryMb,
}: Pick<ResultRecord, "value" | "endedAt" | "durationMs" | "peakMemoryMb">): Success {
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
