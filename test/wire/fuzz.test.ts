import { expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";

test("values round-trip, and changed buffers are refused", () => {
  const { roundTrips, refused, refusedByHash, failures } = fuzz(42, 1_000);
  expect(failures).toEqual([]);
  expect([roundTrips, refused + refusedByHash]).toEqual([1_000, 1_000]);
});
