import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../sdk/core/random.ts";

const draw = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
};

test("a seed gives the same numbers for ever: recorded histories depend on them", () => {
  expect(draw(1, 3)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  expect(draw(42, 3)).toEqual([0.6011037519201636, 0.44829055899754167, 0.8524657934904099]);
});

test("every number is in [0, 1), for every seed", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      for (const value of draw(seed, 20)) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
      }
    }),
  );
});

test("different seeds give different numbers", () => {
  expect(new Set(Array.from({ length: 1_000 }, (_, seed) => draw(seed, 1)[0])).size).toBe(1_000);
});

test("numbers spread evenly", () => {
  const tenths = new Array<number>(10).fill(0);
  for (const value of draw(7, 10_000)) tenths[Math.floor(value * 10)] += 1;
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
