import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrderedCommits } from "../../runtime/ordered-commits.ts";
import type { ControlTable } from "../../sdk/stores/control-table.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { findResults } from "../../sdk/stores/result-search.ts";
import { commitResult } from "../../sdk/stores/results.ts";
import { temporaryStores } from "../stores/folders.ts";

const slotWith = (text: string) => ({ inline: Buffer.from(text) });
const recordOf = (key: string, value: string, runId = "here"): ResultRecord => ({
  key,
  namespace: "default",
  name: "link",
  version: "1",
  generation: 0,
  value: slotWith(value),
  params: slotWith("params"),
  runId,
  attempt: 1,
  endedAt: 1_763_690_700_000,
  durationMs: 1,
  peakMemoryMb: 1,
});
const stored = async (table: ControlTable, key: string) => {
  const [record] = await findResults(table, [key]);
  return record && "inline" in record.value ? Buffer.from(record.value.inline).toString() : undefined;
};

describe("results that were computed from each other are committed", () => {
  test("in their order, and told as what counts", async () => {
    await using stores = await temporaryStores();
    const commits = new OrderedCommits();
    const told: string[] = [];
    const all = ["a", "b", "c"].map(async (key, at, keys) => {
      const committed = await commits.commit(stores.table, {
        key,
        needs: keys.slice(0, at),
        record: recordOf(key, key),
      });
      told.push(`${key} ${committed?.own}`);
    });
    await Promise.all(all);
    expect(told).toEqual(["a true", "b true", "c true"]);
    expect(await Promise.all(["a", "b", "c"].map((key) => stored(stores.table, key)))).toEqual(["a", "b", "c"]);
  });

  test("unless what they were computed from had been won by another value", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, recordOf("a", "another", "elsewhere"));
    const commits = new OrderedCommits();
    const commit = (key: string, needs: readonly string[]) =>
      commits.commit(stores.table, { key, needs, record: recordOf(key, key) });
    const [a, b, c, other] = await Promise.all([
      commit("a", []),
      commit("b", ["a"]),
      commit("c", ["b"]),
      commit("d", []),
    ]);
    expect([a?.own, b, c, other?.own]).toEqual([false, undefined, undefined, true]);
    expect(await Promise.all(["a", "b", "c", "d"].map((key) => stored(stores.table, key)))).toEqual([
      "another",
      undefined,
      undefined,
      "d",
    ]);
  });

  test("also where another had won with the same value", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, recordOf("a", "a", "elsewhere"));
    const commits = new OrderedCommits();
    const [a, b] = await Promise.all([
      commits.commit(stores.table, { key: "a", needs: [], record: recordOf("a", "a") }),
      commits.commit(stores.table, { key: "b", needs: ["a"], record: recordOf("b", "b") }),
    ]);
    expect([a?.own, b?.own]).toEqual([false, true]);
  });

  test("or not at all, where the first cannot be; what does not need it is", async () => {
    await using stores = await temporaryStores();
    // The real table, but for one item that it refuses.
    const table = Object.create(stores.table) as ControlTable;
    table.putInOrder = async (writes) => {
      const at = writes.findIndex(({ item }) => item.pk.endsWith("#b"));
      if (at === 0) throw new Error("the table is throttled");
      return stores.table.putInOrder(at < 0 ? writes : writes.slice(0, at));
    };
    const commits = new OrderedCommits();
    const commit = (key: string, needs: readonly string[]) =>
      commits.commit(table, { key, needs, record: recordOf(key, key) });
    const ended = await Promise.allSettled([
      commit("a", []),
      commit("b", ["a"]),
      commit("c", ["b"]),
      commit("d", ["a"]),
    ]);
    expect(ended.map((each) => (each.status === "rejected" ? "rejected" : each.value?.own))).toEqual([
      true,
      "rejected",
      undefined,
      true,
    ]);
    expect(await stored(stores.table, "c")).toBeUndefined();
  });

  test("so that in any DAG whatever is stored was computed from what is stored", async () => {
    await using stores = await temporaryStores();
    let round = 0;
    const entries = fc.array(
      fc.record({ needs: fc.array(fc.nat(), { maxLength: 3 }), isStored: fc.boolean(), isWon: fc.boolean() }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(entries, async (dag) => {
        round += 1;
        const keyOf = (at: number) => `${round}.${at}`;
        const needsOf = (at: number) => (at === 0 ? [] : [...new Set(dag[at].needs.map((need) => need % at))]);
        for (const [at, { isWon }] of dag.entries()) {
          if (isWon) await commitResult(stores.table, recordOf(keyOf(at), "another", "elsewhere"));
        }
        const commits = new OrderedCommits();
        const ended = await Promise.all(
          dag.map(({ isStored }, at) => {
            const record = isStored ? recordOf(keyOf(at), keyOf(at)) : undefined;
            return commits.commit(stores.table, { key: keyOf(at), needs: needsOf(at).map(keyOf), record });
          }),
        );
        // What this one's value may count for: its own was committed, or was not to be stored.
        const isSound = (at: number): boolean => needsOf(at).every(isSound) && !(dag[at].isStored && dag[at].isWon);
        for (const [at, { isStored, isWon }] of dag.entries()) {
          const mayCount = needsOf(at).every(isSound);
          expect(ended[at] !== undefined).toBe(mayCount);
          const expected = isWon ? "another" : mayCount && isStored ? keyOf(at) : undefined;
          expect(await stored(stores.table, keyOf(at))).toBe(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});
