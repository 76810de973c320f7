import { FAULTS } from "./fate.ts";
import type { Scenario, ScenarioLife, ScenarioRun, ScenarioTask } from "./scenario.ts";
import { type SimulationResult, simulateScenario } from "./simulate.ts";

/** The simplest scenario found that violates the same invariant, and how it goes. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly result: SimulationResult;
}

const MOST_TRIES = 3_000;

/**
 * Takes away from a scenario whatever its violation does not need: drivers, runs, tasks, kinds of
 * faults, single faults, and what is special about tasks. Greedy, and over again as long as anything goes.
 */
export function shrink(scenario: Scenario): Shrunk {
  let best: Shrunk = { scenario, result: simulateScenario(scenario, false) };
  const invariant = best.result.violations[0]?.invariant;
  let tries = 0;
  const isSimpler = (candidate: Scenario): boolean => {
    if (tries++ > MOST_TRIES) return false;
    const result = simulateScenario(candidate, false);
    if (result.violations[0]?.invariant !== invariant) return false;
    best = { scenario: candidate, result };
    return true;
  };
  for (let before: Scenario | undefined; before !== best.scenario && tries < MOST_TRIES; ) {
    before = best.scenario;
    takeAway(
      () => best.scenario.lives,
      (lives) => lives.length > 0 && isSimpler({ ...best.scenario, lives }),
    );
    const [last] = best.scenario.drivers?.slice(-1) ?? [];
    takeAway(
      () => best.scenario.drivers?.slice(0, -1) ?? [],
      (drivers) => last !== undefined && isSimpler({ ...best.scenario, drivers: [...drivers, last] }),
    );
    takeAway(
      () => best.scenario.tasks.map((_, position) => position),
      (kept) => {
        const candidate = keepTasks(best.scenario, kept);
        return candidate !== undefined && isSimpler(candidate);
      },
    );
    for (const fault of FAULTS) {
      const { rates } = best.scenario;
      if (rates[fault] > 0) isSimpler({ ...best.scenario, rates: { ...rates, [fault]: 0 } });
    }
    takeAway(
      () => best.result.struck,
      (struck) => {
        const dropped = best.result.struck.filter((name) => !struck.includes(name));
        return isSimpler({ ...best.scenario, spared: [...best.scenario.spared, ...dropped] });
      },
    );
    for (const simpler of simplerLives(best.scenario)) isSimpler(simpler(best.scenario));
    for (const simpler of simplerTasks(best.scenario)) isSimpler(simpler(best.scenario));
    if (best.scenario.concurrency < 1_000) isSimpler({ ...best.scenario, concurrency: 1_000 });
    if (best.scenario.quota < 1_000) isSimpler({ ...best.scenario, quota: 1_000 });
  }
  return { scenario: best.scenario, result: simulateScenario(best.scenario, true) };
}

/** Tries to do without larger parts of a list, then without smaller ones, down to single elements. */
function takeAway<T>(list: () => readonly T[], works: (kept: readonly T[]) => boolean): void {
  for (let size = Math.ceil(list().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < list().length; ) {
      const kept = [...list().slice(0, start), ...list().slice(start + size)];
      if (!works(kept)) start += size;
    }
  }
}

/** The scenario with these tasks alone; undefined where a run would want none of them. */
function keepTasks(scenario: Scenario, kept: readonly number[]): Scenario | undefined {
  const now = new Map(kept.map((position, index) => [position, index]));
  const moved = (positions: readonly number[]) => positions.flatMap((position) => now.get(position) ?? []);
  const tasks = kept.map((position) => {
    const task = scenario.tasks[position];
    return {
      ...task,
      dependencies: moved(task.dependencies),
      children: moved(task.children),
      handles: moved(task.handles),
    };
  });
  const moveRun = (run: ScenarioRun): ScenarioRun => {
    const only = run.cancel?.only === undefined ? undefined : now.get(run.cancel.only);
    const cancel = run.cancel?.only !== undefined && only === undefined ? undefined : run.cancel;
    return {
      ...run,
      targets: moved(run.targets),
      cancel: cancel && only !== undefined ? { ...cancel, only } : cancel,
    };
  };
  const lives = scenario.lives.map((life) => ({
    ...life,
    runs: life.runs.map(moveRun).filter(({ targets }) => targets.length > 0),
  }));
  return lives.some(({ runs }) => runs.length === 0) ? undefined : { ...scenario, tasks, lives };
}

type Step = (scenario: Scenario) => Scenario;

function* simplerLives({ lives }: Scenario): Iterable<Step> {
  const changed = (at: number, change: (life: ScenarioLife) => ScenarioLife): Step => {
    return (scenario) => ({
      ...scenario,
      lives: scenario.lives.map((life, index) => (index === at ? change(life) : life)),
    });
  };
  for (let at = 0; at < lives.length; at++) {
    if (lives[at].crashAtMs !== undefined) yield changed(at, (life) => ({ ...life, crashAtMs: undefined }));
    if (lives[at].bustCache) yield changed(at, (life) => ({ ...life, bustCache: false }));
    for (let which = lives[at].runs.length - 1; which >= 0; which--) {
      const changedRun = (change: (run: ScenarioRun) => ScenarioRun[]) =>
        changed(at, (life) => {
          const runs = life.runs.flatMap((run, index) => (index === which ? change(run) : [run]));
          return runs.length > 0 ? { ...life, runs } : life;
        });
      yield changedRun(() => []);
      yield changedRun((run) => [{ ...run, cancel: undefined }]);
      yield changedRun((run) => [{ ...run, failFast: false }]);
      for (const target of lives[at].runs[which].targets) {
        yield changedRun((run) => {
          const targets = run.targets.filter((other) => other !== target);
          return [targets.length > 0 ? { ...run, targets } : run];
        });
      }
    }
  }
}

function* simplerTasks({ tasks }: Scenario): Iterable<Step> {
  for (let at = 0; at < tasks.length; at++) {
    const changed = (change: (task: ScenarioTask) => ScenarioTask): Step => {
      return (scenario) => ({
        ...scenario,
        tasks: scenario.tasks.map((task, index) => (index === at ? change(task) : task)),
      });
    };
    const task = tasks[at];
    if (task.nature !== "works") yield changed((each) => ({ ...each, nature: "works" }));
    if (task.needsMb > 64) yield changed((each) => ({ ...each, needsMb: 64 }));
    if (task.cached) yield changed((each) => ({ ...each, cached: false }));
    if (task.fickle) yield changed((each) => ({ ...each, fickle: false }));
    if (task.durationMs !== 10) yield changed((each) => ({ ...each, durationMs: 10 }));
    for (const child of task.children) {
      yield changed((each) => ({ ...each, children: each.children.filter((other) => other !== child) }));
    }
    for (const handle of task.handles) {
      yield changed((each) => ({ ...each, handles: each.handles.filter((other) => other !== handle) }));
    }
    for (const dependency of task.dependencies) {
      yield changed((each) => ({ ...each, dependencies: each.dependencies.filter((other) => other !== dependency) }));
    }
  }
}
