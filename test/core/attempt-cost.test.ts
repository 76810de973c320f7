import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  attemptUsd,
  ceilingMs,
  ceilingUsd,
  Meter,
  rateOf,
  startUsd,
  timeUsd,
  trafficUsd,
} from "../../sdk/core/attempt-cost.ts";
import type { Demand } from "../../sdk/core/demand.ts";
import type { Lane, Offer } from "../../sdk/core/offer.ts";
import { AWS_OFFER, EC2_OFFER, FARGATE, FARGATE_SPOT, LAMBDA_OFFER, MACHINE, placementOf } from "./offers.ts";

const laneOf = (asked: Partial<Demand>, offer: Offer = AWS_OFFER): Lane => placementOf(asked, offer).ladder[0];
const ms = fc.integer({ min: 0, max: 10 ** 8 });
const LANES = [
  laneOf({ numCpus: 1 }),
  laneOf({ memoryMb: 12_000 }),
  laneOf({ memoryMb: 12_000, spot: false }),
  laneOf({ numGpus: 1 }),
];

describe("the price of time", () => {
  test("is Lambda's by memory, architecture and storage, with each request", () => {
    // From its second second on it looks into its inbox, too.
    const usd = (offer: Offer) => timeUsd(rateOf(laneOf({ memoryMb: 1_024 }, offer)), 500);
    const plain = { ...LAMBDA_OFFER, ephemeralStorageMb: 512 };
    expect(usd([plain])).toBeCloseTo(0.0000166667 / 2 + 0.0000002, 12);
    expect(usd([{ ...plain, architecture: "arm64" }])).toBeCloseTo(0.0000133334 / 2 + 0.0000002, 12);
    expect(usd([{ ...plain, ephemeralStorageMb: 512 + 1_024 }])).toBeCloseTo(
      (0.0000166667 + 0.0000000309) / 2 + 0.0000002,
      12,
    );
  });

  test("is Fargate's by vCPUs and memory, for a minute at least", () => {
    const hour = (asked: Partial<Demand>, offer: Offer) => timeUsd(rateOf(laneOf(asked, offer)), 3_600_000);
    // What AWS charges by the hour, and half a cent at most for keeping in touch.
    const touch = hour({ executor: "ecs" }, [FARGATE]) - (0.0405 + 2 * 0.00445);
    expect(touch).toBeGreaterThan(0);
    expect(touch).toBeLessThan(0.0015);
    expect(hour({ executor: "ecs" }, [FARGATE_SPOT]) - touch).toBeCloseTo(0.0125 + 2 * 0.00137, 4);
    expect(hour({ executor: "ecs" }, [{ ...FARGATE, publicAddress: true }]) - touch).toBeCloseTo(0.0494 + 0.005, 4);
    expect(hour({ executor: "ecs" }, [{ ...FARGATE, architecture: "arm64" }]) - touch).toBeCloseTo(0.0395, 4);
    const disk = { executor: "ecs", ephemeralStorageMb: 30 * 1_024 } as const;
    expect(hour(disk, [FARGATE]) - hour({ executor: "ecs" }, [FARGATE])).toBeCloseTo(10 * 0.000111, 8);
    const rate = rateOf(laneOf({ executor: "ecs" }, [FARGATE]));
    expect(timeUsd(rate, 1_000) / timeUsd(rate, 60_000)).toBeCloseTo(1, 1);
    expect(timeUsd(rate, 120_000)).toBeCloseTo(2 * timeUsd(rate, 60_000) - rate.perStart, 9);
    expect(startUsd(laneOf({ executor: "ecs" }, [FARGATE]))).toBe(timeUsd(rate, 0));
  });

  test("is an EC2 instance's by the share that is taken, and the dearest one's where it is not known", () => {
    const hour = (lane: Lane) => timeUsd(rateOf(lane), 3_600_000);
    const quarter = laneOf({ numGpus: 1, gpuType: "a10g", spot: false }, [EC2_OFFER]);
    expect(hour(quarter)).toBeCloseTo(5.672 / 4, 2);
    expect(hour({ ...quarter, spot: true })).toBeCloseTo(5.672 / 8, 2);
    expect(hour({ ...quarter, instanceType: "g9.huge", share: 1 })).toBeGreaterThan(50);
  });

  test("is nothing on this machine, whatever is moved", () => {
    const lane = laneOf({}, [MACHINE]);
    const traffic = { paramBytes: 10 ** 9, resultBytes: 10 ** 9, resultIsObject: true, objectsLoaded: 9, shared: 1 };
    expect([timeUsd(rateOf(lane), 10 ** 9), trafficUsd(lane, traffic), attemptUsd(lane, 1_000, 10)]).toEqual([0, 0, 0]);
  });

  test("is charged once by a meter, however often it is read", () => {
    fc.assert(
      fc.property(fc.constantFrom(...LANES), fc.array(ms, { minLength: 1 }), (lane, moments) => {
        const meter = new Meter(rateOf(lane), 1_000);
        const sum = moments.reduce((usd, at) => usd + meter.advance(1_000 + at), 0);
        expect(sum).toBeCloseTo(timeUsd(rateOf(lane), Math.max(...moments)), 9);
      }),
    );
  });
});

