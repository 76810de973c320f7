import { expect, test } from "vitest";
import { chain, type Dag } from "../../bench/dags.ts";
import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY } from "../../sdk/core/demand.ts";
import type { Offer } from "../../sdk/core/offer.ts";
import { capacityGroups, type Placement, route } from "../../sdk/core/route.ts";
import { Scheduler } from "../../sdk/core/scheduler.ts";

const OFFER: Offer = [
  { service: "lambda", memoriesMb: [1_769], timeoutMs: 900_000, ephemeralStorageMb: 512, concurrency: 1_000 },
];

/** Wukong's tree reduction: as many additions less one, in levels. */
function tree(leaves: number): Dag {
  const inputs: number[][] = Array.from({ length: leaves / 2 }, () => []);
  for (let level = [...inputs.keys()]; level.length > 1; ) {
    level = Array.from({ length: level.length / 2 }, (_, at) => inputs.push([level[2 * at], level[2 * at + 1]]) - 1);
  }
  return { name: "tree", tasks: leaves - 1, inputsOf: (task, visit) => inputs[task].forEach(visit) };
}

/** Invocations that a DAG of tasks of 2 ms takes, bounds and batches being those of the runner on AWS. */
function invocationsOf(dag: Dag): number {
  const batch = { targetMs: 1_000, maxTasks: 100 };
  const scheduler = new Scheduler({ seed: 1, groups: capacityGroups(OFFER), concurrency: 1_000, batch });
  scheduler.learnDuration("add", 2);
  const run = scheduler.addRun({ failFast: false });
  const placement = route(DEFAULT_DEMAND, OFFER) as Placement;
  const shape = scheduler.addShape({ type: "add", placement, policy: DEFAULT_RETRY_POLICY });
  const tasks = Array.from({ length: dag.tasks }, () => scheduler.addTask(run, shape));
  for (const task of tasks) dag.inputsOf(task, (input) => scheduler.addDependency(task, input));
  let invocations = 0;
  let settled = 0;
  for (let commands = scheduler.open(run, tasks, 0), now = 1; settled < dag.tasks; now++) {
    const dispatched = commands.flatMap((command) => (command.type === "dispatch" ? command : []));
    settled += commands.filter(({ type }) => type === "settled").length;
    invocations += dispatched.length;
    const end = { kind: "ok", durationMs: 2 } as const;
    const events = dispatched.flatMap(({ assignment, tasks: all }) =>
      all.map((task) => ({ type: "attempt-ended", assignment, task, end }) as const),
    );
    commands = scheduler.step(events, now);
  }
  return invocations;
}

test("a chain of 1,000 tasks takes a round trip for at least fifty edges", () => {
  expect(invocationsOf(chain(1_000)) / 999).toBeLessThanOrEqual(0.02);
});

test("1,023 additions of a tree take at most 512 invocations, with a thousand to be had", () => {
  expect(invocationsOf(tree(1_024))).toBeLessThanOrEqual(512);
});
