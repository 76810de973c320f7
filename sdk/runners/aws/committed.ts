import type { ResultRecord } from "../../stores/results.ts";
import type { Outcome } from "../../wire/outcome.ts";

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
