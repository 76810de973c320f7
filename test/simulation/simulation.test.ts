import { expect, test } from "vitest";
import { FAULTS } from "./fate.ts";
import { Tally, violationInWords } from "./report.ts";
import { scenarioOf } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { simulate, simulateScenario } from "./simulate.ts";

const SEEDS = 1_500;

test(`${SEEDS} seeded runs with injected faults keep every invariant`, { timeout: 240_000 }, () => {
  const tally = new Tally();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = simulate(seed);
    tally.add(result);
    if (result.violations.length > 0) expect.fail(`\n${violationInWords(seed, shrink(scenarioOf(seed)))}`);
  }
  // Chance must not have left any of them out.
  for (const fault of [
    ...FAULTS,
    "driver crash",
    "too small",
    "heap limit",
    "service limit",
    "quota",
    "cancel",
    "nested",
    "budget spent",
    "driver dies",
    "driver stops",
    "driver leaves",
    "refused",
    "takeover",
    "in doubt",
    "lease lost",
    "adopted",
    "second attempt",
  ]) {
    expect(tally.faults.get(fault) ?? 0, fault).toBeGreaterThan(SEEDS / 100);
  }
});

test("the same seed gives the same history", () => {
  const history = () => simulateScenario(scenarioOf(42), true).history;
  expect(history()).toEqual(history());
});

test("to keep the history changes nothing in it", () => {
  expect(simulateScenario(scenarioOf(7), true)).toEqual({ ...simulate(7), history: expect.anything() });
});
