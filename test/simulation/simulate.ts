import type { Command } from "../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../sdk/core/events.ts";
import { capacityGroups, route } from "../../sdk/core/route.ts";
import { Scheduler } from "../../sdk/core/scheduler.ts";
import { Agenda } from "./agenda.ts";
import { Invariants } from "./invariants.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { World } from "./world.ts";

/** What one simulated run came to. */
export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Events and commands in order, for a failing seed. */
  readonly history: readonly string[];
  readonly steps: number;
  readonly virtualMs: number;
}

const MAX_STEPS = 100_000;

/** Runs one seed from the first task to the last, checking every invariant at every step. */
export function simulate(seed: number): SimulationResult {
  return simulateScenario(scenarioOf(seed));
}

function simulateScenario(scenario: Scenario): SimulationResult {
  const agenda = new Agenda();
  const history: string[] = [];
  const scheduler = new Scheduler({
    seed: scenario.seed,
    groups: capacityGroups(scenario.offer),
    concurrency: scenario.concurrency,
    batch: { targetMs: 50, maxTasks: 16 },
  });
  const world = new World(scenario, agenda, (event) => happen(event));
  const invariants = new Invariants(scenario, scheduler, world);
  let waking: number | undefined;

  const carryOut = (commands: readonly Command[]) => {
    for (const command of commands) {
      history.push(`${agenda.now} <- ${JSON.stringify(command, hideLane)}`);
      invariants.command(command);
      world.perform(command);
    }
    invariants.afterStep();
    const next = scheduler.wakeAt;
    if (next !== undefined && (waking === undefined || next < waking || waking < agenda.now)) {
      waking = next;
      agenda.in(Math.max(0, next - agenda.now), () => {
        waking = undefined;
        happen({ type: "tick" });
      });
    }
  };
  const happen = (event: SchedulerEvent) => {
    if (event.type !== "tick") history.push(`${agenda.now} -> ${JSON.stringify(event, hideLane)}`);
    invariants.event(event);
    carryOut(scheduler.step([event], agenda.now));
  };

  const run = scheduler.addRun({ failFast: scenario.failFast });
  const tasks = addTasks(scenario, scheduler, run, world);
  carryOut(scheduler.open(run, tasks, agenda.now));
  const { cancel } = scenario;
  if (cancel) agenda.in(cancel.atMs, () => happen({ type: "cancel", run, drain: cancel.drain }));

  let steps = 0;
  while (steps < MAX_STEPS && invariants.violations.length === 0 && agenda.next()) steps += 1;
  if (steps === MAX_STEPS) invariants.violations.push(`not over after ${MAX_STEPS} steps`);
  else if (invariants.violations.length === 0) invariants.atEnd();
  return { seed: scenario.seed, violations: invariants.violations, history, steps, virtualMs: agenda.now };
}

function addTasks(scenario: Scenario, scheduler: Scheduler, run: number, world: World): number[] {
  return scenario.tasks.map((task, index) => {
    const placement = route(task.demand, scenario.offer);
    if ("infeasible" in placement) throw new Error(placement.infeasible);
    const shape = scheduler.addShape({ type: task.type, placement, policy: task.policy });
    const cached = task.cached && task.dependencies.every((dependency) => scenario.tasks[dependency].cached);
    if (cached) world.committed.add(index);
    const id = scheduler.addTask(run, shape, cached ? "done" : "wanted");
    for (const dependency of task.dependencies) scheduler.addDependency(id, dependency);
    return id;
  });
}

const hideLane = (key: string, value: unknown) => (key === "lane" ? (value as { name: string }).name : value);
