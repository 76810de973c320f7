import { describe, expect, test } from "vitest";
import { HandedResults } from "../../runtime/handed-results.ts";
import { findResults } from "../../sdk/stores/result-search.ts";
import type { AttemptSpec } from "../../sdk/wire/attempt.ts";
import type { Outcome, Success } from "../../sdk/wire/outcome.ts";
import { temporaryStores } from "../stores/folders.ts";
import { attempt, Dependency, INLINE, params } from "./attempts.ts";

type TestStores = Awaited<ReturnType<typeof temporaryStores>>;
type Run = Parameters<typeof attempt>[1];

/** Executes attempts that hand results on, as an executor does: the next one begins when the last has run. */
async function inOrder(
  stores: TestStores,
  steps: readonly (Partial<AttemptSpec> & { run: Run })[],
): Promise<Outcome[]> {
  const specs = steps.map(({ run: _, ...spec }) => ({ key: "", ...spec }) as AttemptSpec);
  const handed = HandedResults.of(specs);
  const outcomes: Promise<Outcome>[] = [];
  for (const [at, { run }] of steps.entries()) {
    await new Promise<void>((ran) => {
      outcomes.push(
        attempt(stores, run, specs[at], { handed, ran }).then((outcome) => {
          handed?.ended(specs[at], outcome);
          ran();
          return outcome;
        }),
      );
    });
  }
  return Promise.all(outcomes);
}

const on = (key: string) => ({ handed: [key], params: params({ input: new Dependency(key) }) });

describe("an attempt is handed the result of one before it", () => {
  test("without its being stored before, small or large, and as memory of its own", async () => {
    await using stores = await temporaryStores();
    for (const length of [2, INLINE]) {
      const bump = ({ input }: { input: Float64Array }) => {
        input[0] += 1;
        return input[0];
      };
      const [, ...others] = await inOrder(stores, [
        { key: `a${length}`, run: () => new Float64Array(length) },
        { key: `b${length}`, ...on(`a${length}`), run: bump as Run },
        { key: `c${length}`, ...on(`a${length}`), run: bump as Run },
      ]);
      expect(others.map(({ kind }) => kind)).toEqual(["ok", "ok"]);
      const values = await findResults(stores.table, [`b${length}`, `c${length}`]);
      // Both were given a zero: neither sees what the other has written to it.
      expect(new Set(values.map((record) => JSON.stringify(record?.value))).size).toBe(1);
    }
  });

  test("is passed over where that has none, with all behind it that need it, and no others", async () => {
    await using stores = await temporaryStores();
    const run = () => 1;
    const fails = () => {
      throw new Error("no");
    };
    const outcomes = await inOrder(stores, [
      { key: "a", run: fails },
      { key: "b", ...on("a"), run },
      { key: "c", ...on("b"), run },
      { key: "d", run },
      { key: "e", ...on("d"), run },
      { key: "f", ...on("taken away"), run },
    ]);
    const kinds = ["user-error", "passed-over", "passed-over", "ok", "ok", "passed-over"];
    expect(outcomes.map(({ kind }) => kind)).toEqual(kinds);
  });

  test("is passed over where another attempt's result counts", async () => {
    await using stores = await temporaryStores();
    await attempt(stores, () => "first", { key: "a" });
    const outcomes = await inOrder(stores, [
      { key: "a", run: () => "second" },
      { key: "b", ...on("a"), run: () => "of the second" },
    ]);
    expect(outcomes).toMatchObject([{ kind: "ok", superseded: true }, { kind: "passed-over" }]);
    expect(await findResults(stores.table, ["b"])).toEqual([undefined]);
  });
});

test("a result that nobody else needs is not stored: a small one is told, a large one is lost to others", async () => {
  await using stores = await temporaryStores();
  const size = ({ input }: { input: { length: number } }) => input.length;
  const outcomes = await inOrder(stores, [
    { key: "a", unstored: true, run: () => "small" },
    { key: "b", unstored: true, ...on("a"), run: () => new Float64Array(INLINE) },
    { key: "c", ...on("b"), run: size as Run },
  ]);
  const [small, large, last] = outcomes as Success[];
  expect([small.unstored, large.unstored, last.unstored]).toEqual([true, true, undefined]);
  expect(small.value).toHaveProperty("inline");
  expect(await stores.objects.has((large.value as { object: string }).object)).toBe(false);
  expect((await findResults(stores.table, ["a", "b", "c"])).map((record) => record?.key)).toEqual([
    undefined,
    undefined,
    "c",
  ]);
});
