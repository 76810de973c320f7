import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { namesInItem } from "../../sdk/gc/names.ts";
import {
  bundleMapObject,
  bundleObject,
  checkpointObject,
  contentObject,
  feedPartition,
  feedSortKey,
  type ItemKey,
  inboxKey,
  labKey,
  OBJECT_FOLDERS,
  RESULT_PREFIX,
  resultKey,
  resultObject,
  resultObjectOfRun,
  resultObjectsOfRun,
  runtimeObject,
  statisticsKey,
  withoutRuns,
} from "../../sdk/wire/keys.ts";

/** Names as users and generators make them, and the keys' own separators. */
const name = fc.oneof(fc.constantFrom("", "#", "R", "LAB#x", "0", "a#1"), fc.string({ maxLength: 6 }));
const text = ({ pk, sk }: ItemKey) => JSON.stringify([pk, sk]);
/** As DynamoDB and LMDB order them: by UTF-8. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Keys of objects of all kinds. */
const OBJECT_KEYS = [
  resultObject("k", "h"),
  contentObject("hash"),
  checkpointObject("k", "h", 0, 1),
  bundleObject("h"),
  bundleMapObject("h"),
  runtimeObject("h"),
];

describe("keys of objects", () => {
  test("begin with one of the folders that a clean-up goes through", () => {
    const folders = new Set(OBJECT_KEYS.map((key) => key.slice(0, key.indexOf("/"))));
    expect([...folders].sort()).toEqual([...OBJECT_FOLDERS].sort());
  });
});

describe("keys of the control table", () => {
  test("are these, in tables that exist already", () => {
    expect(resultKey("k")).toEqual({ pk: "R#k", sk: "R" });
    expect(labKey("l")).toEqual({ pk: "LABS", sk: "l" });
    expect(statisticsKey("ns", "train")).toEqual({ pk: "STATS#ns#train", sk: "STATS" });
    expect(inboxKey("e", 7)).toEqual({ pk: "IN#e", sk: "0000000007" });
    expect(feedPartition("f", 3)).toBe("FEED#f#3");
    expect(feedSortKey(1_700_000_000_000, "e", 12)).toBe("001700000000000#e#00000012");
  });

  test("of results for a run only are the run's own, and found as a whole wherever they are named", () => {
    const [run, other] = ["20261121-022500123-k3f9x2", "20261121-022500124-0a1b2c"];
    const [key, hash] = ["0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4)];
    const [name, another] = [run, other].map((each) => resultObjectOfRun(each)(key, hash));
    expect(name).toBe(`results/01/${key}-k3f9x2-fedcba9876543210`);
    expect(name).toContain(resultObjectsOfRun(key, run));
    expect(another).not.toContain(resultObjectsOfRun(key, run));
    const named = namesInItem({ pk: "R#", sk: "R", f: 1, v: Buffer.from(`x${name}y${another}`) });
    expect([...named]).toEqual([name, another]);
    // Apart from the run they are named as any result.
    expect(withoutRuns(`${name} ${another}`)).toBe(`${resultObject(key, hash)} ${resultObject(key, hash)}`);
    expect(withoutRuns(resultObject(key, hash))).toBe(resultObject(key, hash));
  });

  test("of different kinds never collide, whatever the names", () => {
    fc.assert(
      fc.property(name, name, fc.nat({ max: 1e9 }), (a, b, number) => {
        const keys = [
          resultKey(a),
          labKey(a),
          statisticsKey(a, b),
          inboxKey(a, number),
          { pk: feedPartition(a, number), sk: feedSortKey(number, b, number) },
        ];
        const partitions = keys.map(({ pk }) => pk);
        expect(new Set(partitions).size).toBe(keys.length);
      }),
      { numRuns: 2_000 },
    );
  });

  test("of one kind collide only where their names are equal", () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(a !== b);
        for (const keyOf of [resultKey, labKey]) {
          expect(text(keyOf(a))).not.toBe(text(keyOf(b)));
        }
      }),
    );
  });

  test("of statistics do not collide where namespace and task name may not hold a separator", () => {
    const word = fc.stringMatching(/^[\w.-]{1,6}$/);
    fc.assert(
      fc.property(word, word, word, word, (a, b, c, d) => {
        expect(text(statisticsKey(a, b)) === text(statisticsKey(c, d))).toBe(a === c && b === d);
      }),
    );
  });

  test("of results, and only those, start like results", () => {
    expect(resultKey("x").pk.startsWith(RESULT_PREFIX)).toBe(true);
    for (const { pk } of [labKey("x"), inboxKey("x", 1), statisticsKey("x", "y"), { pk: feedPartition("x", 1) }]) {
      expect(pk.startsWith(RESULT_PREFIX)).toBe(false);
    }
  });

  test("of letters sort by number", () => {
    fc.assert(
      fc.property(fc.nat({ max: 9_999_999_999 }), fc.nat({ max: 9_999_999_999 }), (a, b) => {
        expect(Math.sign(byBytes(inboxKey("e", a).sk, inboxKey("e", b).sk))).toBe(Math.sign(a - b));
      }),
    );
  });

  test("of feed events sort by time, then by executor, then by number", () => {
    const at = fc.record({
      time: fc.nat({ max: 4_102_444_800_000 }),
      executor: fc.stringMatching(/^[0-9a-f]{2}$/),
      sequence: fc.nat({ max: 99_999_999 }),
    });
    const keyOf = ({ time, executor, sequence }: { time: number; executor: string; sequence: number }) =>
      feedSortKey(time, executor, sequence);
    fc.assert(
      fc.property(at, at, (a, b) => {
        const expected = a.time - b.time || byBytes(a.executor, b.executor) || a.sequence - b.sequence;
        expect(Math.sign(byBytes(keyOf(a), keyOf(b)))).toBe(Math.sign(expected));
        // What a reader asks for, "from this time on", comes before everything of that time.
        expect(byBytes(feedSortKey(a.time, "", 0), keyOf(a))).toBeLessThan(0);
      }),
    );
  });
});

describe("keys of the object store", () => {
  test("are these, in buckets that exist already", () => {
    expect(resultObject("abcdef", "0123456789abcdef0123")).toBe("results/ab/abcdef-0123456789abcdef");
    expect(contentObject("0123456789abcdef".repeat(4))).toBe(`content/01/${"0123456789abcdef".repeat(4).slice(0, 40)}`);
    expect(bundleObject("h")).toBe("bundles/h.mjs");
    expect(bundleMapObject("h")).toBe("bundles/h.mjs.map");
    expect(runtimeObject("h")).toBe("runtime/h.mjs");
  });

  test("of different kinds never collide, and stay below their folder", () => {
    const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
    fc.assert(
      fc.property(hash, hash, (a, b) => {
        const keys = [resultObject(a, b), contentObject(a), bundleObject(a), bundleMapObject(a), runtimeObject(a)];
        expect(new Set(keys).size).toBe(keys.length);
        for (const key of keys) expect(key).toMatch(/^[a-z]+\/[0-9a-f/.-]+(mjs|map)?/);
      }),
    );
  });
});