describe("the requests of an attempt", () => {
  const lane = laneOf({ numCpus: 1 });
  const inline = { paramBytes: 100, resultBytes: 100, objectsLoaded: 0, shared: 1 };
  /** An item with its params in it, for a month. */
  const kept = (0.25 * 450) / 2 ** 30;

  test("are a write where all is small, and S3's where it is not", () => {
    expect(trafficUsd(lane, inline)).toBeCloseTo(0.625 / 1e6 + kept, 10);
    const large = { ...inline, resultBytes: 10_000_000, resultIsObject: true, objectsLoaded: 2 };
    const s3 = (5 + 2 * 0.4) / 1e6 + (0.023 * 10_000_000) / 2 ** 30;
    expect(trafficUsd(lane, large)).toBeCloseTo(0.625 / 1e6 + kept + s3, 10);
  });

  test("are more on ECS, which writes back, and looks for more", () => {
    const usd = (6 * 0.125 + 2 * 0.625) / 1e6 + kept;
    expect(trafficUsd(laneOf({ executor: "ecs" }), inline)).toBeCloseTo(usd, 10);
  });

  test("are those that were counted, where they were: here, too, for a bucket", () => {
    const requests = { reads: 2, writes: 3, puts: 4, gets: 5 };
    const usd = (2 * 0.125 + 3 * 0.625 + 4 * 5 + 5 * 0.4) / 1e6;
    expect(trafficUsd(lane, { ...inline, requests })).toBeCloseTo(usd + kept, 10);
    expect(trafficUsd(laneOf({}, [MACHINE]), { ...inline, requests })).toBeCloseTo(usd, 10);
  });
});

describe("the most that an attempt may cost", () => {
  const [lambda, , fargate] = LANES;

  test("goes by what was measured, then by timeoutMs, then by what the service allows, then by an hour", () => {
    expect(ceilingMs(lambda, 1_200, undefined)).toBe(1_200);
    expect(ceilingMs(lambda, 1_200, 1_000)).toBe(1_000);
    expect(ceilingMs(lambda, undefined, 60_000)).toBe(60_000);
    expect(ceilingMs(lambda, undefined, undefined)).toBe(900_000);
    expect(ceilingMs(fargate, undefined, undefined)).toBe(3_600_000);
  });

  test("is never less than what it costs when it takes no longer", () => {
    fc.assert(
      fc.property(fc.constantFrom(...LANES), ms, ms, (lane, ceiling, shorter) => {
        const took = Math.min(ceiling, shorter);
        const rate = rateOf(lane);
        const paid = lane.service === "lambda" ? timeUsd(rate, took) : (rate.perSecond * took) / 1_000;
        expect(ceilingUsd(lane, ceiling, 100)).toBeGreaterThanOrEqual(paid);
      }),
    );
  });
});
