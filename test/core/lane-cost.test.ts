import { describe, expect, test } from "vitest";
import { breakEvenMs, laneUsd } from "../../sdk/core/lane-cost.ts";
import type { Lane } from "../../sdk/core/offer.ts";

const lane = (extra: Partial<Lane>): Lane => ({
  name: "lane",
  service: "lambda",
  group: "lambda",
  cpus: 1,
  memoryMb: 1_769,
  gpus: 0,
  spot: false,
  ...extra,
});
const LAMBDA = lane({});
const FARGATE = lane({ service: "fargate", memoryMb: 2_048 });
const SPOT = { ...FARGATE, spot: true };

describe("what an executor costs", () => {
  test.each<[string, Lane, number, number]>([
    ["a second of Lambda with 1 vCPU: 28.8 micro-dollars and the request", LAMBDA, 1_000, 28.8e-6 + 0.2e-6],
    ["Fargate: a minute at least", FARGATE, 1_000, 60 * 13.7e-6],
    ["Fargate: an hour", FARGATE, 3_600_000, 3_600 * 13.7e-6],
    ["Fargate Spot: an hour, and keeping in touch with it", SPOT, 3_600_000, 0.0125 + 2 * 0.00137 + 3_600 * 0.35e-6],
    ["Lambda on arm64: a fifth less", { ...LAMBDA, architecture: "arm64" }, 1_000, 23.03e-6 + 0.2e-6],
    [
      "half a GPU instance for an hour",
      lane({ service: "ec2", instanceType: "g5.xlarge", share: 0.5 }),
      3_600_000,
      0.503,
    ],
    ["this machine", lane({ service: "local" }), 3_600_000, 0],
  ])("%s", (_, where, ms, dollars) => {
    expect((laneUsd(where, ms) ?? Number.NaN) / (dollars || 1)).toBeCloseTo(dollars === 0 ? 0 : 1, 1);
  });

  test("is not known of instances without a price, nor of GPU instances on Spot", () => {
    expect(laneUsd(lane({ service: "ec2", instanceType: "p9.huge" }), 1_000)).toBeUndefined();
    expect(laneUsd(lane({ service: "ec2", instanceType: "g5.xlarge", spot: true }), 1_000)).toBeUndefined();
  });
});

describe("where Lambda stops being cheaper follows from the prices", () => {
  test.each<[string, Lane, Lane, number]>([
    ["On-Demand: 28.6 s", LAMBDA, FARGATE, 28.6],
    ["Spot: 8.8 s", LAMBDA, SPOT, 8.8],
    ["On-Demand on arm64: the same", { ...LAMBDA, architecture: "arm64" }, { ...FARGATE, architecture: "arm64" }, 28.6],
  ])("%s", (_, first, second, seconds) => {
    expect((breakEvenMs(first, second, 900_000) ?? 0) / 1_000).toBeCloseTo(seconds, 0);
  });

  test("and there is none where the other is never cheaper, or has no price", () => {
    expect(breakEvenMs(SPOT, FARGATE, 900_000)).toBeUndefined();
    expect(breakEvenMs(LAMBDA, lane({ service: "ec2", instanceType: "p9.huge" }), 900_000)).toBeUndefined();
  });
});
