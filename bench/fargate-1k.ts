import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY } from "../sdk/core/demand.ts";
import { FARGATE, LAMBDA } from "../sdk/core/limits.ts";
import type { Offer } from "../sdk/core/offer.ts";
import { type Placement, route } from "../sdk/core/route.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { World } from "./simulated/world.ts";

const ECS_TASKS = 1_000;

/** A thousand ECS tasks as fast as Fargate launches them, in as few calls as that takes. */
export const fargate1k: Benchmark = {
  name: "fargate-1k",
  workload: `${ECS_TASKS.toLocaleString("en")} tasks of 10 minutes, each with its own ECS task, on simulated Fargate Spot, virtual clock`,
  runs: 3,
  async run(): Promise<Figure[]> {
    const { burst, perSecond } = FARGATE.launches;
    const { launchedBySeconds, calls, throttled } = launchAll(++runs);
    return [
      {
        what: "until the last was launched",
        value: launchedBySeconds,
        unit: "virtual s",
        against: { what: "the quota's own bound", value: (ECS_TASKS - burst) / perSecond },
        goal: "at most 1.05",
      },
      { what: "RunTask calls", value: calls, unit: "calls", goal: "at most 100" },
      { what: "of them throttled", value: throttled, unit: "calls", goal: "none" },
    ];
  },
};
let runs = 0;

/** Runs a thousand tasks that are worth an ECS task each. */
export function launchAll(seed: number) {
  const offer: Offer = [{ service: "fargate", spot: true, maxEcsTasks: ECS_TASKS }];
  const world = new World({
    offer,
    seed,
    lambda: { concurrency: 1_000, newEnvironments: LAMBDA.newEnvironments, coldMs: 400 },
    ecs: { launches: FARGATE.launches, startMs: 40_000 },
  });
  const placement = route(DEFAULT_DEMAND, offer) as Placement;
  const durations = Array.from({ length: ECS_TASKS }, () => 600_000);
  world.addTasks({ type: "minutes", placement, policy: DEFAULT_RETRY_POLICY }, durations);
  world.run();
  const { calls, throttled, launched, lastLaunchAt } = world.ecs;
  return { launchedBySeconds: lastLaunchAt / 1_000, calls, throttled, launched };
}
