import { describe, expect, test } from "vitest";
import { seededRandom, shuffledPositions } from "../../examples/digits-sweep/random.ts";
import { rank } from "../../examples/digits-sweep/ranking.ts";
import { accuracy, confusion, mean, shareBounds, standardDeviation } from "../../examples/digits-sweep/statistics.ts";

describe("statistics", () => {
  test("mean and standard deviation", () => {
    expect(mean([2, 4, 9])).toBe(5);
    expect(standardDeviation([2, 4, 9])).toBeCloseTo(Math.sqrt(13));
    expect(standardDeviation([3])).toBe(0);
  });

  test("accuracy and confusion", () => {
    const labels = Uint8Array.of(0, 1, 1, 2);
    const predictions = Uint8Array.of(0, 1, 2, 2);
    expect(accuracy(labels, predictions)).toBe(0.75);
    expect(confusion(labels, predictions, 3)).toEqual([
      [1, 0, 0],
      [0, 1, 1],
      [0, 0, 1],
    ]);
  });

  test("bounds of a share hold it, stay within 0 and 1, and close in with more samples", () => {
    const { low, high } = shareBounds(0.9, 100);
    expect(low).toBeCloseTo(0.826, 3);
    expect(high).toBeCloseTo(0.945, 3);
    const close = shareBounds(0.9, 10_000);
    expect(close.low).toBeGreaterThan(low);
    expect(close.high).toBeLessThan(high);
    expect(shareBounds(1, 50).high).toBeLessThanOrEqual(1);
    expect(shareBounds(0, 50).low).toBeGreaterThanOrEqual(0);
  });

  test("settings are ranked by their mean over the folds; equal ones keep their order", () => {
    const score = (value: number, accuracy: number) => ({
      setting: { family: "nearest" as const, value, components: 10 },
      accuracy,
      trainMs: 10 * value,
    });
    const ranked = rank([
      [score(1, 0.5), score(1, 0.7)],
      [score(3, 0.9), score(3, 0.7)],
      [score(5, 0.7), score(5, 0.5)],
    ]);
    expect(ranked.map(({ setting }) => setting.value)).toEqual([3, 1, 5]);
    expect(ranked[0]).toMatchObject({ accuracy: 0.8, trainMs: 30 });
    expect(ranked[0].spread).toBeCloseTo(Math.SQRT2 / 10);
  });
});

describe("seeded random numbers", () => {
  test("are the same for the same seed, spread evenly, and others for another", () => {
    const [a, b, c] = [1, 1, 2].map(seededRandom).map((random) => Array.from({ length: 1000 }, random));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(mean(a)).toBeCloseTo(0.5, 1);
    expect(Math.min(...a)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...a)).toBeLessThan(1);
  });

  test("shuffle every position exactly once", () => {
    const shuffled = shuffledPositions(500, 3);
    expect(shuffled).not.toEqual(shuffled.toSorted((a, b) => a - b));
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, position) => position));
  });
});
