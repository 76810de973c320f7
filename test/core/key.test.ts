import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type KeyParts, taskKey } from "../../sdk/core/key.ts";
import { encodeToBytes } from "../../sdk/wire/codec/codec.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const params = (value: unknown) => encodeToBytes(value, { canonical: true });

const PARTS: KeyParts = {
  namespace: "default",
  taskName: "train",
  version: "0123456789abcdef",
  params: params({ seed: 1, folds: 5 }),
};
const keyOf = (parts: Partial<KeyParts>) => taskKey({ ...PARTS, ...parts }, sha256);

describe("cache keys are for ever: a change here forgets every result that anybody has", () => {
  test.each<[string, Partial<KeyParts>, string]>([
    ["of plain params", {}, "743a4016a804b32479d64e8596ad33a6"],
    ["of no params", { params: params(undefined) }, "73d79bd7112053deb71cf4e3cc5e6a79"],
    ["of a version of the user's own", { version: "v:2" }, "071957db1b0c1137bc5c149099df9fd0"],
    ["of another namespace", { namespace: "team.a" }, "b8e1ca08b889e277c4cdadf5354ee93a"],
    ["of names beyond ASCII", { taskName: "größe", namespace: "日本" }, "01d9139dad041a4c28ecfc75ffff2be8"],
    [
      "of params of every kind",
      {
        params: params({
          big: 10n ** 30n,
          date: new Date(0),
          map: new Map([["a", new Set([1])]]),
          bytes: Uint8Array.of(1, 2, 3),
          floats: Float64Array.of(1.5, -0),
          nothing: [null, undefined, -0, Number.NaN],
          text: "\ud800",
        }),
      },
      "887264416a1526547c787cf55a3f2d2b",
    ],
  ])("%s", (_, parts, key) => {
    expect(keyOf(parts)).toBe(key);
  });
});

test("a key is 32 hexadecimal digits", () => {
  expect(keyOf({})).toMatch(/^[0-9a-f]{32}$/);
});

test("equal params give equal keys, however their properties are ordered", () => {
  expect(keyOf({ params: params({ folds: 5, seed: 1 }) })).toBe(keyOf({}));
});

describe("different parts give different keys", () => {
  test("of names that would be equal if run together", () => {
    const keys = [
      keyOf({ namespace: "ab", taskName: "c" }),
      keyOf({ namespace: "a", taskName: "bc" }),
      keyOf({ taskName: "a", version: "bc" }),
      keyOf({ taskName: "ab", version: "c" }),
      keyOf({ taskName: 'a","b' }),
      keyOf({ taskName: "a", version: 'b","c' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("of bytes that would be equal if moved between names and params", () => {
    const names = new TextEncoder().encode('x"]');
    expect(keyOf({ version: "a", params: names })).not.toBe(keyOf({ version: 'ax"]', params: new Uint8Array() }));
  });

  test("of anything", () => {
    const anyParts = fc.record({
      namespace: fc.string({ maxLength: 4 }),
      taskName: fc.string({ maxLength: 4 }),
      version: fc.string({ maxLength: 4 }),
      params: fc.uint8Array({ maxLength: 4 }),
    });
    // The digest itself is not on trial: what goes into it must differ.
    const input = (parts: KeyParts) => {
      let digested = "";
      taskKey(parts, (bytes) => {
        digested = Buffer.from(bytes).toString("hex");
        return digested;
      });
      return digested;
    };
    fc.assert(
      fc.property(anyParts, anyParts, (a, b) => {
        const same =
          a.namespace === b.namespace &&
          a.taskName === b.taskName &&
          a.version === b.version &&
          Buffer.from(a.params).equals(b.params);
        expect(input(a) === input(b)).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });
});
