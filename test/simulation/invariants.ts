import type { Command } from "../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../sdk/core/events.ts";
import type { Lane } from "../../sdk/core/offer.ts";
import { Budgets } from "./checks/budgets.ts";
import { Cancellation } from "./checks/cancellation.ts";
import { CapacityKept } from "./checks/capacity.ts";
import type { Check, Scene, Violation } from "./checks/check.ts";
import { CostKept } from "./checks/cost.ts";
import { Ledger } from "./checks/ledger.ts";
import { PaceKept } from "./checks/pace.ts";
import { Results } from "./checks/results.ts";
import { Seconds } from "./checks/seconds.ts";
import { Sizes } from "./checks/sizes.ts";
import type { Onlooker, SimulatedDriver } from "./driver.ts";
import type { Surroundings } from "./execution.ts";
import type { Order } from "./messages.ts";
import type { ScenarioLife, ScenarioRun } from "./scenario.ts";

/** What must hold at every step of a driver's life, whatever goes wrong in it. */
export class Invariants implements Onlooker {
  readonly #checks: readonly Check[];
  readonly #ledger = new Ledger();
  readonly begun: (attempts: Order["attempts"]) => void;

  /** @param begun Attempts are on their way: asked where a run has several drivers. */
  constructor(
    around: Surroundings,
    driver: SimulatedDriver,
    life: ScenarioLife,
    violations: Violation[],
    begun: (attempts: Order["attempts"]) => void = () => {},
  ) {
    this.begun = begun;
    const scene: Scene = { around, driver, life, ledger: this.#ledger, violations };
    this.#checks = [
      new Results(scene),
      new Budgets(scene),
      new CapacityKept(scene),
      new PaceKept(scene),
      new Sizes(scene),
      new Cancellation(scene),
      new CostKept(scene),
      new Seconds(scene),
    ];
  }

  opened(run: number, wanted: ScenarioRun, tasks: readonly number[]): void {
    for (const check of this.#checks) check.opened(run, wanted, tasks);
  }

  nested(run: number, parent: number, targets: readonly number[], tasks: readonly number[]): void {
    for (const check of this.#checks) check.nested(run, parent, targets, tasks);
    this.#ledger.nested(run);
  }

  adopted(assignment: number, task: number, lane: Lane, where: string): void {
    this.#ledger.adopted(assignment, task, lane, where);
    for (const check of this.#checks) check.adopted(assignment, task, lane);
  }

  event(event: SchedulerEvent): void {
    for (const check of this.#checks) check.event(event);
    this.#ledger.event(event);
  }

  command(command: Command): void {
    for (const check of this.#checks) check.command(command);
    this.#ledger.command(command);
  }

  delivered(run: number, position: number, value: string | undefined): void {
    for (const check of this.#checks) check.delivered(run, position, value);
  }

  told(missing: readonly number[]): void {
    for (const check of this.#checks) check.told(missing);
  }

  afterStep(): void {
    for (const check of this.#checks) check.afterStep();
  }

  atEnd(): void {
    for (const check of this.#checks) check.atEnd();
  }
}
