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
