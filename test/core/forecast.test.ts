import fc from "fast-check";
import { expect, test } from "vitest";
import { attemptUsd, startUsd } from "../../sdk/core/attempt-cost.ts";
import { forecastSeconds, forecastUsd, sumOf } from "../../sdk/core/forecast.ts";
import { capacityGroups } from "../../sdk/core/route.ts";
import { FARGATE, LAMBDA_OFFER, MACHINE, placementOf } from "./offers.ts";

const [lambda] = placementOf({ memoryMb: 512 }, [LAMBDA_OFFER]).ladder;
const [fargate] = placementOf({ executor: "ecs" }, [FARGATE]).ladder;
const [local] = placementOf({}, [MACHINE]).ladder;
const some = (count: number, lane = lambda, meanMs = 1_000, deviationMs = 0) =>
  Array.from({ length: count }, () => ({ lane, duration: { meanMs, deviationMs }, paramBytes: 10, dependencies: [] }));

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
