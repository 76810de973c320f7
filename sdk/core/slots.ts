import type { Assignment, Assignments } from "./assignments.ts";
import type { Capacity } from "./capacity.ts";
import type { Lane } from "./offer.ts";

/** An invocation that waits goes on counting with Lambda, until it is suspended. */
const leavesItsSlot = ({ service }: Lane): boolean => service !== "lambda";

/** What assignments hold of the capacity of their groups, while they are worked on and while their attempts wait. */
export class Slots {
  readonly #capacity: Capacity;
  readonly #assignments: Assignments;
  /** Groups that may have more executors than they should: attempts have waited there. How many still do. */
  readonly #crowded = new Map<string, number>();

  constructor(capacity: Capacity, assignments: Assignments) {
    this.#capacity = capacity;
    this.#assignments = assignments;
  }

  /** What an assignment holds of its group, whether it waits or not. */
  take(assignment: Assignment, now: number): void {
    const { lane, uses, parked } = assignment;
    assignment.begunAt ??= now;
    if (!parked || !leavesItsSlot(lane)) this.#capacity.take(lane.group, uses);
    if (parked && !leavesItsSlot(lane)) this.#capacity.changeWaiting(lane.group, 1);
    if (!parked || lane.pool === undefined) return;
    this.#capacity.changeExecutors(lane.group, -1);
    this.#crowded.set(lane.group, (this.#crowded.get(lane.group) ?? 0) + 1);
  }

  giveBack({ lane, uses, parked }: Assignment): void {
    if (!parked || !leavesItsSlot(lane)) this.#capacity.release(lane.group, uses);
    if (parked && !leavesItsSlot(lane)) this.#capacity.changeWaiting(lane.group, -1);
    if (!parked || lane.pool === undefined) return;
    this.#capacity.changeExecutors(lane.group, 1);
    this.#crowded.set(lane.group, (this.#crowded.get(lane.group) ?? 0) - 1);
  }

  /** The running attempt of an assignment begins to wait, or goes on: what it holds is another thing then. */
  park(assignment: Assignment, isParked: boolean, now: number): void {
    if (assignment.counted) this.giveBack(assignment);
    this.#assignments.park(assignment, isParked);
    if (assignment.counted) this.take(assignment, now);
  }

  /**
   * Executors that are too many leave when nobody waits any more: until then others may soon wait, too.
   *
   * @param stopIdle Stops an idle executor of a group; false where there is none.
   */
  thinOut(stopIdle: (group: string) => boolean): void {
    for (const [group, waiting] of this.#crowded) {
      if (waiting > 0) continue;
      while (this.#capacity.hasTooManyExecutors(group) && stopIdle(group));
      if (!this.#capacity.hasTooManyExecutors(group)) this.#crowded.delete(group);
    }
  }
}
