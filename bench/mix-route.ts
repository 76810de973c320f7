import { DEFAULT_RETRY_POLICY, type Demand } from "../sdk/core/demand.ts";
import { FARGATE, LAMBDA } from "../sdk/core/limits.ts";
import type { Offer } from "../sdk/core/offer.ts";
import { seededRandom } from "../sdk/core/random.ts";
import { type Placement, route } from "../sdk/core/route.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { World } from "./simulated/world.ts";

const TASKS = 10_000;
const TASKS_PER_TYPE = 50;
/** Durations between types are log-normal around this median, with this deviation of the logarithm. */
const MEDIAN_MS = 20_000;
const BETWEEN_TYPES = 2;
const WITHIN_TYPE = 0.25;
const [LEAST_MS, MOST_MS] = [100, 7_200_000];
const [LEAST_MB, MOST_MB] = [128, 61_440];

const OFFER: Offer = [
  {
    service: "lambda",
    memoriesMb: [512, 1_024, 1_769, 3_538, 7_076, 10_240],
    timeoutMs: LAMBDA.maxTimeoutMs,
    ephemeralStorageMb: 512,
    concurrency: 1_000,
  },
  { service: "fargate", spot: true, maxEcsTasks: 1_000 },
  { service: "fargate", spot: false, maxEcsTasks: 1_000 },
  {
    service: "ec2",
    instances: [{ type: "g4dn.xlarge", gpuType: "t4", gpus: 1, vcpus: 4, memoryMb: 15_000 }],
    maxInstances: 20,
    onDemand: true,
    spot: false,
  },
];

/** Tasks of one type: they ask for the same, and take about the same time. */
interface Kind {
  readonly type: string;
  readonly demand: Demand;
  /** Mean of an earlier run. */
  readonly recordedMs: number;
  readonly durationsMs: readonly number[];
}

/** Where a task goes, given what it really takes. */
type Routing = (kind: Kind, durationMs: number) => Placement;

/** What routing by recorded durations costs, beside one who knows each duration and one who never asks. */
export const mixRoute: Benchmark = {
  name: "mix-route",
  workload: `${TASKS.toLocaleString("en")} tasks of 0.1 s to 2 h and 128 MB to 60 GB, 1 % with a GPU, on simulated AWS, virtual clock`,
  runs: 3,
  async run(): Promise<Figure[]> {
    const seed = ++runs;
    const routed = dollarsOf(seed, byRecord);
    const against = (what: string, value: number) => ({ what, value });
    return [
      {
        what: "routed by recorded durations",
        value: routed,
        unit: "dollars",
        against: against("an oracle that knows each duration", dollarsOf(seed, byOracle)),
        goal: "at most 1.05",
      },
      {
        what: "routed by recorded durations",
        value: routed,
        unit: "dollars",
        against: against('the rule "Lambda if it fits, else Fargate"', dollarsOf(seed, byRule)),
        goal: "at most 0.7",
      },
    ];
  },
};
let runs = 0;

export const byRecord: Routing = ({ demand, recordedMs }) => feasible(route(demand, OFFER, { durationMs: recordedMs }));
export const byOracle: Routing = ({ demand }, durationMs) => feasible(route(demand, OFFER, { durationMs }));
/** It even knows which tasks are too long for Lambda. */
export const byRule: Routing = ({ demand }, durationMs) =>
  feasible(route(durationMs > LAMBDA.maxTimeoutMs ? { ...demand, timeoutMs: durationMs } : demand, OFFER));

function feasible(placement: ReturnType<typeof route>): Placement {
  if ("infeasible" in placement) throw new Error(placement.infeasible);
  return placement;
}

/** Runs the mix of a seed and adds up what the simulated services charge. */
export function dollarsOf(seed: number, routing: Routing, tasks = TASKS): number {
  const world = new World({
    offer: OFFER,
    seed,
    lambda: { concurrency: 1_000, newEnvironments: LAMBDA.newEnvironments, coldMs: 400 },
    ecs: { launches: FARGATE.launches, startMs: 20_000 },
  });
  for (const kind of mixOf(seed, tasks)) {
    world.scheduler.learnDuration(kind.type, kind.recordedMs);
    const byLane = new Map<string, { placement: Placement; durationsMs: number[] }>();
    for (const durationMs of kind.durationsMs) {
      const placement = routing(kind, durationMs);
      const [{ name }] = placement.ladder;
      const some = byLane.get(name) ?? { placement, durationsMs: [] };
      some.durationsMs.push(durationMs);
      byLane.set(name, some);
    }
    for (const { placement, durationsMs } of byLane.values()) {
      world.addTasks({ type: kind.type, placement, policy: DEFAULT_RETRY_POLICY }, durationsMs);
    }
  }
  return world.run().dollars;
}

function mixOf(seed: number, tasks: number): Kind[] {
  const random = seededRandom(seed);
  const clamp = (ms: number) => Math.min(MOST_MS, Math.max(LEAST_MS, ms));
  /** Box and Muller's way from even to normal numbers. */
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: tasks / TASKS_PER_TYPE }, (_, index): Kind => {
    const medianMs = clamp(MEDIAN_MS * Math.exp(BETWEEN_TYPES * normal()));
    const draw = () => clamp(medianMs * Math.exp(WITHIN_TYPE * normal()));
    const earlier = Array.from({ length: TASKS_PER_TYPE }, draw);
    const isGpu = index % 100 === 0;
    const memoryMb = Math.round(LEAST_MB * (MOST_MB / LEAST_MB) ** random());
    return {
      type: `type ${index}`,
      demand: isGpu ? { numGpus: 1, spot: true, resources: {} } : { numGpus: 0, memoryMb, spot: true, resources: {} },
      recordedMs: earlier.reduce((sum, ms) => sum + ms) / earlier.length,
      durationsMs: Array.from({ length: TASKS_PER_TYPE }, draw),
    };
  });
}
