import { Agenda } from "./agenda.ts";
import type { Violation } from "./checks/check.ts";
import { type Onlooker, SimulatedDriver } from "./driver.ts";
import { simulateDrivers } from "./drivers.ts";
import type { Surroundings } from "./execution.ts";
import { Fate } from "./fate.ts";
import { History } from "./history.ts";
import { Invariants } from "./invariants.ts";
import type { RunningInvocations } from "./invocations.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { Storage } from "./storage.ts";

/** What one simulated scenario came to. */
export interface SimulationResult {
  readonly violations: readonly Violation[];
  /** Events and commands in order; empty unless asked for. */
  readonly history: readonly string[];
  readonly steps: number;
  readonly virtualMs: number;
  /** What went wrong, by kind. */
  readonly faults: ReadonlyMap<string, number>;
  /** Faults of chance that struck, by name. */
  readonly struck: readonly string[];
}

const MAX_STEPS = 50_000;
/** Between the end of a driver and the begin of the next. */
const PAUSE_MS = 2_000;

/** Runs one seed from the first task to the last, checking every invariant at every step. */
export const simulate = (seed: number): SimulationResult => simulateScenario(scenarioOf(seed), false);

export function simulateScenario(scenario: Scenario, withHistory: boolean): SimulationResult {
  if (scenario.drivers) return simulateDrivers({ ...scenario, drivers: scenario.drivers }, withHistory);
  const agenda = new Agenda();
  const fate = new Fate(scenario.seed, scenario.rates, scenario.spared);
  const around: Surroundings = {
    scenario,
    agenda,
    fate,
    storage: Storage.of(scenario),
    executing: new Set(),
    executions: new Map(),
  };
  const history = new History(agenda, withHistory);
  const violations: Violation[] = [];
  const running: RunningInvocations = new Set();
  let steps = 0;
  const goesOn = () => steps < MAX_STEPS && violations.length === 0;

  for (let index = 0; index < scenario.lives.length && goesOn(); index++) {
    let invariants: Invariants | undefined;
    const watch = (driver: SimulatedDriver): Onlooker => {
      invariants = new Invariants(around, driver, scenario.lives[index], violations);
      return history.beside(invariants, index);
    };
    const { crashAtMs } = scenario.lives[index];
    const driver = new SimulatedDriver(around, index, running, watch);
    let isDead = false;
    driver.begin();
    if (crashAtMs !== undefined) {
      agenda.in(crashAtMs, () => {
        if (driver.isOver || isDead) return;
        isDead = true;
        fate.count("driver crash");
        history.note(`the driver of life ${index} dies`);
        driver.end();
      });
    }
    while (goesOn() && !driver.isOver && !isDead && agenda.next()) steps += 1;
    if (!goesOn()) break;
    if (driver.isOver) invariants?.atEnd();
    else if (!isDead)
      violations.push({ invariant: "every run ends", seen: `nothing happens any more in life ${index}` });
    // What comes late finds the driver still there for a while.
    const closesAt = agenda.now + fate.below(20_000, `closes ${index}`);
    let isClosed = isDead;
    agenda.in(isDead ? PAUSE_MS : closesAt - agenda.now, () => {
      isClosed = true;
    });
    while (goesOn() && !isClosed && agenda.next()) steps += 1;
    if (!isDead) driver.end();
  }
  // Whatever still runs anywhere comes to its end.
  while (goesOn() && agenda.next()) steps += 1;
  if (steps >= MAX_STEPS) violations.push({ invariant: "every run ends", seen: `not over after ${MAX_STEPS} steps` });
  else if (violations.length === 0 && around.executing.size + running.size > 0) {
    violations.push({ invariant: "nothing left running", seen: "something is executed for ever" });
  }
  return {
    violations,
    history: history.lines,
    steps,
    virtualMs: agenda.now,
    faults: fate.counts,
    struck: fate.struck,
  };
}
