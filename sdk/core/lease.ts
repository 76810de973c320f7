/** A driver's claim on a run. */
export interface Lease {
  /** Which lab drives the run. */
  readonly holder: string;
  /** Counts the drivers of the run, from 1. */
  readonly epoch: number;
  /** When it lapses unless it is renewed, in milliseconds since the epoch; 0 once the run has ended. */
  readonly until: number;
}

/** How long a lease is good for, in milliseconds. */
export const LEASE_MS = 15_000;
/** How often it is renewed, in milliseconds. */
export const RENEW_EVERY_MS = 5_000;
/** How far the clocks of two drivers may differ, in milliseconds: nobody takes a lease over sooner. */
const CLOCK_SKEW_MS = 2_000;

/** How long others have to leave a lease alone yet, in milliseconds; 0 when it has lapsed. */
export const remainingMs = ({ until }: Lease, now: number): number =>
  until === 0 ? 0 : Math.max(0, until + CLOCK_SKEW_MS - now);

/** Whether a driver may take a run: as which of its drivers, or how long it has to wait. */
export type Claim =
  | { readonly kind: "granted"; readonly epoch: number }
  | { readonly kind: "refused"; readonly waitMs: number };

/**
 * A lease is there to be taken when there is none, when it has lapsed, when it is the driver's own, or when
 * its holder is known to be gone.
 */
export function claim(existing: Lease | undefined, holder: string, now: number, isHolderGone = false): Claim {
  if (!existing) return { kind: "granted", epoch: 1 };
  const waitMs = existing.holder === holder || isHolderGone ? 0 : remainingMs(existing, now);
  return waitMs > 0 ? { kind: "refused", waitMs } : { kind: "granted", epoch: existing.epoch + 1 };
}

/**
 * Whether a driver has to ask before it goes on: its lease may have lapsed, since it was paused, or could
 * not write. Sooner than anybody else may take it, by as far as clocks may differ.
 *
 * @param until What its last renewal that succeeded said.
 */
export const isInDoubt = (until: number, now: number): boolean => now >= until;

/** What a driver finds of its lease in the record of its run: its own, another driver's, or no record at all. */
export type Standing = "held" | "taken" | "deleted";

export function standingOf({ holder, epoch }: Pick<Lease, "holder" | "epoch">, found: Lease | undefined): Standing {
  if (!found) return "deleted";
  return found.holder === holder && found.epoch === epoch ? "held" : "taken";
}
