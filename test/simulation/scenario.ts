import type { Demand, RetryPolicy } from "../../sdk/core/demand.ts";
import type { Offer } from "../../sdk/core/offer.ts";
import { seededRandom } from "../../sdk/core/random.ts";

/** How likely each misfortune is, per attempt or per call. */
export interface Faults {
  readonly userError: number;
  readonly executorDeath: number;
  readonly outOfMemory: number;
  readonly spotInterruption: number;
  readonly throttle: number;
  readonly startFailure: number;
  /** The attempt commits, but the driver is told that its assignment failed. */
  readonly lostResponse: number;
  /** The outcome is delivered twice. */
  readonly duplicate: number;
  /** A stored result vanishes before a dependent loads it. */
  readonly lostObject: number;
}

/** One task of a scenario: what it asks for and how it behaves. */
export interface ScenarioTask {
  readonly type: string;
  readonly dependencies: readonly number[];
  readonly demand: Demand;
  readonly policy: RetryPolicy;
  readonly durationMs: number;
  /** Memory it really needs. */
  readonly needsMb: number;
  /** Throws on every attempt, whatever the faults. */
  readonly alwaysFails: boolean;
  /** Its result was found in the cache. */
  readonly cached: boolean;
}

/** Everything one seed decides before the first step. */
export interface Scenario {
  readonly seed: number;
  readonly tasks: readonly ScenarioTask[];
  readonly offer: Offer;
  readonly concurrency: number;
  readonly failFast: boolean;
  readonly faults: Faults;
  /** When the run is cancelled, and whether what runs may finish. */
  readonly cancel: { readonly atMs: number; readonly drain: boolean } | undefined;
}

const LOCAL: Offer = [
  { service: "local", name: "local", slots: 3, cpus: 3, memoryMb: 8_192, gpus: 0, resources: {}, pooled: true },
];
const AWS: Offer = [
  {
    service: "lambda",
    memoriesMb: [512, 1_024, 1_769, 3_538, 10_240],
    timeoutMs: 900_000,
    ephemeralStorageMb: 512,
    concurrency: 12,
  },
  { service: "fargate", spot: true, maxEcsTasks: 6 },
  { service: "fargate", spot: false, maxEcsTasks: 6 },
];

/** A scenario from a seed: a random DAG, a runner, and a mixture of misfortunes. */
export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(seed);
  const chance = (probability: number) => random() < probability;
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const pick = <T>(values: readonly T[]): T => values[between(0, values.length - 1)];
  const onAws = chance(0.6);
  const count = between(1, 60);
  const manyFailures = chance(0.2);
  const tasks: ScenarioTask[] = [];
  for (let index = 0; index < count; index++) {
    const fanIn = chance(0.6) ? between(0, Math.min(3, index)) : 0;
    const dependencies = new Set<number>();
    while (dependencies.size < fanIn) dependencies.add(between(Math.max(0, index - 8), index - 1));
    const memoryMb = pick([128, 256, 512, 1_024, 2_048, 12_000]);
    const asked = onAws || memoryMb < 8_192;
    tasks.push({
      type: pick(["a", "b", "c"]),
      dependencies: [...dependencies],
      demand: {
        numGpus: 0,
        spot: chance(0.7),
        resources: {},
        ...(chance(0.5) && asked ? { memoryMb } : { numCpus: pick([1, 1, 1, 2]) }),
        ...(onAws && chance(0.3) ? { executor: pick(["lambda", "ecs"] as const) } : {}),
        ...(memoryMb > 10_240 ? { executor: "ecs" as const } : {}),
      },
      policy: {
        maxRetries: between(0, 4),
        retryOn: chance(0.7),
        maxOomRetries: between(0, 2),
      },
      durationMs: chance(0.5) ? between(1, 20) : between(20, 5_000),
      needsMb: chance(0.2) ? between(128, 6_000) : 64,
      alwaysFails: manyFailures && chance(0.1),
      cached: chance(0.1),
    });
  }
  const rate = (most: number) => (chance(0.5) ? random() * most : 0);
  return {
    seed,
    tasks,
    offer: onAws ? AWS : LOCAL,
    concurrency: chance(0.3) ? between(1, 4) : 1_000,
    failFast: chance(0.2),
    faults: {
      userError: rate(0.2),
      executorDeath: rate(0.15),
      outOfMemory: rate(0.05),
      spotInterruption: rate(0.3),
      throttle: rate(0.3),
      startFailure: rate(0.4),
      lostResponse: rate(0.1),
      duplicate: rate(0.1),
      lostObject: rate(0.05),
    },
    cancel: chance(0.15) ? { atMs: between(0, 10_000), drain: chance(0.5) } : undefined,
  };
}
