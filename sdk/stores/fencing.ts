import type { Lease } from "../core/lease.ts";
import type { Condition } from "./control-table.ts";

/*
 * On which conditions drivers write, so that one that was stopped, and goes on when its run is another's,
 * changes nothing.
 */

/** A lease as it stands, in one word: renewing it changes it as much as taking it. */
export const leaseWord = ({ epoch, until }: Pick<Lease, "epoch" | "until">): string => `${epoch}:${until}`;

/** The lease is as it was read: nobody has taken or renewed it since. */
export const whileLeaseIs = (lease: Pick<Lease, "epoch" | "until">) =>
  ({ when: "equals", attribute: "le", value: leaseWord(lease) }) as const satisfies Condition;

/** No later driver has written what is in flight. */
export const unlessReplaced = (epoch: number): Condition => ({
  when: "absent-or-below",
  attribute: "ep",
  value: epoch + 1,
});
