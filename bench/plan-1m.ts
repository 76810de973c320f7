import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Command } from "../sdk/core/commands.ts";
import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY } from "../sdk/core/demand.ts";
import type { SchedulerEvent } from "../sdk/core/events.ts";
import type { Offer } from "../sdk/core/offer.ts";
import { capacityGroups, type Placement, route } from "../sdk/core/route.ts";
import { Scheduler } from "../sdk/core/scheduler.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { chain, type Dag, random, wide } from "./dags.ts";

const TASKS = 1_000_000;
const FEWER = 100_000;
const OFFER: Offer = [
  {
    service: "lambda",
    memoriesMb: [1_769, 3_538],
    timeoutMs: 900_000,
    ephemeralStorageMb: 512,
    concurrency: 1_000,
  },
];

/** What one DAG cost the scheduler. */
interface Passage {
  readonly tasksPerSecond: number;
  readonly bytesPerTask: number;
}

/** A million tasks that do nothing, through the scheduler alone: no processes, no table, no clock. */
export const planOneMillion: Benchmark = {
  name: "plan-1m",
  workload: `${TASKS.toLocaleString("en")} no-op tasks through the scheduler, in this process, 1,000 attempts at once`,
  runs: 3,
  async run(): Promise<Figure[]> {
    return [wide, chain, (tasks: number) => random(tasks, 1)].flatMap((dagOf) => {
      // Once before it counts: what the compiler learns of the first DAG is no matter of its size.
      pass(dagOf(FEWER));
      const few = pass(dagOf(FEWER));
      const many = pass(dagOf(TASKS));
      const { name } = dagOf(0);
      return [
        {
          what: name,
          value: many.tasksPerSecond,
          unit: "tasks/s",
          against: { what: `the same with ${FEWER.toLocaleString("en")} tasks`, value: few.tasksPerSecond },
          goal: "100,000 tasks/s, and as fast with ten times as many",
        },
        { what: `${name}, memory at its most`, value: many.bytesPerTask, unit: "bytes/task", goal: "at most 1,024" },
      ];
    });
  },
};

/** Adds the tasks, opens the run, and ends every attempt at once until the run has ended. */
export function pass(dag: Dag): Passage {
  const before = memoryInUse();
  const start = performance.now();
  const scheduler = new Scheduler({
    seed: 1,
    groups: capacityGroups(OFFER),
    concurrency: Number.POSITIVE_INFINITY,
    batch: { targetMs: 1_000, maxTasks: 100 },
  });
  const run = scheduler.addRun({ failFast: false });
  const placement = route(DEFAULT_DEMAND, OFFER) as Placement;
  const shape = scheduler.addShape({ type: "noop", placement, policy: DEFAULT_RETRY_POLICY });
  for (let task = 0; task < dag.tasks; task++) {
    scheduler.addTask(run, shape);
    dag.inputsOf(task, (input) => scheduler.addDependency(task, input));
  }
  let commands = scheduler.open(run, upTo(dag.tasks), 0);
  let settled = 0;
  let bytes = 0;
  let measuringMs = 0;
  // With everything waiting, and half-way, with what is in flight and in queues.
  const moments = [0, dag.tasks / 2];
  for (let now = 1; settled < dag.tasks; now++) {
    if (settled >= moments[0]) {
      moments.shift();
      const since = performance.now();
      bytes = Math.max(bytes, memoryInUse() - before);
      measuringMs += performance.now() - since;
    }
    if (commands.length === 0) throw new Error(`the scheduler stands still after ${settled} of ${dag.tasks} tasks`);
    const events: SchedulerEvent[] = [];
    for (const command of commands) {
      if (command.type === "settled") settled += 1;
      else if (command.type === "dispatch") endAll(command, events);
    }
    commands = scheduler.step(events, now);
  }
  const seconds = (performance.now() - start - measuringMs) / 1000;
  return { tasksPerSecond: dag.tasks / seconds, bytesPerTask: bytes / dag.tasks };
}

function endAll({ assignment, tasks }: Command & { type: "dispatch" }, events: SchedulerEvent[]): void {
  for (const task of tasks)
    events.push({ type: "attempt-ended", assignment, task, end: { kind: "ok", durationMs: 1 } });
}

function* upTo(count: number): Iterable<number> {
  for (let number = 0; number < count; number++) yield number;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes of everything that is still referred to. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
