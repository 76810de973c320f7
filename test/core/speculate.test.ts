import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DurationSample, isCheap, SPECULATION, stragglesAfterMs, whySecond } from "../../sdk/core/speculate.ts";

const sampleOf = (...durations: number[]) => {
  const sample = new DurationSample();
  for (const each of durations) sample.add(each);
  return sample;
};
const tens = (ms: number, count = 10) => sampleOf(...Array.from({ length: count }, () => ms));
const HERE = { service: "local" } as const;
const CLOUD = { service: "lambda" } as const;

describe("the quantile of a kind's durations", () => {
  test("is a duration that the share took at the most, and less than the share did not", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10 ** 6), { minLength: 1, maxLength: 100 }), fc.integer(), (durations, n) => {
        const share = 0.5 + (Math.abs(n) % 51) / 100;
        const at = sampleOf(...durations).quantile(share);
        expect(durations).toContain(at);
        expect(durations.filter((ms) => ms <= at).length).toBeGreaterThanOrEqual(share * durations.length - 1e-9);
        expect(durations.filter((ms) => ms < at).length).toBeLessThan(share * durations.length);
      }),
    );
  });

  test("is of the latest hundred", () => {
    const sample = tens(1_000_000, 100);
    for (let each = 0; each < 100; each++) sample.add(5);
    expect([sample.size, sample.quantile(1)]).toEqual([100, 5]);
  });
});

describe("an attempt is a straggler", () => {
  test("never as long as fewer than ten of its kind are done", () => {
    expect(stragglesAfterMs(undefined, HERE, SPECULATION)).toBeUndefined();
    expect(stragglesAfterMs(tens(60_000, 9), HERE, SPECULATION)).toBeUndefined();
  });

  test("after twice what 95 % took, and not before a floor that is higher in the cloud", () => {
    expect(stragglesAfterMs(tens(60_000), CLOUD, SPECULATION)).toBe(120_000);
    expect(stragglesAfterMs(tens(10), HERE, SPECULATION)).toBe(1_000);
    expect(stragglesAfterMs(tens(10), CLOUD, SPECULATION)).toBe(5_000);
  });
});

test("second attempts may cost a tenth of what their run has cost, together", () => {
  expect(isCheap(1, { spentUsd: 10, onSecondsUsd: 0 })).toBe(true);
  expect(isCheap(1, { spentUsd: 10, onSecondsUsd: 0.5 })).toBe(false);
  expect(isCheap(0, { spentUsd: 0, onSecondsUsd: 0 })).toBe(true);
});

test("the reason says how long it took, and how long others did", () => {
  expect(whySecond(12_340, tens(800, 34), SPECULATION)).toBe(
    "second attempt because the first has taken 12.3 s, and 95 % of 34 others took 800 ms at most",
  );
});
