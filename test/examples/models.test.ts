import { describe, expect, test } from "vitest";
import { type Digits, readDigits, SIDE } from "../../examples/digits-sweep/digits.ts";
import { divide } from "../../examples/digits-sweep/folds.ts";
import { toSamples, upright } from "../../examples/digits-sweep/images.ts";
import { predict, train } from "../../examples/digits-sweep/models.ts";
import { accuracy } from "../../examples/digits-sweep/statistics.ts";
import { FAMILIES, FAMILY_NAMES, FULL, QUICK, settingsOf } from "../../examples/digits-sweep/sweep.ts";

/** The columns from the first to the last with ink: what leans is wide. */
function width(image: ArrayLike<number>): number {
  const columns = Array.from(image, (grey, at) => (grey > 64 ? at % SIDE : -1)).filter((column) => column >= 0);
  return Math.max(...columns) - Math.min(...columns) + 1;
}

/** A bar that leans to the right by one column each row. */
function leaningBar(): Uint8Array {
  const image = new Uint8Array(SIDE * SIDE);
  for (let row = 4; row < 24; row++) image.fill(255, row * SIDE + 26 - row, row * SIDE + 29 - row);
  return image;
}

describe("digits", () => {
  test("come with their labels, the same ones for the same seed", async () => {
    const digits: Digits = await readDigits("test", 1000, 1);
    expect(digits.pixels).toHaveLength(1000 * SIDE * SIDE);
    const counts = Array.from({ length: 10 }, (_, digit) => digits.labels.filter((label) => label === digit).length);
    for (const count of counts) expect(count).toBeGreaterThan(60);
    const few = await readDigits("test", 10, 1);
    expect(few.labels).toEqual(digits.labels.subarray(0, 10));
    expect((await readDigits("test", 10, 2)).labels).not.toEqual(few.labels);
  });

  test("are set upright", () => {
    const image = leaningBar();
    expect(width(image)).toBeGreaterThan(20);
    expect(width(upright(image))).toBeLessThan(6);
    expect(upright(new Uint8Array(SIDE * SIDE)).some(Number.isNaN)).toBe(false);
  });

  test("are divided so that each is left out exactly once", async () => {
    const samples = toSamples(await readDigits("train", 90, 1));
    const parts = [0, 1, 2].map((fold) => divide(samples, fold, { folds: 3, seed: 1, components: 5 }));
    for (const { train: learned, validation } of parts) {
      expect([learned.labels.length, validation.labels.length]).toEqual([60, 30]);
      expect([learned.columns, learned.values.length]).toEqual([5, 300]);
    }
    const leftOut = parts.flatMap(({ validation }) => [...validation.labels]);
    expect(leftOut.toSorted()).toEqual([...samples.labels].toSorted());
  });
});

describe("models", () => {
  test.each(FAMILY_NAMES)("of the family %s learn to read", async (family) => {
    const samples = toSamples(await readDigits("train", 300, 1));
    const { train: learned, validation } = divide(samples, 0, { folds: 3, seed: 1, components: 20 });
    const model = train({ family, value: FAMILIES[family].values[1], components: 20 }, learned);
    expect(accuracy(validation.labels, predict(model, validation))).toBeGreaterThan(0.6);
  });
});

test("a sweep has every combination once", () => {
  const settings = settingsOf(FULL);
  expect(settings).toHaveLength(33);
  expect(new Set(settings.map((setting) => JSON.stringify(setting))).size).toBe(33);
  expect(settingsOf(QUICK)).toHaveLength(6);
});
