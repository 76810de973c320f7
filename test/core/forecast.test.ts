import fc from "fast-check";
import { expect, test } from "vitest";
import { attemptUsd, startUsd } from "../../sdk/core/attempt-cost.ts";
import { forecastSeconds, forecastUsd, sharing, sumOf } from "../../sdk/core/forecast.ts";
import { capacityGroups } from "../../sdk/core/route.ts";
import { FARGATE, LAMBDA_OFFER, MACHINE, placementOf } from "./offers.ts";

const [lambda] = placementOf({ memoryMb: 512 }, [LAMBDA_OFFER]).ladder;
const [fargate] = placementOf({ executor: "ecs" }, [FARGATE]).ladder;
const [local] = placementOf({}, [MACHINE]).ladder;
const some = (count: number, lane = lambda, meanMs = 1_000, deviationMs = 0) =>
  Array.from({ length: count }, () => ({
    lane,
    duration: { meanMs, deviationMs },
    paramBytes: 10,
    atOnce: 1,
    dependencies: [],
  }));
const BATCH = { targetMs: 1_000, maxTasks: 60 };

test("what runs on Lambda costs what its attempts do; on ECS the minute of each container at least", () => {
  expect(forecastUsd(some(5), lambda).expected).toBeCloseTo(5 * attemptUsd(lambda, 1_000, 10), 12);
  const short = forecastUsd(some(5, fargate), fargate).expected;
  // Five seconds of work, and the minute that it takes to begin.
  expect(short / startUsd(fargate)).toBeCloseTo(65 / 60, 1);
  expect(forecastUsd(some(200, fargate), fargate).expected).toBeGreaterThan(3.3 * short);
  expect(forecastUsd(some(5, local), local)).toEqual({ low: 0, expected: 0, high: 0 });
});

test("it takes as long as its longest chain, or as all the work on what there is", () => {
  const groups = capacityGroups([MACHINE]);
  const [first, second] = some(2, local);
  const chain = [first, { ...second, dependencies: [0] }];
  expect(forecastSeconds(chain, groups, Number.POSITIVE_INFINITY).expected).toBeCloseTo(2.5, 9);
  expect(forecastSeconds(some(40, local), groups, Number.POSITIVE_INFINITY).expected).toBeCloseTo(10, 9);
  expect(forecastSeconds(some(40, local), groups, 2).expected).toBeCloseTo(20, 9);
});

test("short tasks pay for their share of a dispatch, and of an executor that works on several at once", () => {
  const short = { meanMs: 10, deviationMs: 2 };
  expect(sharing(10_000, short, 8, BATCH, 1)).toEqual({ shared: 60, atOnce: 1 });
  // As it is dispatched: half an even share at most, and one where a task takes longer than a dispatch is to take.
  expect(sharing(100, short, 8, BATCH, 1)).toEqual({ shared: 7, atOnce: 1 });
  expect(sharing(100, { meanMs: 900, deviationMs: 200 }, 8, BATCH, 1)).toEqual({ shared: 1, atOnce: 1 });
  const tasks = some(600, lambda, 10, 2);
  const together = sharing(600, short, 5, BATCH, 1);
  expect(together.shared).toBe(60);
  const [apart, shared] = [forecastUsd(tasks, lambda).expected, forecastUsd(tasks, lambda, together).expected];
  // Ten invocations for six hundred, and the commits, which are counted as if each had its own.
  expect(shared).toBeLessThan(apart);
  expect(apart - shared).toBeGreaterThan(590 * 2e-7);
  const wide = forecastUsd(some(600, lambda, 500), lambda, { shared: 4, atOnce: 4 }).expected;
  expect(wide).toBeLessThan(0.7 * forecastUsd(some(600, lambda, 500), lambda).expected);
});

test("what runs side by side is over as much sooner", () => {
  const groups = capacityGroups([MACHINE]);
  const wide = some(40, local).map((each) => ({ ...each, atOnce: 4 }));
  const [apart, beside] = [some(40, local), wide].map((tasks) => forecastSeconds(tasks, groups, 2).expected);
  expect(beside).toBeCloseTo(apart / 4, 9);
});

test("ranges are in order, and so are their sums", () => {
  const figure = fc.integer({ min: 0, max: 10 ** 7 });
  fc.assert(
    fc.property(
      fc.constantFrom(lambda, fargate, local),
      fc.integer({ min: 1, max: 50 }),
      figure,
      figure,
      (lane, n, mean, off) => {
        const tasks = some(n, lane, mean, off);
        const usd = forecastUsd(tasks, lane);
        const seconds = forecastSeconds(tasks, capacityGroups([MACHINE, LAMBDA_OFFER, FARGATE]), 10);
        for (const { low, expected, high } of [usd, seconds, sumOf([usd, seconds])]) {
          expect(low).toBeLessThanOrEqual(expected);
          expect(expected).toBeLessThanOrEqual(high);
        }
      },
    ),
  );
});
