import { describe, expect, test } from "vitest";
import type { ControlTable, WriteResult } from "../../sdk/stores/control-table.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { findResults, listResults } from "../../sdk/stores/result-search.ts";
import { commitResult, deleteResults, readResults } from "../../sdk/stores/results.ts";
import { resultKey } from "../../sdk/wire/keys.ts";
import { temporaryStores } from "./folders.ts";

const record = (changes: Partial<ResultRecord> = {}): ResultRecord => ({
  key: "k1",
  namespace: "default",
  name: "train",
  version: "0123456789abcdef",
  generation: 0,
  value: { inline: Uint8Array.of(1, 2, 3) },
  params: { inline: Uint8Array.of(4) },
  runId: "run-1",
  attempt: 1,
  endedAt: 1_763_690_700_123,
  durationMs: 12.5,
  peakMemoryMb: 120,
  ...changes,
});

const stored = { object: "results/k1/x", bytes: 2 ** 33, hash: "f".repeat(64) };

async function all(records: AsyncIterable<ResultRecord>): Promise<ResultRecord[]> {
  const found: ResultRecord[] = [];
  for await (const each of records) found.push(each);
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

describe("committing a result", () => {
  test("makes it durable, and one's own", async () => {
    await using stores = await temporaryStores();
    expect(await commitResult(stores.table, record())).toEqual({ record: record(), own: true });
    expect(await findResults(stores.table, ["k1"])).toEqual([record()]);
  });

  test("gives the winner's to whoever comes second", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record());
    const late = record({ runId: "run-2", value: { inline: Uint8Array.of(9) }, endedAt: 5 });
    expect(await commitResult(stores.table, late)).toEqual({ record: record(), own: false });
    expect(await findResults(stores.table, ["k1"])).toEqual([record()]);
  });

  test("tells a second attempt of the same run from the first", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record());
    expect((await commitResult(stores.table, record({ attempt: 2 }))).own).toBe(false);
  });

  test("knows itself when its first answer was lost and it was sent again", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record());
    expect(await commitResult(stores.table, record())).toEqual({ record: record(), own: true });
  });

  test("of many at once has one winner, and all agree on it", async () => {
    await using stores = await temporaryStores();
    const committed = await Promise.all(
      Array.from({ length: 20 }, (_, attempt) => commitResult(stores.table, record({ attempt }))),
    );
    expect(committed.filter(({ own }) => own)).toHaveLength(1);
    const [winner] = (await findResults(stores.table, ["k1"])) as [ResultRecord];
    for (const each of committed) expect(each.record).toEqual(winner);
  });

  test("replaces one of a smaller generation, and nothing else", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record());
    const newer = record({ generation: 100, runId: "run-2" });
    expect(await commitResult(stores.table, newer)).toEqual({ record: newer, own: true });
    expect(await commitResult(stores.table, record({ generation: 100, runId: "run-3" }))).toEqual({
      record: newer,
      own: false,
    });
    expect(await commitResult(stores.table, record({ generation: 99, runId: "run-4" }))).toEqual({
      record: newer,
      own: false,
    });
  });

  test("keeps slots of both kinds, for the value and the params", async () => {
    await using stores = await temporaryStores();
    const large = record({ value: stored, params: { ...stored, object: "content/p" } });
    await commitResult(stores.table, large);
    expect(await findResults(stores.table, ["k1"])).toEqual([large]);
    const replaced = record({
      generation: 1,
      value: { inline: new Uint8Array() },
      params: { inline: new Uint8Array() },
    });
    await commitResult(stores.table, replaced);
    expect(await findResults(stores.table, ["k1"])).toEqual([replaced]);
  });

  test("fits one write unit of 1 KB with a small result, and an item's bound with the largest inline one", async () => {
    let largest = 0;
    const measuring = {
      putIf: async (item: Readonly<Record<string, unknown>>): Promise<WriteResult> => {
        largest = 0;
        for (const [name, value] of Object.entries(item)) {
          largest += name.length + (value instanceof Uint8Array ? value.byteLength : String(value).length);
        }
        return { written: true };
      },
    } as unknown as ControlTable;
    const key = "0".repeat(32);
    await commitResult(measuring, record({ key, value: { inline: new Uint8Array(300) } }));
    expect(largest).toBeLessThan(1_024);
    const inline = new Uint8Array(2_048);
    await commitResult(measuring, record({ key, value: { inline }, params: stored }));
    expect(largest).toBeLessThan(4_096);
  });
});

