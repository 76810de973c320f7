import { expect, test } from "vitest";
import { STORES_BOUND_SECONDS, storeRamp } from "../../bench/ramp-stores.ts";

test.each([1, 2, 3, 4, 5])("S3's and DynamoDB's rates are made full use of, and not run into (seed %i)", (seed) => {
  const { seconds, refused, requests } = storeRamp(seed);
  expect([refused, requests]).toEqual([0, 20_000]);
  expect(seconds / STORES_BOUND_SECONDS).toBeLessThan(1.15);
});

test.each([1, 2, 3])("without a pace one request in twenty is refused (seed %i)", (seed) => {
  const { refused, requests } = storeRamp(seed, false);
  expect(refused / requests).toBeGreaterThan(0.04);
});

test.each([1, 2, 3])("where others leave a third of a rate, less is refused than without a pace (seed %i)", (seed) => {
  const paced = storeRamp(seed, true, 1_200);
  const notPaced = storeRamp(seed, false, 1_200);
  expect(paced.refused).toBeLessThan(0.85 * notPaced.refused);
});
