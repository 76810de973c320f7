import { capacityGroups } from "../../../sdk/core/route.ts";
import { Check } from "./check.ts";

/** Never more at once than may be, and nothing held or left running in the end. */
export class CapacityKept extends Check {
  readonly #groups = capacityGroups(this.scene.around.scenario.offer);

  override afterStep(): void {
    const { ledger, around, driver } = this.scene;
    const active = ledger.active();
    const { concurrency, offer } = around.scenario;
    this.require("concurrency", active.length <= concurrency, () => `${active.length} of ${concurrency} at once`);
    for (const group of this.#groups) {
      const inGroup = active.filter(({ lane }) => lane.group === group.name);
      this.require(
        "slots",
        inGroup.length <= group.slots,
        () => `${inGroup.length} of ${group.slots} in ${group.name}`,
      );
      const believed = driver.scheduler.capacityInUse(group.name);
      this.require("slots", believed === inGroup.length, () => `${group.name}: ${believed} held for ${inGroup.length}`);
    }
    for (const machine of offer) {
      if (machine.service !== "local") continue;
      const here = active.filter(({ lane }) => lane.service === "local");
      const memoryMb = here.reduce((sum, { lane }) => sum + (lane.memoryMb ?? 0), 0);
      this.require("memory", memoryMb <= machine.memoryMb, () => `${memoryMb} MB of ${machine.memoryMb}`);
      const cpus = here.reduce((sum, { lane }) => sum + lane.cpus, 0);
      const most = Math.max(machine.cpus, machine.slots);
      this.require("cpus", cpus <= most, () => `${cpus} CPUs of ${most}`);
    }
  }

  override atEnd(): void {
    const { ledger, driver } = this.scene;
    this.require("nothing left running", ledger.size === 0, () => `${ledger.size} assignments are still awaited`);
    const { inFlight } = driver.scheduler;
    this.require("nothing left running", inFlight === 0, () => `${inFlight} assignments are in flight`);
  }
}
