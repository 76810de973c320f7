import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ControlTable, Item } from "../../sdk/stores/control-table.ts";
import { fingerprintOfInputs } from "../../sdk/stores/inputs-fingerprint.ts";
import { packedSizes } from "../../sdk/stores/pack-sizes.ts";
import { PackingTable } from "../../sdk/stores/packing-table.ts";
import type { ResultRecord } from "../../sdk/stores/result-items.ts";
import { findResults, listResults } from "../../sdk/stores/result-search.ts";
import { noteType } from "../../sdk/stores/result-types.ts";
import { commitResult, deleteResults, readCounting, readResults } from "../../sdk/stores/results.ts";
import {
  depthHeader,
  type ItemKey,
  KEYED_HEADER,
  LISTED_HEADER,
  packPartition,
  RESULT_PREFIX,
  resultKey,
  resultObjectOfRun,
} from "../../sdk/wire/keys.ts";
import type { Slot } from "../../sdk/wire/slot.ts";
import { packingTable } from "../support/packing.ts";
import { temporaryStores } from "./folders.ts";

const hash = (n: number) => n.toString(16).padStart(64, "0");
const inline = (...bytes: number[]): Slot => ({ inline: Uint8Array.from(bytes) });

const record = (n: number, changes: Partial<ResultRecord> = {}): ResultRecord => ({
  key: hash(n),
  namespace: "default",
  name: "train",
  version: "0123456789abcdef",
  generation: 0,
  value: inline(n),
  params: inline(4),
  runId: "run-1",
  attempt: 1,
  endedAt: 1_763_690_700_123 + n,
  durationMs: 12.5,
  peakMemoryMb: 120,
  ...changes,
});

async function packingStores() {
  const stores = await temporaryStores();
  const table = packingTable(stores.table);
  return { table, inner: stores.table, [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose]() };
}

const packsIn = (table: ControlTable, { namespace, name, version } = record(0)) =>
  table.query(packPartition(namespace, name, version), { after: LISTED_HEADER });

/** A table that tells what is asked of it. */
const watched = (table: ControlTable, tell: (what: string) => void) =>
  new Proxy(table, {
    get(target, property) {
      const found = Reflect.get(target, property);
      if (typeof found !== "function") return found;
      return (...given: unknown[]) => {
        const [of] = given as [string | ItemKey | readonly ItemKey[]];
        const keys = property === "getMany" ? (of as readonly ItemKey[]) : [of as string | ItemKey];
        for (const key of keys) {
          const what = typeof key === "string" ? key : key.pk;
          tell(`${property === "getMany" ? "get" : String(property)} ${what}`);
        }
        return Reflect.apply(found, target, given);
      };
    },
  });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of items) found.push(each);
  return found;
}

