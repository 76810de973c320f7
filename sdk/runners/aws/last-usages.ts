import type { LiveUsage } from "../../wire/live-usage.ts";

/** Assignments of which it is kept what they use: as many as may run at once, and more. */
const MOST = 20_000;

/** What assignments were last heard to use; those that were heard of longest ago are forgotten first. */
export class LastUsages {
  readonly #byAssignment = new Map<string, LiveUsage>();

  set(assignment: string, usage: LiveUsage): void {
    const usages = this.#byAssignment;
    usages.delete(assignment);
    usages.set(assignment, usage);
    const [oldest] = usages.size > MOST ? usages.keys() : [];
    if (oldest !== undefined) usages.delete(oldest);
  }

  get(assignment: string): LiveUsage | undefined {
    return this.#byAssignment.get(assignment);
  }
}
