import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY } from "../sdk/core/demand.ts";
import { FARGATE, LAMBDA } from "../sdk/core/limits.ts";
import type { Offer } from "../sdk/core/offer.ts";
import { type Placement, route } from "../sdk/core/route.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { World } from "./simulated/world.ts";

const TASKS = 10_000;
const TASK_MS = 1_000;
const COLD_MS = 400;
const seeds = [1, 2, 3];

export interface RampSetting {
  readonly concurrency: number;
  /** Identical functions. */
  readonly copies: number;
  /** What the account really allows. Default what the scheduler was told. */
  readonly reallyAllowed?: number;
}

export const RAMPS: readonly RampSetting[] = [
  { concurrency: 1_000, copies: 1 },
  { concurrency: 10_000, copies: 1 },
  { concurrency: 10_000, copies: 10 },
  { concurrency: 1_000, copies: 1, reallyAllowed: 600 },
];

/** How soon Lambda's quotas are made full use of, and how often they are run into. */
export const ramp10k: Benchmark = {
  name: "ramp-10k",
  workload: `${TASKS.toLocaleString("en")} tasks of 1 s on simulated Lambda from cold, virtual clock, all quotas enforced`,
  runs: seeds.length,
  async run(): Promise<Figure[]> {
    const seed = seeds[ramps++ % seeds.length];
    return RAMPS.flatMap((setting): Figure[] => {
      const { concurrency, copies, reallyAllowed } = setting;
      const { seconds, throttledShare } = ramp(setting, seed);
      const what = `concurrency ${concurrency.toLocaleString("en")}, ${copies} function${copies === 1 ? "" : "s"}${
        reallyAllowed === undefined ? "" : `, of which others leave ${reallyAllowed}`
      }`;
      return [
        {
          what,
          value: seconds,
          unit: "virtual s",
          against: { what: "the quota's own bound", value: boundSeconds(setting) },
          ...(reallyAllowed === undefined ? { goal: "at most 1.15" } : {}),
        },
        {
          what: `${what}: throttled calls`,
          value: throttledShare * 100,
          unit: "%",
          ...(reallyAllowed === undefined ? { goal: "under 1" } : {}),
        },
      ];
    });
  },
};
let ramps = 0;

/** Runs the tasks; gives when the last was settled, and the share of calls that were throttled. */
export function ramp({ concurrency, copies, reallyAllowed }: RampSetting, seed: number) {
  const offer: Offer = [
    {
      service: "lambda",
      memoriesMb: [LAMBDA.mbPerVcpu],
      timeoutMs: LAMBDA.maxTimeoutMs,
      ephemeralStorageMb: 512,
      concurrency,
      copies,
    },
  ];
  const world = new World({
    offer,
    seed,
    lambda: {
      concurrency: reallyAllowed ?? concurrency,
      newEnvironments: LAMBDA.newEnvironments,
      coldMs: COLD_MS,
    },
    ecs: { launches: FARGATE.launches, startMs: 30_000 },
  });
  const placement = route(DEFAULT_DEMAND, offer) as Placement;
  world.addTasks(
    { type: "second", placement, policy: DEFAULT_RETRY_POLICY },
    Array.from({ length: TASKS }, () => TASK_MS),
  );
  world.run();
  const { calls, throttled } = world.lambda;
  return { seconds: world.endedAt / 1_000, throttledShare: throttled / calls, calls, throttled };
}

/**
 * The soonest that the quotas allow, with no time lost anywhere: each environment begins as early as it may and
 * does one task after another.
 */
export function boundSeconds({ concurrency, copies, reallyAllowed }: RampSetting): number {
  const { burst, perSecond } = LAMBDA.newEnvironments;
  const most = reallyAllowed ?? concurrency;
  const doneBy = (ms: number) => {
    let done = 0;
    for (let environment = 0; environment < most; environment++) {
      const ofItsFunction = Math.floor(environment / copies) + 1;
      const beginsMs = Math.max(0, ((ofItsFunction - burst) / perSecond) * 1_000);
      done += Math.max(0, Math.floor((ms - beginsMs - COLD_MS) / TASK_MS));
    }
    return done;
  };
  let [low, high] = [0, 1e6];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (doneBy(middle) >= TASKS) high = middle;
    else low = middle;
  }
  return high / 1_000;
}