describe("results in packs", () => {
  test("are read as they were written, many in one item", async () => {
    await using stores = await packingStores();
    const records = [
      record(1),
      record(2, { value: { object: "results/k1/x", bytes: 2 ** 33, hash: "f".repeat(64) } }),
      record(3, { keepMs: 0, endedAt: 1_763_690_700_000 }),
      record(4, { keepMs: 5_000, inputs: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), generation: 1_763_690_700_000 }),
      record(5, { key: "no hash", inputs: Uint8Array.of(1), durationMs: 3_600_000_000.25 }),
    ];
    await noteType(stores.table, record(1));
    await stores.table.packs.write(records);
    expect(await readResults(stores.table, records)).toEqual(records);
    expect(await packsIn(stores.inner)).toHaveLength(1);
    expect(await all(listResults(stores.table, "default"))).toEqual(records);
    expect(await all(listResults(stores.table, "other"))).toEqual([]);
  });

  test("take under 80 bytes each where they are small", async () => {
    await using stores = await packingStores();
    const records = Array.from({ length: 100 }, (_, n) => record(n));
    await stores.table.packs.write(records);
    const [item] = await packsIn(stores.inner);
    expect((item.e as Uint8Array).byteLength / records.length).toBeLessThan(80);
  });

  test("of unknown type are found by asking each type, the latest first, until all are found; by name only those of it", async () => {
    await using stores = await packingStores();
    const asked: string[] = [];
    const table = packingTable(
      watched(stores.inner, (what) => {
        asked.push(what);
      }),
    );
    const records = ["a", "b", "c"].map((name, n) => record(n, { name }));
    for (const each of records) {
      await noteType(table, each);
      await table.packs.write([each]);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // One of a type that has keys of its own.
    const keyed = record(7, { name: "d" });
    await noteType(table, keyed);
    await table.packs.note(keyed, KEYED_HEADER);
    await commitResult(stores.inner, keyed);
    asked.length = 0;
    const queryOf = (name: string) => `query ${packPartition("default", name, "0123456789abcdef")}`;
    const [, b, c] = records as [ResultRecord, ResultRecord, ResultRecord];
    expect(await findResults(table, [b.key], () => "b")).toEqual([b]);
    expect(asked.splice(0)).toEqual(["query TYPES", queryOf("b"), queryOf("b")]);
    expect(await findResults(table, [keyed.key, hash(99), c.key])).toEqual([keyed, undefined, c]);
    expect(asked.filter((what) => what.startsWith("query"))).toHaveLength(5);
    expect(asked.splice(0)).toContain(`get ${resultKey(keyed.key).pk}`);
    expect(await findResults(table, [])).toEqual([]);
  });

  test("are listed by the partitions of the types that are meant; where they are too many, or have keys, all are read through", async () => {
    await using stores = await packingStores();
    const asked: string[] = [];
    const table = packingTable(watched(stores.inner, (what) => void asked.push(what)));
    const records = Array.from({ length: 40 }, (_, n) =>
      record(n, { key: (n * 6).toString(16).padStart(2, "0").padEnd(64, "0"), name: n % 2 === 0 ? "a" : "b" }),
    );
    const [a, b] = records as [ResultRecord, ResultRecord];
    for (const type of [a, b]) await noteType(table, type);
    await table.packs.note(a, depthHeader(2));
    await table.packs.write(records.slice(0, 20), { depths: { a: 2 } });
    await table.packs.write(records.slice(20));
    const listed = async (name: string) => {
      const found = await all(listResults(table, "default", (type) => type.name === name));
      const inOrder = (some: readonly ResultRecord[]) => some.toSorted((x, y) => (x.key < y.key ? -1 : 1));
      expect(inOrder(found)).toEqual(inOrder(records.filter((each) => each.name === name)));
      return asked.splice(0);
    };
    asked.length = 0;
    expect(await listed("b")).toHaveLength(2);
    expect(await listed("a")).toHaveLength(1 + 1 + 256);
    await table.packs.note(a, depthHeader(3));
    expect(await listed("a")).toContain("scan R#");
    await table.packs.note(b, KEYED_HEADER);
    expect(await listed("b")).toContain("scan R#");
  });

  test("of one task are looked for in a part of each partition, where packs have keys that are close together", async () => {
    await using stores = await packingStores();
    const table = packingTable(stores.inner);
    const records = Array.from({ length: 1_024 }, (_, n) =>
      record(n, { key: (n * 64).toString(16).padStart(4, "0").padEnd(64, "0") }),
    );
    await table.packs.note(records[0]!, depthHeader(1));
    for (let n = 0; n < records.length; n += 8) {
      await table.packs.write(records.slice(n, n + 8), { depths: n % 16 === 0 ? {} : { train: 1 } });
    }
    const scattered = [3, 300, 900].map((n) => ({ ...records[n]!, generation: 1 }));
    await table.packs.write(scattered);
    let read = 0;
    const counting = packingTable(
      new Proxy(stores.inner, {
        get: (inner, property) => {
          const found = Reflect.get(inner, property);
          if (typeof found !== "function") return found;
          if (property !== "query") return found.bind(inner);
          return async (...given: Parameters<ControlTable["query"]>) => {
            const items = await inner.query(...given);
            read += items.length;
            return items;
          };
        },
      }),
    );
    for (const n of [0, 3, 5, 8, 300, 777, 900, 1_016, 1_023]) {
      read = 0;
      const expected = scattered.find(({ key }) => key === records[n]!.key) ?? records[n];
      expect(await readResults(counting, [records[n]!])).toEqual([expected]);
      // Of 64 in the first partition and 4 in the other: the header, the scattered one, those nearby.
      expect(read).toBeLessThan(2 + 6 + 5);
    }
    // What a part lets expect is about what there is.
    const { count } = await packedSizes(counting.packs, record(0), records[500]!.key);
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(800);
  });

  test("that leave a pack at the same time take one write of it", async () => {
    await using stores = await packingStores();
    let writes = 0;
    const table = packingTable(
      watched(stores.inner, (what) => {
        if (what.startsWith("merge")) writes += 1;
      }),
    );
    const records = Array.from({ length: 100 }, (_, n) => record(n));
    await table.packs.write(records);
    const items = await all(table.scan(RESULT_PREFIX));
    const isSame = (item: Item) => ({ when: "equals", attribute: "t", value: item.t }) as const;
    const gone = await Promise.all(items.slice(0, 99).map((item) => table.deleteIf(item, isSame(item))));
    expect(gone).toEqual(gone.map(() => true));
    expect(writes).toBe(1);
    expect(await table.deleteIf(items[0]!, isSame(items[0]!))).toBe(false);
    expect(await all(table.scan(RESULT_PREFIX))).toEqual([items[99]]);
  });

  test("of several types are all there or none", async () => {
    await using stores = await packingStores();
    const records = [record(1), record(2, { name: "score" }), record(3, { version: "2" })];
    await stores.table.packs.write(records);
    expect(await readResults(stores.table, records)).toEqual(records);
    expect(await packsIn(stores.inner)).toHaveLength(1);
  });

  test("are asked for with one query a type, and by key only where that was said before", async () => {
    await using stores = await packingStores();
    const asked: string[] = [];
    const counting = packingTable({
      ...stores.inner,
      query: (pk) => {
        asked.push(`query ${pk}`);
        return stores.inner.query(pk);
      },
      getMany: (keys) => {
        asked.push(...keys.map(({ pk }) => `get ${pk}`));
        return stores.inner.getMany(keys);
      },
      put: (item) => stores.inner.put(item),
    } as ControlTable);
    const wanted = [record(1), record(2)];
    const query = "query R#!default#train#0123456789abcdef";
    await readResults(counting, wanted);
    expect(asked.splice(0)).toEqual([query]);
    await counting.packs.note(record(1), KEYED_HEADER);
    await readResults(counting, wanted);
    expect(asked.splice(0)).toEqual([query, `get R#${hash(1)}`, `get R#${hash(2)}`]);
  });

  test("at a depth are asked for by the first digits of their keys only", async () => {
    await using stores = await packingStores();
    const [a, b, c] = ["a1", "a2", "bf"].map((digits) => record(1, { key: digits.padEnd(32, "0") }));
    await stores.table.packs.note(a, depthHeader(1));
    await stores.table.packs.note(a, depthHeader(2));
    await stores.table.packs.write([a, b], { depths: { train: 1 } });
    await stores.table.packs.write([b, c], { depths: { train: 2 } });
    const asked: string[] = [];
    const counting = packingTable({
      query: (...given: Parameters<ControlTable["query"]>) => {
        asked.push(given[0]);
        return stores.inner.query(...given);
      },
      getMany: (keys: readonly ItemKey[]) => stores.inner.getMany(keys),
    } as unknown as ControlTable);
    expect(await readResults(counting, [a, b])).toEqual([a, b]);
    const partition = (prefix: string) => packPartition("default", "train", "0123456789abcdef", prefix);
    expect(asked.splice(0)).toEqual([partition(""), partition("a"), partition("a1"), partition("a2")]);
    expect(await readResults(counting, [c])).toEqual([c]);
    // One task alone is looked for among packs of any keys, and among those that are near its own.
    expect(new Set(asked)).toEqual(new Set([partition(""), partition("b"), partition("bf")]));
    expect(asked.splice(0)).toHaveLength(6);
    // What was read just now is asked for again only where it may be too old.
    await readResults(counting, [a, c]);
    asked.length = 0;
    await counting.packs.find(a, [a.key, c.key], 60_000);
    expect(asked).toEqual([]);
  });

  test("at several depths count as one set, whatever the order in which they came", async () => {
    const digits = fc.constantFrom("0", "1", "a");
    const tuple = fc.record({
      n: fc.integer({ min: 0, max: 5 }),
      value: fc.integer({ min: 0, max: 2 }),
      from: fc.integer({ min: 0, max: 2 }),
      generation: fc.constantFrom(0, 0, 0, 7),
      depth: fc.integer({ min: 0, max: 3 }),
    });
    const property = fc.asyncProperty(
      fc.array(tuple, { minLength: 1, maxLength: 14 }),
      fc.array(fc.tuple(digits, digits, digits), { minLength: 6, maxLength: 6 }),
      fc.array(fc.integer({ min: 0, max: 13 }), { maxLength: 3 }),
      async (written, prefixes, forgotten) => {
        // Each of the second three was computed from one of the first three.
        const nameOf = (n: number) => ({
          key: `${prefixes[n]!.join("")}${n}`.padEnd(32, "0"),
          name: n < 3 ? "a" : "b",
        });
        const records = written.map(({ n, value, from, generation }, at) => {
          const inputs = n < 3 ? undefined : fingerprintOfInputs({ [nameOf(n - 3).key]: inline(from) });
          const changes = { ...nameOf(n), value: inline(value), generation, endedAt: at, runId: `run-${at}` };
          return record(n, { ...changes, ...(inputs ? { inputs } : {}) });
        });
        const nodes = [0, 1, 2, 3, 4, 5].map((n) => ({ ...record(n, nameOf(n)), dependencies: n < 3 ? [] : [n - 3] }));
        await using deep = await packingStores();
        await using flat = await packingStores();
        for (const n of [0, 3]) for (const { table } of [deep, flat]) await noteType(table, nodes[n]!);
        for (const depth of [1, 2, 3])
          for (const n of [0, 3]) await deep.table.packs.note(nodes[n], depthHeader(depth));
        for (const [at, each] of records.entries()) {
          const depth = written[at]!.depth;
          await deep.table.packs.write([each], { depths: { a: depth, b: depth }, isLoose: at % 2 === 0 });
        }
        for (const each of records.toReversed()) await flat.table.packs.write([each]);
        const gone = forgotten.flatMap((at) => records[at] ?? []);
        await deleteResults(deep.table, gone);
        await deleteResults(flat.table, gone);
        const found = await readCounting(deep.table, nodes);
        expect(found).toEqual(await readCounting(flat.table, nodes));
        const listed = async (table: ControlTable) =>
          (await all(listResults(table, "default"))).map(({ runId }) => runId).sort();
        expect(await listed(deep.table)).toEqual(await listed(flat.table));
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test("for more partitions than go together are written in their order", async () => {
    await using stores = await packingStores();
    const written: (readonly string[])[] = [];
    const table = new PackingTable(stores.inner, async (items) => {
      written.push(items.map(({ pk }) => pk));
      if (written.length === 2) throw new Error("the table is away");
      for (const item of items) await stores.inner.put(item);
    });
    const records = Array.from({ length: 250 }, (_, n) =>
      record(n, { key: `${n.toString(16).padStart(2, "0")}`.padEnd(32, "0") }),
    );
    await table.packs.note(records[0]!, depthHeader(2));
    const writing = table.packs.write([...records, ...records.slice(200)], { depths: { train: 2 } });
    await expect(writing).rejects.toThrow("the table is away");
    expect(written.map(({ length }) => length)).toEqual([100, 100]);
    const found = await readResults(table, records);
    expect(found.map((each) => each !== undefined)).toEqual(records.map((_, n) => n < 100));
  });

  test("and those under keys of their own count as one set", async () => {
    await using stores = await packingStores();
    await stores.table.packs.note(record(1), KEYED_HEADER);
    await stores.table.packs.write([record(1, { endedAt: 20 }), record(2, { endedAt: 10 })]);
    for (const n of [1, 2]) await commitResult(stores.table, record(n, { endedAt: 15, runId: "keyed" }));
    const found = await readResults(stores.table, [record(1), record(2)]);
    expect(found.map((each) => each?.runId)).toEqual(["keyed", "run-1"]);
    await stores.table.packs.write([record(2, { generation: 7, runId: "anew" })]);
    expect((await readResults(stores.table, [record(2)]))[0]?.runId).toBe("anew");
  });

  test("that were computed from a value that does not count do not either", async () => {
    await using stores = await packingStores();
    const [a, b] = [record(1), record(2, { name: "score" })];
    const from = (value: Slot) => ({ inputs: fingerprintOfInputs({ [a.key]: value }) });
    await stores.table.packs.write([
      { ...a, endedAt: 5, value: inline(5) },
      { ...b, ...from(inline(5)) },
    ]);
    const nodes = [
      { ...a, dependencies: [] },
      { ...b, dependencies: [0] },
    ];
    expect((await readCounting(stores.table, nodes)).map((each) => each?.value)).toEqual([inline(5), inline(2)]);
    // Somebody else was faster with another value, and slower with what follows.
    await stores.table.packs.write([{ ...a, endedAt: 4, value: inline(4) }]);
    expect((await readCounting(stores.table, nodes)).map((each) => each?.value)).toEqual([inline(4), undefined]);
    await stores.table.packs.write([{ ...b, ...from(inline(4)), value: inline(44), endedAt: 6e12 }]);
    expect((await readCounting(stores.table, nodes)).map((each) => each?.value)).toEqual([inline(4), inline(44)]);
  });

  test("that were computed from equal values count, whichever run's object or return those lie in", async () => {
    const [a, b] = [record(1, { keepMs: 0 }), record(2, { name: "score" })];
    const nodes = [
      { ...a, dependencies: [] },
      { ...b, dependencies: [0] },
    ];
    const objectOf = (runId: string) => resultObjectOfRun(runId)(a.key, "f".repeat(64));
    const asObject = (runId: string): Slot => ({ object: objectOf(runId), bytes: 9, hash: "h" });
    const asReturn = (runId: string): Slot => ({ inline: Buffer.from(`returns in ${objectOf(runId)}`) });
    for (const valueIn of [asObject, asReturn]) {
      await using stores = await packingStores();
      const [one, other] = ["20261121-022500123-k3f9x2", "20261121-022500124-0a1b2c"].map(valueIn) as [Slot, Slot];
      await stores.table.packs.write([
        { ...a, endedAt: 5, value: one },
        { ...b, inputs: fingerprintOfInputs({ [a.key]: one }) },
      ]);
      // Somebody else has made the same, and was faster.
      await stores.table.packs.write([{ ...a, endedAt: 4, value: other }]);
      expect((await readCounting(stores.table, nodes)).map((each) => each?.endedAt)).toEqual([4, b.endedAt]);
    }
  });

  test("are forgotten one by one, in every pack; an empty one goes", async () => {
    await using stores = await packingStores();
    await noteType(stores.table, record(1));
    await stores.table.packs.write([record(1), record(2)]);
    await stores.table.packs.write([record(1, { runId: "run-2" })]);
    await deleteResults(stores.table, [record(1), record(9)]);
    expect((await all(listResults(stores.table, undefined))).map(({ key }) => key)).toEqual([hash(2)]);
    expect(await packsIn(stores.inner)).toHaveLength(1);
    await deleteResults(stores.table, [record(2)]);
    expect(await packsIn(stores.inner)).toEqual([]);
  });

  test("that several forget at once are all gone", async () => {
    await using stores = await packingStores();
    const other = packingTable(stores.inner);
    await stores.table.packs.write(Array.from({ length: 40 }, (_, n) => record(n)));
    const halves = [0, 1].map((half) => Array.from({ length: 20 }, (_, n) => record(2 * n + half)));
    await Promise.all([deleteResults(stores.table, halves[0]), deleteResults(other, halves[1])]);
    expect(await packsIn(stores.inner)).toEqual([]);
  });

  test("are items of their own to whoever goes through the table, and go by condition", async () => {
    await using stores = await packingStores();
    await stores.table.packs.note(record(1), KEYED_HEADER);
    await stores.table.packs.note(record(1), depthHeader(3));
    await stores.table.packs.write([record(1, { keepMs: 1_000 })], { depths: { train: 3 } });
    await stores.table.packs.write([record(2)]);
    const items = await all(stores.table.scan(""));
    expect(items.map(({ pk }) => pk)).toEqual([resultKey(hash(1)).pk, resultKey(hash(2)).pk]);
    const [first] = items as [Item, Item];
    expect(await stores.table.get(first)).toEqual(first);
    expect(await stores.table.deleteIf(first, { when: "equals", attribute: "t", value: 1 })).toBe(false);
    expect(await stores.table.deleteIf(first, { when: "equals", attribute: "t", value: first.t })).toBe(true);
    expect(await stores.table.get(first)).toBeUndefined();
    expect((await all(stores.table.scan(RESULT_PREFIX))).map(({ pk }) => pk)).toEqual([resultKey(hash(2)).pk]);
  });

  test("expire by themselves only together", async () => {
    await using stores = await packingStores();
    await stores.table.packs.write([record(1, { keepMs: 1_000 }), record(2, { keepMs: 9_000 })]);
    await stores.table.packs.write([record(3, { keepMs: 1_000, name: "score" }), record(4, { name: "score" })]);
    const [both] = await packsIn(stores.inner);
    expect(both.ttl).toBe(Math.ceil((record(2).endedAt + 9_000 + 86_400_000) / 1_000));
    const [mixed] = await packsIn(stores.inner, record(3, { name: "score" }));
    expect(mixed.ttl).toBeUndefined();
  });

  test("of a newer version are refused by name", async () => {
    await using stores = await packingStores();
    await stores.table.packs.write([record(1)]);
    const [item] = await packsIn(stores.inner);
    await stores.inner.put({ ...item, f: 999 });
    await expect(readResults(stores.table, [record(1)])).rejects.toThrow(/the stored results R#!default#train/);
  });
});
