import type { Command } from "../sdk/core/commands.ts";
import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY } from "../sdk/core/demand.ts";
import type { SchedulerEvent } from "../sdk/core/events.ts";
import { LAMBDA, STORES } from "../sdk/core/limits.ts";
import type { Offer } from "../sdk/core/offer.ts";
import { seededRandom } from "../sdk/core/random.ts";
import { capacityGroups, type Placement, route } from "../sdk/core/route.ts";
import { Scheduler } from "../sdk/core/scheduler.ts";
import { Agenda } from "../test/simulation/agenda.ts";
import type { Benchmark } from "./benchmark.ts";
import { REQUEST_MS, StoreService } from "./simulated/store-service.ts";

const TASKS = 10_000;
const TASK_MS = 100;
const CONCURRENCY = 1_000;
/** One way from the driver to an executor, or back, in milliseconds. */
const WAY_MS = 20;
const seeds = [1, 2, 3];
let runs = 0;

/** How well the rates of S3 and DynamoDB are made use of, and how often they are run into. */
export const rampStores: Benchmark = {
  name: "ramp-stores",
  workload: `${TASKS.toLocaleString("en")} tasks of 0.1 s, each with an object and a record, at concurrency 1,000, virtual clock`,
  runs: seeds.length,
  async run() {
    const seed = seeds[runs++ % seeds.length];
    return [true, false].flatMap((isPaced) => {
      const { seconds, refusedShare } = storeRamp(seed, isPaced);
      const what = isPaced ? "paced" : "not paced, as a comparison";
      const bound = { what: "the rates' own bound", value: STORES_BOUND_SECONDS };
      return [
        { what, value: seconds, unit: "virtual s", against: bound, ...(isPaced ? { goal: "at most 1.15" } : {}) },
        { what: `${what}: refused`, value: refusedShare * 100, unit: "%", ...(isPaced ? { goal: "under 1" } : {}) },
      ];
    });
  },
};

/** A second's worth of objects when the first tasks are done, the others at S3's rate, and no time lost anywhere. */
export const STORES_BOUND_SECONDS =
  (TASKS - STORES.prefix.puts) / STORES.prefix.puts + (TASK_MS + 2 * REQUEST_MS + 2 * WAY_MS) / 1_000;

/**
 * Runs the tasks; gives when the last was settled, and the share of requests that were refused.
 *
 * @param puts What S3 really takes a second.
 */
export function storeRamp(seed: number, isPaced = true, puts: number = STORES.prefix.puts) {
  const offer: Offer = [
    {
      service: "lambda",
      memoriesMb: [LAMBDA.mbPerVcpu],
      timeoutMs: LAMBDA.maxTimeoutMs,
      ephemeralStorageMb: 512,
      concurrency: CONCURRENCY,
    },
  ];
  const scheduler = new Scheduler({
    seed,
    groups: capacityGroups(offer),
    concurrency: CONCURRENCY,
    batch: { targetMs: 1_000, maxTasks: 100 },
    storeRates: isPaced ? { ...STORES.table, ...STORES.prefix } : undefined,
  });
  const random = seededRandom(seed);
  const agenda = new Agenda();
  const objects = new StoreService(agenda, puts, random);
  const records = new StoreService(agenda, STORES.table.writes, random);
  let settled = 0;
  let wakingAt = Number.POSITIVE_INFINITY;

  const happen = (...events: SchedulerEvent[]) => carryOut(scheduler.step(events, agenda.now));
  const carryOut = (commands: readonly Command[]) => {
    for (const command of commands) {
      if (command.type === "settled") settled += 1;
      else if (command.type === "dispatch") agenda.in(WAY_MS, () => work(command.assignment, command.tasks));
    }
    const at = scheduler.wakeAt;
    if (at === undefined || at >= wakingAt) return;
    wakingAt = at;
    agenda.in(Math.max(0, at - agenda.now), () => {
      if (wakingAt !== at) return;
      wakingAt = Number.POSITIVE_INFINITY;
      happen({ type: "tick" });
    });
  };
  /** An invocation does its tasks one after another, and answers at its end. */
  const work = (assignment: number, tasks: readonly number[], told: readonly SchedulerEvent[] = []) => {
    const [task] = tasks;
    if (task === undefined) {
      agenda.in(WAY_MS, () => happen(...told));
      return;
    }
    agenda.in(Math.round(TASK_MS * (0.9 + 0.2 * random())), () =>
      objects.ask((puts) =>
        records.ask((writes) => {
          const refused = puts + writes > 0 ? { refused: { reads: 0, writes, puts, gets: 0 } } : {};
          const requests = { reads: 0, writes: 1, puts: 1, gets: 0, ...refused };
          work(assignment, tasks.slice(1), [
            ...told,
            { type: "asked-stores", requests, by: { assignment, task } },
            { type: "attempt-ended", assignment, task, end: { kind: "ok", durationMs: TASK_MS } },
          ]);
        }),
      ),
    );
  };

  const run = scheduler.addRun({ failFast: false });
  const placement = route(DEFAULT_DEMAND, offer) as Placement;
  const shape = scheduler.addShape({ type: "short", placement, policy: DEFAULT_RETRY_POLICY });
  const tasks = Array.from({ length: TASKS }, () => scheduler.addTask(run, shape));
  carryOut(scheduler.open(run, tasks, 0));
  while (settled < TASKS && agenda.next());
  const requests = objects.requests + records.requests;
  const refused = objects.refused + records.refused;
  return { seconds: agenda.now / 1_000, requests, refused, refusedShare: refused / requests };
}
