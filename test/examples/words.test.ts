import { describe, expect, test } from "vitest";
import { areEqual, countText, mergeAll, mostFrequent, totalOf } from "../../examples/word-count/words.ts";

const fox = countText("The quick fox. The FOX's tail; the end, naïve end");

describe("words", () => {
  test("are letters, in any case, with apostrophes inside", () => {
    expect([...fox]).toEqual([
      ["the", 3],
      ["quick", 1],
      ["fox", 1],
      ["fox's", 1],
      ["tail", 1],
      ["end", 2],
      ["naïve", 1],
    ]);
    expect(countText("… 1 2 3 —").size).toBe(0);
  });

  test("add up, and the parts stay as they are", () => {
    const sum = mergeAll([fox, countText("fox fox")]);
    expect(sum.get("fox")).toBe(3);
    expect(fox.get("fox")).toBe(1);
    expect(totalOf(sum)).toBe(totalOf(fox) + 2);
    expect(areEqual(mergeAll([fox]), fox)).toBe(true);
    expect(areEqual(sum, fox)).toBe(false);
  });

  test("are listed by how often they occur, then by the alphabet", () => {
    expect(mostFrequent(fox, 3, 1)).toEqual([
      ["the", 3],
      ["end", 2],
      ["fox", 1],
    ]);
    expect(mostFrequent(fox, 9, 5).map(([word]) => word)).toEqual(["fox's", "naïve", "quick"]);
  });
});
