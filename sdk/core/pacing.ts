import { Environments } from "./environments.ts";
import type { CapacityGroup, Lane } from "./offer.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * How fast things may begin, beside how many there may be at once: new Lambda environments by function, ECS
 * tasks by kind of purchase. What is held back goes as soon as the quota allows.
 */
export class Pacing {
  readonly #groups = new Map<string, CapacityGroup>();
  /** By lane: each size has its own functions. */
  readonly #environments = new Map<string, Environments>();
  readonly #launches = new Map<string, TokenBucket>();
  #heldUntil = Number.POSITIVE_INFINITY;

  constructor(groups: readonly CapacityGroup[]) {
    for (const group of groups) {
      this.#groups.set(group.name, group);
      if (group.launches) this.#launches.set(group.name, new TokenBucket(group.launches));
    }
  }

  /** When what was held back since the last call may go; undefined when nothing was. */
  takeHeldUntil(): number | undefined {
    const at = this.#heldUntil;
    this.#heldUntil = Number.POSITIVE_INFINITY;
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  // --- Invocations --------------------------------------------------------------------------------

  /** Which of the lane's identical functions takes an invocation now; undefined when none may. */
  admit(lane: Lane, now: number): number | undefined {
    const environments = this.#environmentsOf(lane);
    if (!environments) return 0;
    const copy = environments.admit(now);
    if (copy === undefined) this.hold(environments.nextAt(now));
    return copy;
  }

  begin(lane: Lane, copy: number, now: number): void {
    this.#environmentsOf(lane)?.begin(copy, now);
  }

  end(lane: Lane, copy: number, now: number): void {
    this.#environmentsOf(lane)?.end(copy, now);
  }

  invocationRefused(lane: Lane, copy: number): void {
    this.#environmentsOf(lane)?.refused(copy);
  }

  // --- ECS tasks ----------------------------------------------------------------------------------

  /**
   * How many of the ECS tasks wanted are launched now: full calls as long as more are wanted than one call
   * starts, so that there are few calls.
   */
  launch(groupName: string, wanted: number, now: number): number {
    const bucket = this.#launches.get(groupName);
    const quota = this.#groups.get(groupName)?.launches;
    if (!bucket || !quota) return wanted;
    // A quota smaller than a call is used up call by call.
    const perCall = Math.min(quota.perCall, quota.burst);
    const available = bucket.available(now);
    const count = available >= wanted ? wanted : available - (available % perCall);
    if (count > 0) bucket.take(count, now);
    if (count < wanted) this.hold(bucket.readyAt(Math.min(perCall, wanted - count), now));
    return count;
  }

  launchRefused(groupName: string, now: number): void {
    this.#launches.get(groupName)?.refused(now);
  }

  /** Something is held back until then. */
  hold(until: number): void {
    this.#heldUntil = Math.min(this.#heldUntil, until);
  }

  #environmentsOf(lane: Lane): Environments | undefined {
    const known = this.#environments.get(lane.name);
    if (known) return known;
    const quota = this.#groups.get(lane.group)?.environments;
    if (!quota) return undefined;
    const environments = new Environments(quota.copies, quota);
    this.#environments.set(lane.name, environments);
    return environments;
  }
}
