import { describe, expect, test } from "vitest";
import { FARGATE_SIZES, LAMBDA, lambdaVcpus } from "../../sdk/core/limits.ts";

const GB = 1_024;
const range = (fromGb: number, toGb: number, stepGb: number) =>
  Array.from({ length: (toGb - fromGb) / stepGb + 1 }, (_, index) => (fromGb + index * stepGb) * GB);

/** "Task CPU and memory" in AWS's developer guide for ECS on Fargate. */
const TASK_SIZES: readonly (readonly [vcpus: number, memoriesMb: readonly number[]])[] = [
  [0.25, [512, 1 * GB, 2 * GB]],
  [0.5, range(1, 4, 1)],
  [1, range(2, 8, 1)],
  [2, range(4, 16, 1)],
  [4, range(8, 30, 1)],
  [8, range(16, 60, 4)],
  [16, range(32, 120, 8)],
  [32, [60 * GB, 120 * GB, 244 * GB]],
];

describe("Fargate's sizes", () => {
  test.each(TASK_SIZES)("of %d vCPU are those of AWS's table", (vcpus, memoriesMb) => {
    const ours = FARGATE_SIZES.filter((size) => size.vcpus === vcpus).map(({ memoryMb }) => memoryMb);
    expect(ours).toEqual(memoriesMb);
  });

  test("are only those of the table", () => {
    expect(new Set(FARGATE_SIZES.map(({ vcpus }) => vcpus))).toEqual(new Set(TASK_SIZES.map(([vcpus]) => vcpus)));
  });

  test("come by memory, then by vCPUs", () => {
    const sorted = [...FARGATE_SIZES].sort((a, b) => a.memoryMb - b.memoryMb || a.vcpus - b.vcpus);
    expect(FARGATE_SIZES).toEqual(sorted);
  });
});

describe("Lambda's CPUs", () => {
  test.each([
    [1_769, 1],
    [3_538, 2],
    [128, 128 / 1_769],
    [10_240, 10_240 / 1_769],
  ])("of a function with %d MB are %d vCPU", (memoryMb, vcpus) => {
    expect(lambdaVcpus(memoryMb)).toBeCloseTo(vcpus, 10);
  });

  test("are six at most", () => {
    expect(lambdaVcpus(LAMBDA.maxMemoryMb)).toBeLessThanOrEqual(LAMBDA.maxVcpus);
    expect(lambdaVcpus(1e6)).toBe(6);
  });
});
