/** A stored result, as far as it matters whether it still counts. */
export interface KeptResult {
  /** When it was made, in milliseconds since the epoch. */
  readonly endedAt: number;
  /** For how long it was stored, in milliseconds; 0 for its run only, undefined for good. */
  readonly keepMs?: number | undefined;
  readonly runId: string;
}

/** Why a stored result does not count: its time is over, or it was only ever meant for another run. */
export type Outdated = "expired" | "of-another-run";

/**
 * Whether a stored result counts, by the terms it was stored on and by those that its definition names now: the
 * shorter ones hold. Within the run that has made it, it always does.
 *
 * @param keepMs For how long results of the type are kept now.
 * @returns Undefined where it counts.
 */
export function outdatedBy(
  result: KeptResult,
  keepMs: number | undefined,
  { runId, now }: { readonly runId: string | undefined; readonly now: number },
): Outdated | undefined {
  if (runId !== undefined && result.runId === runId) return undefined;
  if (keepMs === 0 || result.keepMs === 0) return "of-another-run";
  const kept = Math.min(keepMs ?? Number.POSITIVE_INFINITY, result.keepMs ?? Number.POSITIVE_INFINITY);
  return result.endedAt + kept <= now ? "expired" : undefined;
}