describe("reading results", () => {
  test("gives them in the order of the keys, undefined where there is none", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record({ key: "b" }));
    await commitResult(stores.table, record({ key: "a" }));
    const found = await findResults(stores.table, ["a", "missing", "b", "a"]);
    expect(found.map((each) => each?.key)).toEqual(["a", undefined, "b", "a"]);
  });

  test("gives bytes that stay as they are, whatever is read afterwards", async () => {
    await using stores = await temporaryStores();
    for (let index = 0; index < 20; index++) {
      await commitResult(stores.table, record({ key: `k${index}`, value: { inline: new Uint8Array(50).fill(index) } }));
    }
    const found = await findResults(
      stores.table,
      Array.from({ length: 20 }, (_, index) => `k${index}`),
    );
    found.forEach((each, index) => {
      expect(each?.value).toEqual({ inline: new Uint8Array(50).fill(index) });
    });
  });

  test("finds what is forgotten no more, and only that", async () => {
    await using stores = await temporaryStores();
    for (const key of ["a", "b"]) await commitResult(stores.table, record({ key }));
    await deleteResults(stores.table, [record({ key: "a" }), record({ key: "missing" })]);
    expect((await findResults(stores.table, ["a", "b"])).map((each) => each?.key)).toEqual([undefined, "b"]);
    expect(await commitResult(stores.table, record({ key: "a", runId: "new" }))).toMatchObject({ own: true });
  });
});

describe("listing results", () => {
  test("gives those of a namespace, and nothing else that is in the table", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record({ key: "a" }));
    await commitResult(stores.table, record({ key: "b", namespace: "other" }));
    await commitResult(stores.table, record({ key: "c", value: stored }));
    await stores.table.put({ pk: "LAB#a", sk: "LAB", ns: "default" });
    expect(await all(listResults(stores.table, "default"))).toEqual([
      record({ key: "a" }),
      record({ key: "c", value: stored }),
    ]);
    expect(await all(listResults(stores.table, "nobody's"))).toEqual([]);
  });

  test("is by the keys that are stored", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record({ key: "a" }));
    expect(await stores.table.get(resultKey("a"))).toMatchObject({ n: "train", ns: "default", g: 0 });
  });
});

describe("looking many results up", () => {
  test("reads a bounded number of items at once, and lets others have their turn", async () => {
    await using stores = await temporaryStores();
    await commitResult(stores.table, record({ key: "k0" }));
    await commitResult(stores.table, record({ key: "k24999" }));
    const sizes: number[] = [];
    const table = new Proxy(stores.table, {
      get: (target, name) =>
        name === "getMany"
          ? (keys: readonly { pk: string; sk: string }[]) => {
              sizes.push(keys.length);
              return target.getMany(keys);
            }
          : Reflect.get(target, name, target),
    });
    const names = Array.from({ length: 25_000 }, (_, index) => ({ ...record(), key: `k${index}` }));
    let turns = 0;
    const others = setInterval(() => {
      turns += 1;
    });
    const found = await readResults(table, names);
    clearInterval(others);
    expect(sizes).toEqual([10_000, 10_000, 5_000]);
    expect(turns).toBeGreaterThan(0);
    expect(found.flatMap((each) => each?.key ?? [])).toEqual(["k0", "k24999"]);
    expect(found).toHaveLength(25_000);
  });
});
