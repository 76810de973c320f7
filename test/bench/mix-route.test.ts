import { expect, test } from "vitest";
import { byOracle, byRecord, byRule, dollarsOf } from "../../bench/mix-route.ts";

test("routing by recorded durations costs hardly more than knowing them, and far less than not asking", () => {
  const [routed, oracle, rule] = [byRecord, byOracle, byRule].map((routing) => dollarsOf(11, routing, 1_000));
  expect(routed / oracle).toBeLessThan(1.05);
  expect(routed / rule).toBeLessThan(0.7);
});
