import type { CapacityGroup } from "./offer.ts";

/** What a group's lanes use right now, and how much of it throttling leaves them. */
interface Usage {
  readonly group: CapacityGroup;
  slots: number;
  /** Executors started or asked for. */
  executors: number;
  readonly used: Map<string, number>;
  /** Slots that may be used at present: halved when throttled, grown by successes. */
  limit: number;
  /** Slots that were in use when the latest refusal came: about what there really is. */
  refusedAt: number;
  successesSinceGrowth: number;
}

/** Growth back to this share of what was in use at the refusal is fast: one more for each success. */
const KNOWN_GOOD = 0.9;
/** Growth beyond it feels its way: this share more for each window of successes, one at least. */
const PROBE_SHARE = 0.02;

/**
 * Capacity of all groups, with additive increase and multiplicative decrease under throttling, much as TCP
 * does it (RFC 5681): halve on a refusal, grow fast to shortly below where that was, and slowly beyond.
 */
export class Capacity {
  readonly #usages = new Map<string, Usage>();

  constructor(groups: readonly CapacityGroup[]) {
    for (const group of groups) {
      this.#usages.set(group.name, {
        group,
        slots: 0,
        executors: 0,
        used: new Map(),
        limit: group.slots,
        refusedAt: 0,
        successesSinceGrowth: 0,
      });
    }
  }

  #of(name: string): Usage {
    const usage = this.#usages.get(name);
    if (!usage) throw new Error(`unknown capacity group ${name}`);
    return usage;
  }

  /** Whether one more use of these amounts fits. */
  fits(group: string, uses: Readonly<Record<string, number>>): boolean {
    const usage = this.#of(group);
    if (usage.slots >= usage.limit) return false;
    for (const name in uses) {
      const total = usage.group.resources[name];
      // Rounding must not lock out a task that takes all there is.
      if (total !== undefined && (usage.used.get(name) ?? 0) + uses[name] > total + 1e-9) return false;
    }
    return true;
  }

  take(group: string, uses: Readonly<Record<string, number>>): void {
    this.#change(group, uses, 1);
  }

  release(group: string, uses: Readonly<Record<string, number>>): void {
    this.#change(group, uses, -1);
  }

  #change(group: string, uses: Readonly<Record<string, number>>, sign: 1 | -1): void {
    const usage = this.#of(group);
    usage.slots += sign;
    for (const name in uses) usage.used.set(name, (usage.used.get(name) ?? 0) + sign * uses[name]);
  }

  /** Slots in use. */
  inUse(group: string): number {
    return this.#of(group).slots;
  }

  freeSlots(group: string): number {
    const usage = this.#of(group);
    return Math.max(0, usage.limit - usage.slots);
  }

  /** Executors that may still be started. */
  freeExecutors(group: string): number {
    const usage = this.#of(group);
    return Math.max(0, Math.min(usage.group.executors, usage.limit) - usage.executors);
  }

  changeExecutors(group: string, by: number): void {
    this.#of(group).executors += by;
  }

  /** A new bound from outside, such as the account's quota. */
  setLimit(group: string, slots: number): void {
    this.#of(group).limit = slots;
  }

  throttled(group: string): void {
    const usage = this.#of(group);
    const busy = Math.max(usage.slots, usage.executors);
    usage.refusedAt = busy;
    usage.limit = Math.max(1, Math.min(usage.limit, Math.ceil(busy / 2)));
    usage.successesSinceGrowth = 0;
  }

  succeeded(group: string): void {
    const usage = this.#of(group);
    if (usage.limit >= usage.group.slots) return;
    usage.successesSinceGrowth += 1;
    const isKnownGood = usage.limit < usage.refusedAt * KNOWN_GOOD;
    const step = isKnownGood ? usage.successesSinceGrowth : Math.max(1, Math.floor(usage.limit * PROBE_SHARE));
    if (!isKnownGood && usage.successesSinceGrowth < usage.limit) return;
    usage.limit = Math.min(usage.group.slots, usage.limit + step);
    usage.successesSinceGrowth = 0;
  }
}
