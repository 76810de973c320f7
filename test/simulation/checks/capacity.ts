import { capacityGroups } from "../../../sdk/core/route.ts";
import { Check } from "./check.ts";
import type { OpenAssignment } from "./ledger.ts";

/** Never more at once than may be, and nothing held or left running in the end. */
export class CapacityKept extends Check {
  readonly #groups = capacityGroups(this.scene.around.scenario.offer);

  /** What was used after the step before, by what it is. */
  readonly #used = new Map<string, number>();
  /** Assignments that waited then. */
  #waiting = new Set<number>();
  #goingOn: readonly OpenAssignment[] = [];

  /** Not more than may be; but what goes on after it has waited takes its place back at once. */
  #bound(what: string, used: number, most: number, uses: (assignment: OpenAssignment) => number): void {
    const before = this.#used.get(what) ?? 0;
    const back = this.#goingOn.reduce((sum, assignment) => sum + uses(assignment), 0);
    this.#used.set(what, used);
    const allowed = back > 0 || before > most ? Math.max(most, before + back) : most;
    this.require(what, used <= allowed, () => `${used} of ${most} at once`);
  }

  override afterStep(): void {
    const { ledger, around, driver } = this.scene;
    const worked = ledger.active();
    const active = worked.filter(({ waits }) => waits.size === 0);
    this.#goingOn = active.filter(({ id }) => this.#waiting.has(id));
    this.#waiting = new Set(worked.flatMap(({ id, waits }) => (waits.size > 0 ? id : [])));
    const { concurrency, offer } = around.scenario;
    this.#bound("concurrency", atOnce(active).length, concurrency, () => 1);
    for (const group of this.#groups) {
      const isIn = ({ lane }: OpenAssignment) => lane.group === group.name;
      // An invocation that waits is one all the same; but those that wait leave one at least to the others.
      const inGroup = (group.name === "lambda" ? worked : active).filter(isIn);
      const running = atOnce(active.filter(isIn)).length;
      const held = atOnce(inGroup).length;
      const most = running === held ? group.slots : Math.max(1, group.slots - held + running);
      this.#bound(`slots of ${group.name}`, running, most, (each) => Number(isIn(each)));
      const believed = driver.scheduler.capacityInUse(group.name);
      this.require("slots", believed === inGroup.length, () => `${group.name}: ${believed} held for ${inGroup.length}`);
    }
    for (const machine of offer) {
      if (machine.service !== "local") continue;
      const here = active.filter(({ lane }) => lane.service === "local");
      const memoryOf = ({ lane }: OpenAssignment) => lane.memoryMb ?? 0;
      const memoryMb = here.reduce((sum, each) => sum + memoryOf(each), 0);
      this.#bound("memory", memoryMb, machine.memoryMb, memoryOf);
      const cpus = here.reduce((sum, { lane }) => sum + lane.cpus, 0);
      this.#bound("cpus", cpus, Math.max(machine.cpus, machine.slots), ({ lane }) => lane.cpus);
    }
  }

  override atEnd(): void {
    const { ledger, driver } = this.scene;
    this.require("nothing left running", ledger.size === 0, () => `${ledger.size} assignments are still awaited`);
    const { inFlight } = driver.scheduler;
    this.require("nothing left running", inFlight === 0, () => `${inFlight} assignments are in flight`);
  }
}

/** What another driver has begun together is executed one after another, though each attempt is awaited for itself. */
function atOnce(assignments: readonly OpenAssignment[]): readonly OpenAssignment[] {
  const seen = new Set<string>();
  return assignments.filter(({ where }) => {
    if (where === undefined) return true;
    const isFirst = !seen.has(where);
    seen.add(where);
    return isFirst;
  });
}
