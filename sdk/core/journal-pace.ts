/** A run that is over sooner has no journal, in milliseconds. */
const FIRST_AFTER_MS = 250;
/** How often what is in flight is written down where it is little work, in milliseconds. */
const WRITE_EVERY_MS = 1_000;
/** How soon after the last time where it is more. */
const SOON_MS = 100;
/** What is dispatched at about the same time is written down together, in milliseconds. */
const TOGETHER_MS = 20;
/**
 * Work that is worth a write unit, of a KB, in milliseconds: on Lambda with a vCPU it costs fourteen times as much
 * (`prices.ts`). A driver that is killed costs what was not written down, twice.
 */
const WORTH_MS = 300;
/** Journals of a namespace share a partition of the table, which takes a thousand units a second. */
const BYTES_A_SECOND = 200_000;

/** How the journal of a run stands. */
export interface JournalStanding {
  /** When the run began, in milliseconds since the epoch, as are all times here. */
  readonly startedAt: number;
  /** When it was written last; 0 for never. */
  readonly writtenAt: number;
  /** How large it was then. */
  readonly bytes: number;
  /** What was dispatched since, as far as durations are known, in milliseconds. */
  readonly atStakeMs: number;
}

/** When the journal of a run is to be written next, now that something was dispatched or has ended. */
export function journalDue({ startedAt, writtenAt, bytes, atStakeMs }: JournalStanding, now: number): number {
  const isWorthIt = atStakeMs >= WORTH_MS * Math.max(1, bytes / 1_024);
  const pauseMs = Math.max(isWorthIt ? SOON_MS : WRITE_EVERY_MS, (bytes / BYTES_A_SECOND) * 1_000);
  return Math.max(startedAt + FIRST_AFTER_MS, writtenAt + pauseMs, now + TOGETHER_MS);
}
