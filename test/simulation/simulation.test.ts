import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

const SEEDS = 2_000;

test(`${SEEDS} seeded runs with injected faults keep every invariant`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = simulate(seed);
    const replay = `npm run simulate -- --seeds 1 --first ${seed}`;
    expect(result.violations, `seed ${seed}; replay with: ${replay}`).toEqual([]);
  }
});

test("the same seed gives the same history", () => {
  expect(simulate(42).history).toEqual(simulate(42).history);
});
