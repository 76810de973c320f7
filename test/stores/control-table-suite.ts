import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Attribute, ControlTable, Item, WriteResult } from "../../sdk/stores/control-table.ts";

/** How a table is made for the suite, and what is left to do afterwards. */
export interface ControlTableUnderTest {
  readonly table: ControlTable;
  readonly release?: () => Promise<void>;
}

/** As every control table orders sort keys: by their bytes in UTF-8. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Binary attributes in one class, whichever the store gives them in. */
const plain = (item: Item | undefined): Item | undefined =>
  item &&
  (Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, value instanceof Uint8Array ? Uint8Array.from(value) : value]),
  ) as unknown as Item);

/** What every control table has to get right. */
export function testControlTable(
  name: string,
  open: () => Promise<ControlTableUnderTest>,
  {
    batches = true,
  }: { /** Whether it has bounds on batches and pages that are to be exceeded. */ batches?: boolean } = {},
): void {
  describe(`the control table on ${name}`, () => {
    let table: ControlTable;
    let release: (() => Promise<void>) | undefined;

    beforeAll(async () => {
      ({ table, release } = await open());
    });
    afterAll(async () => {
      await table.close();
      await release?.();
    });

    /** A partition that nobody else writes to. */
    const fresh = () => `T#${randomBytes(8).toString("hex")}`;
    const winners = (results: readonly WriteResult[]) => results.filter(({ written }) => written).length;

    describe("deleteIf", () => {
      test("deletes an item of which the condition holds, and says so", async () => {
        const key = { pk: fresh(), sk: "s" };
        await table.put({ ...key, n: 5, other: "x" });
        expect(await table.deleteIf(key, { when: "equals", attribute: "n", value: 6 })).toBe(false);
        expect(await table.deleteIf(key, { when: "equals", attribute: "missing", value: 5 })).toBe(false);
        expect(await table.deleteIf(key, { when: "absent-or-below", attribute: "n", value: 5 })).toBe(false);
        expect(await table.get(key)).toMatchObject({ n: 5 });
        expect(await table.deleteIf(key, { when: "equals", attribute: "n", value: 5 })).toBe(true);
        expect(await table.get(key)).toBeUndefined();
      });

      test("deletes nothing where there is nothing", async () => {
        const key = { pk: fresh(), sk: "s" };
        expect(await table.deleteIf(key, { when: "equals", attribute: "n", value: 5 })).toBe(false);
        expect(await table.deleteIf(key, { when: "absent" })).toBe(false);
        expect(await table.deleteIf(key, { when: "absent-or-below", attribute: "n", value: 5 })).toBe(false);
      });

      test("of many that want one item, one gets it", async () => {
        const key = { pk: fresh(), sk: "s" };
        await table.put({ ...key, n: 1 });
        const got = await Promise.all(
          Array.from({ length: 10 }, () => table.deleteIf(key, { when: "equals", attribute: "n", value: 1 })),
        );
        expect(got.filter(Boolean).length).toBe(1);
      });
    });

    describe("get and put", () => {
      test("an item that is not there is undefined", async () => {
        expect(await table.get({ pk: fresh(), sk: "s" })).toBeUndefined();
      });

      test("gives back what was put, of every kind", async () => {
        const item: Item = {
          pk: fresh(),
          sk: "s",
          text: "grüße 🌍\u0000",
          empty: "",
          zero: 0,
          whole: -17,
          fraction: 0.1,
          large: Number.MAX_SAFE_INTEGER,
          time: 1_763_690_700_123,
          yes: true,
          no: false,
          bytes: Uint8Array.from({ length: 256 }, (_, byte) => byte),
          none: new Uint8Array(),
        };
        await table.put(item);
        const found = await table.get(item);
        expect(plain(found)).toEqual(item);
        expect(found?.bytes).toBeInstanceOf(Uint8Array);
      });

      test("replaces the whole item", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s", a: 1, b: 2 });
        await table.put({ pk, sk: "s", a: 3 });
        expect(await table.get({ pk, sk: "s" })).toEqual({ pk, sk: "s", a: 3 });
      });

      test("tells items of one partition apart, and those of another", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "1", n: 1 });
        await table.put({ pk, sk: "2", n: 2 });
        expect((await table.get({ pk, sk: "1" }))?.n).toBe(1);
        expect(await table.get({ pk, sk: "" }).catch(() => undefined)).toBeUndefined();
        expect(await table.get({ pk: `${pk}x`, sk: "1" })).toBeUndefined();
      });

      test("takes an item of nearly 4 KB, and names that are words of a query language", async () => {
        const item: Item = {
          pk: fresh(),
          sk: "s",
          name: "n",
          "a.b": 1,
          status: "x".repeat(1_800),
          v: Buffer.alloc(1_900, 7),
        };
        await table.put(item);
        expect(plain(await table.get(item))).toEqual(plain(item));
      });

      test("hands out items that are the caller's own", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s", bytes: Uint8Array.of(1, 2, 3) });
        const first = (await table.get({ pk, sk: "s" })) as Item & { bytes: Uint8Array };
        const copy = Uint8Array.from(first.bytes);
        for (let count = 0; count < 50; count++) {
          await table.put({ pk, sk: `other ${count}`, bytes: new Uint8Array(100).fill(count) });
          await table.get({ pk, sk: `other ${count}` });
        }
        expect(Uint8Array.from(first.bytes)).toEqual(copy);
      });
    });

    describe("getMany", () => {
      test("of nothing is nothing", async () => {
        expect(await table.getMany([])).toEqual([]);
      });

      test("gives items in the order of the keys, undefined where there is none, and twice what is asked twice", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "a", n: 1 });
        await table.put({ pk, sk: "b", n: 2 });
        const keys = ["b", "missing", "a", "b"].map((sk) => ({ pk, sk }));
        expect((await table.getMany(keys)).map((item) => item?.n)).toEqual([2, undefined, 1, 2]);
      });

      test.runIf(batches)("takes more keys than any batch of a service, from many partitions", async () => {
        const prefix = fresh();
        const keys = Array.from({ length: 250 }, (_, index) => ({ pk: `${prefix}#${index}`, sk: "s" }));
        await Promise.all(keys.map((key, n) => (n % 3 === 0 ? undefined : table.put({ ...key, n }))));
        const found = await table.getMany([...keys, ...keys].reverse());
        const expected = keys.map((_, n) => (n % 3 === 0 ? undefined : n));
        expect(found.map((item) => item?.n)).toEqual([...expected, ...expected].reverse());
      });
    });

    describe("putInOrder", () => {
      const absent = { when: "absent" } as const;

      test("writes all of them, more than a service takes at once", async () => {
        const pk = fresh();
        const items = Array.from({ length: batches ? 130 : 5 }, (_, n) => ({ pk, sk: `s${n}`, n }));
        const results = await table.putInOrder(items.map((item) => ({ item, condition: absent })));
        expect(results).toEqual(items.map(() => ({ written: true })));
        expect((await table.getMany(items)).map((item) => item?.n)).toEqual(items.map(({ n }) => n));
      });

      test("ends with the first whose condition does not hold, and tells what is there", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "b", n: 0 });
        const items = ["a", "b", "c"].map((sk) => ({ pk, sk, n: 1 }));
        const results = await table.putInOrder(items.map((item) => ({ item, condition: absent })));
        expect(results).toEqual([{ written: true }, { written: false, existing: { pk, sk: "b", n: 0 } }]);
        expect((await table.getMany(items)).map((item) => item?.n)).toEqual([1, 0, undefined]);
      });

      test("of nothing writes nothing", async () => {
        expect(await table.putInOrder([])).toEqual([]);
      });
    });

    describe("putIf", () => {
      test("absent writes once, and then tells what is there", async () => {
        const pk = fresh();
        const absent = { when: "absent" } as const;
        expect(await table.putIf({ pk, sk: "s", n: 1 }, absent)).toEqual({ written: true });
        expect(await table.putIf({ pk, sk: "s", n: 2 }, absent)).toEqual({
          written: false,
          existing: { pk, sk: "s", n: 1 },
        });
        expect(await table.get({ pk, sk: "s" })).toEqual({ pk, sk: "s", n: 1 });
      });

      test("absent looks at the item, not at its partition", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "a" });
        expect(await table.putIf({ pk, sk: "b" }, { when: "absent" })).toEqual({ written: true });
      });

      test.each<[string, Record<string, Attribute> | undefined, number, boolean]>([
        ["where there is none", undefined, 0, true],
        ["where the number is missing", { other: 5 }, 0, true],
        ["over a smaller number", { g: 4 }, 5, true],
        ["over a smaller fraction", { g: 4.5 }, 4.6, true],
        ["over a negative number", { g: -1 }, 0, true],
        ["not over the same number", { g: 5 }, 5, false],
        ["not over a larger number", { g: 10 }, 9, false],
      ])("absent-or-below writes %s", async (_, before, value, written) => {
        const pk = fresh();
        if (before) await table.put({ pk, sk: "s", ...before });
        const result = await table.putIf({ pk, sk: "s", g: value }, { when: "absent-or-below", attribute: "g", value });
        expect(result).toEqual(written ? { written } : { written, existing: { pk, sk: "s", ...before } });
        expect((await table.get({ pk, sk: "s" }))?.g).toBe(written ? value : before?.g);
      });

      test.each<[string, Record<string, Attribute> | undefined, Attribute, boolean]>([
        ["where the text is the same", { a: "x" }, "x", true],
        ["where the number is the same", { a: 1 }, 1, true],
        ["where the truth is the same", { a: false }, false, true],
        ["where the bytes are the same", { a: Uint8Array.of(1, 2) }, Uint8Array.of(1, 2), true],
        ["not where the text differs", { a: "x" }, "y", false],
        ["not where the kind differs", { a: "1" }, 1, false],
        ["not where the bytes differ", { a: Uint8Array.of(1, 2) }, Uint8Array.of(1, 3), false],
        ["not where the attribute is missing", { b: 1 }, 1, false],
        ["not where there is nothing", undefined, 1, false],
      ])("equals writes %s", async (_, before, value, written) => {
        const pk = fresh();
        if (before) await table.put({ pk, sk: "s", ...before });
        const result = await table.putIf({ pk, sk: "s", done: true }, { when: "equals", attribute: "a", value });
        expect(result.written).toBe(written);
        if (!result.written) expect(plain(result.existing)).toEqual(before && { pk, sk: "s", ...before });
        expect((await table.get({ pk, sk: "s" }))?.done).toBe(written ? true : undefined);
      });

      test("conditions may be on attributes whose names are words of a query language", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s", status: "open" });
        const condition = { when: "equals", attribute: "status", value: "open" } as const;
        expect(await table.putIf({ pk, sk: "s", status: "closed" }, condition)).toEqual({ written: true });
        expect((await table.putIf({ pk, sk: "s", status: "closed" }, condition)).written).toBe(false);
      });

      test("of many at once has exactly one winner, and all others are told who it is", async () => {
        const pk = fresh();
        const results = await Promise.all(
          Array.from({ length: 30 }, (_, n) => table.putIf({ pk, sk: "s", n }, { when: "absent" })),
        );
        expect(winners(results)).toBe(1);
        const winner = { pk, sk: "s", n: results.findIndex(({ written }) => written) };
        expect(await table.get({ pk, sk: "s" })).toEqual(winner);
        for (const result of results) if (!result.written) expect(result.existing).toEqual(winner);
      });

      test("of many generations at once ends with the highest", async () => {
        const pk = fresh();
        const order = Array.from({ length: 20 }, (_, index) => (index * 7) % 20);
        const results = await Promise.all(
          order.map((g) => table.putIf({ pk, sk: "s", g }, { when: "absent-or-below", attribute: "g", value: g })),
        );
        expect((await table.get({ pk, sk: "s" }))?.g).toBe(19);
        for (const [index, result] of results.entries()) {
          if (!result.written) expect(result.existing?.g).toBeGreaterThanOrEqual(order[index]);
        }
      });
    });

    describe("merge", () => {
      test("changes and adds attributes, keeps the rest, and gives the whole item", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s", a: 1, b: "x" });
        const merged = await table.merge({ pk, sk: "s" }, { b: "y", status: true, bytes: Uint8Array.of(1) });
        const expected = { pk, sk: "s", a: 1, b: "y", status: true, bytes: Uint8Array.of(1) };
        expect(plain(merged)).toEqual(expected);
        expect(plain(await table.get({ pk, sk: "s" }))).toEqual(expected);
      });

      test("makes nothing where there is nothing", async () => {
        const pk = fresh();
        expect(await table.merge({ pk, sk: "s" }, { a: 1 })).toBeUndefined();
        expect(await table.get({ pk, sk: "s" })).toBeUndefined();
      });

      test("of no attributes gives the item as it is", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s", a: 1 });
        expect(await table.merge({ pk, sk: "s" }, {})).toEqual({ pk, sk: "s", a: 1 });
        expect(await table.merge({ pk, sk: "missing" }, {})).toBeUndefined();
      });

      test("of many at once loses none of them", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s" });
        await Promise.all(Array.from({ length: 20 }, (_, n) => table.merge({ pk, sk: "s" }, { [`n${n}`]: n })));
        expect(Object.keys((await table.get({ pk, sk: "s" })) ?? {})).toHaveLength(22);
      });
    });

    describe("mergeIf", () => {
      const equals = (attribute: string, value: Attribute) => ({ when: "equals", attribute, value }) as const;

      test("changes what still is as expected, also the attribute that is looked at, and gives the whole item", async () => {
        const pk = fresh();
        await table.put({ pk, sk: "s", a: 1, status: "x" });
        const item = { pk, sk: "s", a: 2, status: "y" };
        expect(await table.mergeIf({ pk, sk: "s" }, { a: 2, status: "y" }, equals("a", 1))).toEqual({
          written: true,
          item,
        });
        expect(await table.get({ pk, sk: "s" })).toEqual(item);
      });

      test("leaves what is not, and tells what is there", async () => {
        const pk = fresh();
        const existing = { pk, sk: "s", a: 1 };
        await table.put(existing);
        expect(await table.mergeIf({ pk, sk: "s" }, { a: 3 }, equals("a", 2))).toEqual({ written: false, existing });
        expect(await table.mergeIf({ pk, sk: "s" }, { a: 3 }, equals("b", 1))).toEqual({ written: false, existing });
        expect(await table.get({ pk, sk: "s" })).toEqual(existing);
      });

      test("makes nothing where there is nothing", async () => {
        const key = { pk: fresh(), sk: "s" };
        const nothing = { written: false, existing: undefined };
        expect(await table.mergeIf(key, { a: 1 }, equals("a", 1))).toEqual(nothing);
        expect(await table.get(key)).toBeUndefined();
      });

      test("of many at once has exactly one winner", async () => {
        const key = { pk: fresh(), sk: "s" };
        await table.put({ ...key, e: 1 });
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, by) => table.mergeIf(key, { e: 2, by }, equals("e", 1))),
        );
        expect(results.filter(({ written }) => written)).toHaveLength(1);
        expect((await table.get(key))?.by).toBe(results.findIndex(({ written }) => written));
      });
    });

    describe("addTo", () => {
      test("makes an item, and adds to one that is there, and gives the whole of it", async () => {
        const key = { pk: fresh(), sk: "s" };
        const first = { written: true, item: { ...key, a: 1, ttl: 5 } };
        expect(await table.addTo(key, { a: 1, ttl: 5 }, "a")).toEqual(first);
        expect(await table.addTo(key, { b: 2, ttl: 6 }, "b")).toEqual({
          written: true,
          item: { ...key, a: 1, b: 2, ttl: 6 },
        });
        expect(await table.get(key)).toEqual({ ...key, a: 1, b: 2, ttl: 6 });
      });

      test("adds nothing once more", async () => {
        const key = { pk: fresh(), sk: "s" };
        await table.addTo(key, { a: 1 }, "a");
        const existing = { ...key, a: 1 };
        expect(await table.addTo(key, { a: 2, b: 3 }, "a")).toEqual({ written: false, existing });
        expect(await table.get(key)).toEqual(existing);
      });

      test("of many at once has exactly one that sees all", async () => {
        const key = { pk: fresh(), sk: "s" };
        const count = 20;
        const added = await Promise.all(
          Array.from({ length: count }, (_, by) => table.addTo(key, { [`n${by}`]: by }, `n${by}`)),
        );
        const whole = added.filter((each) => each.written && Object.keys(each.item).length === count + 2);
        expect(added.filter(({ written }) => written)).toHaveLength(count);
        expect(whole).toHaveLength(1);
      });
    });

    describe("deleteMany", () => {
      test("deletes what is named, and nothing else", async () => {
        const pk = fresh();
        for (const sk of ["a", "b", "c"]) await table.put({ pk, sk });
        await table.deleteMany([
          { pk, sk: "a" },
          { pk, sk: "c" },
        ]);
        expect((await table.query(pk)).map(({ sk }) => sk)).toEqual(["b"]);
      });

      test("of nothing, and of what is not there, is fine", async () => {
        await table.deleteMany([]);
        await table.deleteMany([{ pk: fresh(), sk: "s" }]);
      });

      test("takes a key twice", async () => {
        const key = { pk: fresh(), sk: "s" };
        await table.put(key);
        await table.deleteMany([key, key]);
        expect(await table.get(key)).toBeUndefined();
      });

      test("takes more keys than any batch of a service", async () => {
        const pk = fresh();
        const keys = Array.from({ length: 60 }, (_, index) => ({ pk, sk: String(index) }));
        await Promise.all(keys.map((key) => table.put(key)));
        await table.deleteMany(keys);
        expect(await table.query(pk)).toEqual([]);
      });

      test("lets a conditional write begin anew", async () => {
        const key = { pk: fresh(), sk: "s" };
        await table.put(key);
        await table.deleteMany([key]);
        expect(await table.putIf(key, { when: "absent" })).toEqual({ written: true });
      });
    });

    describe("query", () => {
      const skOf = (items: readonly Item[]) => items.map(({ sk }) => sk);

      test("of a partition that is not there is empty", async () => {
        expect(await table.query(fresh())).toEqual([]);
      });

      test("gives the items of one partition, in order of the bytes of their sort keys", async () => {
        const pk = fresh();
        const sks = ["b", "a", "B", "10", "9", "a#", "a!", "é", "z", "日", "\uffee", "🌍", "~"];
        await Promise.all(sks.map((sk) => table.put({ pk, sk, of: sk })));
        const found = await table.query(pk);
        expect(skOf(found)).toEqual([...sks].sort(byBytes));
        for (const { sk, of } of found) expect(of).toBe(sk);
      });

      test("does not take partitions for it that only start like it", async () => {
        const pk = fresh();
        for (const other of [`${pk}#`, `${pk}0`, pk.slice(0, -1), `${pk}\uffee`])
          await table.put({ pk: other, sk: "s" });
        await table.put({ pk, sk: "mine" });
        expect(skOf(await table.query(pk))).toEqual(["mine"]);
      });

      test("begins after a sort key, whether that is there or not", async () => {
        const pk = fresh();
        for (const sk of ["a", "b", "c", "d"]) await table.put({ pk, sk });
        expect(skOf(await table.query(pk, { after: "b" }))).toEqual(["c", "d"]);
        expect(skOf(await table.query(pk, { after: "bb" }))).toEqual(["c", "d"]);
        expect(skOf(await table.query(pk, { after: "d" }))).toEqual([]);
        expect(skOf(await table.query(pk, { after: "A" }))).toEqual(["a", "b", "c", "d"]);
      });

      test("ends after so many", async () => {
        const pk = fresh();
        for (const sk of ["a", "b", "c", "d"]) await table.put({ pk, sk });
        expect(skOf(await table.query(pk, { limit: 2 }))).toEqual(["a", "b"]);
        expect(skOf(await table.query(pk, { limit: 9 }))).toEqual(["a", "b", "c", "d"]);
        expect(skOf(await table.query(pk, { after: "a", limit: 2 }))).toEqual(["b", "c"]);
        expect(skOf(await table.query(pk, { after: "aa", limit: 2 }))).toEqual(["b", "c"]);
        expect(skOf(await table.query(pk, { after: "c", limit: 2 }))).toEqual(["d"]);
        expect(skOf(await table.query(pk, { before: "c" }))).toEqual(["a", "b"]);
        expect(skOf(await table.query(pk, { before: "cc", limit: 2 }))).toEqual(["a", "b"]);
        expect(skOf(await table.query(pk, { after: "a", before: "d" }))).toEqual(["b", "c"]);
        expect(skOf(await table.query(pk, { after: "aa", before: "e", limit: 2 }))).toEqual(["b", "c"]);
      });

      test.runIf(batches)("goes over more than the 1 MB that a service gives at once", async () => {
        const pk = fresh();
        const count = 320;
        const sks = Array.from({ length: count }, (_, index) => String(index).padStart(6, "0"));
        await Promise.all(sks.map((sk) => table.put({ pk, sk, v: Buffer.alloc(3_900, Number(sk) % 251) })));
        const found = await table.query(pk);
        expect(skOf(found)).toEqual(sks);
        expect(found.every(({ sk, v }) => (v as Uint8Array).every((byte) => byte === Number(sk) % 251))).toBe(true);
        expect(skOf(await table.query(pk, { limit: 300 }))).toEqual(sks.slice(0, 300));
        expect(skOf(await table.query(pk, { after: sks[9], limit: 300 }))).toEqual(sks.slice(10, 310));
      });

      test("sees every write that was acknowledged", async () => {
        const pk = fresh();
        for (let index = 0; index < 20; index++) {
          await table.put({ pk, sk: String(index).padStart(3, "0") });
          expect(await table.query(pk)).toHaveLength(index + 1);
        }
      });
    });

    describe("scan", () => {
      test("finds every item whose partition key starts like this, and no other", async () => {
        const prefix = fresh();
        const mine = [`${prefix}#1`, `${prefix}#2`, `${prefix}#\uffee`, `${prefix}#`];
        for (const pk of mine) for (const sk of ["a", "b"]) await table.put({ pk, sk, n: 1 });
        await table.put({ pk: `${prefix}`, sk: "a" });
        await table.put({ pk: `x${prefix}#1`, sk: "a" });
        const found = await all(table.scan(`${prefix}#`));
        expect(new Set(found.map(({ pk, sk }) => `${pk}/${sk}`))).toEqual(
          new Set(mine.flatMap((pk) => [`${pk}/a`, `${pk}/b`])),
        );
        expect(found.every(({ n }) => n === 1)).toBe(true);
      });

      test("finds nothing where nothing starts like this", async () => {
        expect(await all(table.scan(fresh()))).toEqual([]);
      });

      test.runIf(batches)("goes over more than the 1 MB that a service gives at once", async () => {
        const prefix = fresh();
        const pks = Array.from({ length: 320 }, (_, index) => `${prefix}#${index}`);
        await Promise.all(pks.map((pk) => table.put({ pk, sk: "s", v: Buffer.alloc(3_900) })));
        expect((await all(table.scan(`${prefix}#`))).map(({ pk }) => pk).sort()).toEqual([...pks].sort());
      });

      test("can be left early, and written to meanwhile", async () => {
        const prefix = fresh();
        for (const n of [1, 2, 3]) await table.put({ pk: `${prefix}#${n}`, sk: "s" });
        for await (const { pk } of table.scan(`${prefix}#`)) {
          await table.deleteMany([{ pk, sk: "s" }]);
          break;
        }
        expect(await all(table.scan(`${prefix}#`))).toHaveLength(2);
      });
    });
  });
}
