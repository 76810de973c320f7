import { inspect } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { plainText } from "../../dashboard/server/plain-text.ts";

const OPTIONS = { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 10, maxStringLength: 100 };

test("says nothing, or the same as inspect", () => {
  const leaf = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.string(),
    fc.constantFrom(null, undefined, -0, "a-b", []),
  );
  const value = fc.oneof(fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("seed", "a", "b", "_c")), leaf), leaf);
  fc.assert(
    fc.property(value, (each) => {
      const text = plainText(each);
      if (text !== undefined) expect(text).toBe(inspect(each, OPTIONS));
    }),
  );
});

test("says it of what params mostly are", () => {
  expect(plainText({ seed: 1, family: "kernel", isFast: true, rate: 0.5 })).toBe(
    "{ seed: 1, family: 'kernel', isFast: true, rate: 0.5 }",
  );
});
