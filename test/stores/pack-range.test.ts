import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { narrowPacksOf, packNamePrefix, type SortKeys, WIDE_PACKS } from "../../sdk/stores/pack-range.ts";

const isIn = (name: string, { after, before }: SortKeys) =>
  (after === undefined || name > after) && (before === undefined || name < before);
const key = (digits: string) => digits.padEnd(32, "0");

describe("names of packs", () => {
  test("lie where whoever looks for one of their keys reads, and nowhere else", () => {
    const digit = fc.constantFrom(..."0123456789abcdef");
    const keys = fc.array(digit, { minLength: 12, maxLength: 12 }).map((digits) => key(digits.join("")));
    const near = keys.chain((first) => {
      const start = Number.parseInt(first.slice(0, 5), 16);
      const others = fc.integer({ min: start, max: Math.min(start + 0x14000, 0xfffff) });
      return fc.array(
        others.map((place) => key(place.toString(16).padStart(5, "0"))),
        { minLength: 1 },
      );
    });
    const anywhere = fc.array(keys, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.oneof(near, anywhere), fc.integer({ min: 0, max: 4 }), fc.uuid(), (of, depth, id) => {
        // As they are drawn, and in Base64.
        for (const drawn of [id, `-${id}`, `_${id}`, `z${id}`]) {
          const name = packNamePrefix(of, depth) + drawn;
          for (const each of of) {
            const narrow = narrowPacksOf(each, depth) as SortKeys;
            expect(Number(isIn(name, WIDE_PACKS)) + Number(isIn(name, narrow))).toBe(1);
          }
        }
      }),
    );
  });

  test("say of a lone key where it is, and nothing of those that are far apart or are no hashes", () => {
    expect(packNamePrefix([key("3abcd")], 1)).toBe("~abcd");
    expect(packNamePrefix([key("30000"), key("31000")], 1)).toBe("~1000");
    expect(packNamePrefix([key("30000"), key("31001")], 1)).toBe("");
    expect(packNamePrefix(["no hash"], 0)).toBe("");
    expect(narrowPacksOf("no hash", 0)).toBeUndefined();
    // Headers are read with those that may have any key.
    expect(isIn("!1", WIDE_PACKS)).toBe(true);
    // Of a key, a sixteenth of all and no more.
    expect(narrowPacksOf(key("8000"), 0)).toEqual({ after: "~8000", before: "~9001" });
    expect(narrowPacksOf(key("ffff"), 0)).toEqual({ after: "~ffff", before: "~g" });
  });
});
