import type { Condition } from "./control-table.ts";

/*
 * On which conditions drivers write, so that one that was stopped, and goes on when its run is another's,
 * changes nothing.
 */

/** What of a lease changes when it is renewed or taken. */
interface Standing {
  readonly epoch: number;
  /** When it lapses, in milliseconds since the epoch. */
  readonly until: number;
}

/** A lease as it stands, in one word: renewing it changes it as much as taking it. */
export const leaseWord = ({ epoch, until }: Standing): string => `${epoch}:${until}`;

/** The lease is as it was read: nobody has taken or renewed it since. */
export const whileLeaseIs = (lease: Standing) =>
  ({ when: "equals", attribute: "le", value: leaseWord(lease) }) as const satisfies Condition;

/** No later driver has written what is in flight. */
export const unlessReplaced = (epoch: number): Condition => ({
  when: "absent-or-below",
  attribute: "ep",
  value: epoch + 1,
});
