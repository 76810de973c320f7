import { expect, test } from "vitest";
import { Sizing } from "../../sdk/core/sizing.ts";

test("a size that was too small is news once, for inputs of that size and larger ones", () => {
  const sizing = new Sizing();
  expect(sizing.knows("a")).toBe(false);
  expect(sizing.learnTooSmall("a", 1_000, 512)).toBe(true);
  expect(sizing.knows("a")).toBe(true);
  expect(sizing.learnTooSmall("a", 1_000, 512)).toBe(false);
  expect(sizing.learnTooSmall("a", 9_000, 512)).toBe(false);
  expect(sizing.learnTooSmall("a", 10, 512)).toBe(true);
  expect(sizing.learnTooSmall("a", 1_000, 1_024)).toBe(true);
  expect([sizing.tooSmallFor("a", 10), sizing.tooSmallFor("a", 5_000), sizing.tooSmallFor("b", 5_000)]).toEqual([
    512, 1_024, 0,
  ]);
});
