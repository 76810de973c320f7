import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import type { Lane } from "../../../sdk/core/offer.ts";
import type { SimulatedDriver } from "../driver.ts";
import type { Surroundings } from "../execution.ts";
import type { ScenarioLife, ScenarioRun, ScenarioTask } from "../scenario.ts";
import type { Ledger } from "./ledger.ts";

/** An invariant that does not hold, and what was seen. */
export interface Violation {
  readonly invariant: string;
  readonly seen: string;
}

/** What the checks of one driver's life look at. */
export interface Scene {
  readonly around: Surroundings;
  readonly driver: SimulatedDriver;
  readonly life: ScenarioLife;
  readonly ledger: Ledger;
  readonly violations: Violation[];
}

/** Looks at all that passes between a driver and its scheduler, and notes what must not be. */
export abstract class Check {
  protected readonly scene: Scene;

  constructor(scene: Scene) {
    this.scene = scene;
  }

  opened(_run: number, _wanted: ScenarioRun, _tasks: readonly number[]): void {}
  nested(_run: number, _parent: number, _targets: readonly number[], _tasks: readonly number[]): void {}
  adopted(_assignment: number, _task: number, _lane: Lane): void {}
  /** Before the scheduler takes it in. */
  event(_event: SchedulerEvent): void {}
  command(_command: Command): void {}
  delivered(_run: number, _position: number, _value: string | undefined): void {}
  /** An attempt is told that tasks which it has run have no results. */
  told(_missing: readonly number[]): void {}
  afterStep(): void {}
  /** All runs of the life are over. */
  atEnd(): void {}

  protected require(invariant: string, holds: boolean, seen: () => string): void {
    if (!holds) this.scene.violations.push({ invariant, seen: seen() });
  }

  /** The scenario's task behind an index of the scheduler. */
  protected specOf(task: number): ScenarioTask {
    return this.scene.around.scenario.tasks[this.positionOf(task)];
  }

  protected positionOf(task: number): number {
    return Number(this.scene.driver.entries[task].planned.key);
  }
}
