import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchSize, DurationEstimate, mayWaitBehind } from "../../sdk/core/batch.ts";

const OPTIONS = { targetMs: 1_000, maxTasks: 100 };

describe("the size of a batch", () => {
  test.each([
    ["one while nothing is known of the duration", undefined, 10_000, 4, 1],
    ["as many as fit the target time", 100, 10_000, 4, 10],
    ["no more than a dispatch may hold, however short the tasks are", 0.001, 100_000, 4, 100],
    ["no more than a dispatch may hold for tasks that take no time at all", 0, 100_000, 4, 100],
    ["one where a single task takes longer than the target", 5_000, 10_000, 4, 1],
    ["half an even share, so that nobody idles at the end", 10, 80, 4, 10],
    ["rounded up where the share is not whole", 10, 9, 4, 2],
    ["one for the last tasks", 10, 3, 8, 1],
    ["half of all where nobody is there to take them yet", 10, 20, 0, 10],
  ])("is %s", (_, estimateMs, queued, takers, expected) => {
    expect(batchSize(estimateMs, queued, takers, OPTIONS)).toBe(expected);
  });

  test("is at least one, never above its bounds, and leaves something for the other takers", () => {
    fc.assert(
      fc.property(
        fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        fc.integer({ min: 1, max: 1_000 }),
        (estimateMs, queued, takers, targetMs, maxTasks) => {
          const size = batchSize(estimateMs, queued, takers, { targetMs, maxTasks });
          expect(Number.isInteger(size)).toBe(true);
          expect(size).toBeGreaterThanOrEqual(1);
          expect(size).toBeLessThanOrEqual(Math.max(1, maxTasks));
          expect(size).toBeLessThanOrEqual(Math.ceil(queued / 2));
          if (estimateMs !== undefined && size > 1) expect(size * estimateMs).toBeLessThanOrEqual(targetMs + 1e-6);
        },
      ),
    );
  });
});

describe("a task waits behind another", () => {
  test.each([
    ["no, while nothing is known of the duration", undefined, 100, 4, false],
    ["yes, where it fits a batch", 1_000, 1, 4, true],
    ["yes, where it is longer and enough are left for all", 2_000, 5, 4, true],
    ["no, where an executor would idle beside it", 2_000, 4, 4, false],
    ["no, where it takes too long", 5_001, 100, 4, false],
  ])("%s", (_, estimateMs, queued, takers, expected) => {
    expect(mayWaitBehind(estimateMs, queued, takers, { ...OPTIONS, behindMs: 5_000 })).toBe(expected);
  });

  test("as long as a batch may take, where no more is said", () => {
    expect(mayWaitBehind(1_001, 100, 4, OPTIONS)).toBe(false);
  });
});

describe("the estimate of a duration", () => {
  test("is unknown before the first measurement", () => {
    const estimate = new DurationEstimate();
    expect([estimate.meanMs, estimate.cautiousMs]).toEqual([undefined, undefined]);
  });

  test("takes the first measurement in full, and doubts it by half of it", () => {
    const estimate = new DurationEstimate();
    estimate.add(100);
    expect([estimate.meanMs, estimate.cautiousMs]).toEqual([100, 200]);
  });

  test("follows later measurements by a fifth", () => {
    const estimate = new DurationEstimate();
    estimate.add(100);
    estimate.add(200);
    expect(estimate.meanMs).toBe(120);
    expect(estimate.cautiousMs).toBe(120 + 2 * 60);
  });

  test("comes to trust durations that stay the same", () => {
    const estimate = new DurationEstimate();
    for (let count = 0; count < 100; count++) estimate.add(50);
    expect(estimate.meanMs).toBeCloseTo(50);
    expect(estimate.cautiousMs).toBeCloseTo(50);
  });

  test("stays between the shortest and the longest measurement, and caution is never below the mean", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (a, b) => {
          const estimate = new DurationEstimate();
          for (const ms of [a, b, a, a, b]) estimate.add(ms);
          const { meanMs = Number.NaN, cautiousMs = Number.NaN } = estimate;
          expect(meanMs).toBeGreaterThanOrEqual(Math.min(a, b) - 1e-6);
          expect(meanMs).toBeLessThanOrEqual(Math.max(a, b) + 1e-6);
          expect(cautiousMs).toBeGreaterThanOrEqual(meanMs);
        },
      ),
    );
  });
});
