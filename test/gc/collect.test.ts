import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCode, recordCode } from "../../sdk/stores/code-versions.ts";
import type { Item } from "../../sdk/stores/control-table.ts";
import { FeedWriter } from "../../sdk/stores/feed.ts";
import { sendLetter } from "../../sdk/stores/inbox.ts";
import { giveLifeSign } from "../../sdk/stores/lab-life.ts";
import type { ResultPacks } from "../../sdk/stores/result-packs.ts";
import { findResults } from "../../sdk/stores/result-search.ts";
import { listTypes, noteType } from "../../sdk/stores/result-types.ts";
import { Sweep } from "../../sdk/stores/sweep.ts";
import { loadValue } from "../../sdk/stores/values.ts";
import {
  bundleMapObject,
  bundleObject,
  codeKey,
  depthHeader,
  labKey,
  packPartition,
  runtimeObject,
  typeKey,
} from "../../sdk/wire/keys.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import { PROTOCOL_VERSION } from "../../sdk/wire/protocol.ts";
import { madeObjectReferences } from "../../sdk/wire/references.ts";
import { DAY_MS, HOUR_MS } from "./age.ts";
import { GcBench, keyOf } from "./gc-bench.ts";

const HASH = "ab".repeat(32);
const filler = (seed: number, bytes: number) => Array.from({ length: bytes }, (_, index) => (seed + index) % 251);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Loads a result, its params and every value that they refer to. */
async function loadAll({ stores }: GcBench, name: string) {
  const [record] = await findResults(stores.table, [keyOf(name)]);
  if (!record) return undefined;
  const value = await loadValue(stores.objects, record.value);
  const handles: ObjectRef<unknown>[] = [];
  await loadValue(stores.objects, record.params, [
    madeObjectReferences((slot) => {
      const ref = new ObjectRef(slot);
      handles.push(ref);
      return ref;
    }),
  ]);
  return { value, refs: await Promise.all(handles.map(({ slot }) => loadValue(stores.objects, slot))) };
}

describe.each([{ packed: false }, { packed: true }])(
  "a clean-up of random stores, results in packs: $packed",
  ({ packed }) => {
    const ages = fc.constantFrom(0, 20 * HOUR_MS, 2 * DAY_MS, 90 * DAY_MS);
    const results = fc.array(
      fc.record({
        large: fc.boolean(),
        bytes: fc.constantFrom(1, 100, 20_000),
        refs: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
        age: ages,
        endedDaysAgo: fc.nat({ max: 60 }),
      }),
      { maxLength: 6 },
    );
    const world = fc.record({
      results,
      puts: fc.array(ages, { minLength: 5, maxLength: 5 }),
      orphans: fc.array(fc.tuple(fc.constantFrom("results", "content", "checkpoints", "bundles", "runtime"), ages), {
        maxLength: 5,
      }),
      olderThanDays: fc.option(fc.constantFrom(10, 30), { nil: undefined }),
    });

    test("keeps all that can be reached or is young, and nothing else", async () => {
      await fc.assert(
        fc.asyncProperty(world, async ({ results, puts, orphans, olderThanDays }) => {
          await using bench = await GcBench.make({ packed });
          const expected = new Set<string>();
          const put = await Promise.all(puts.map((_, index) => bench.put(["put", index, filler(index, 100)])));
          for (const [index, ref] of put.entries()) {
            await bench.age(ref.slot.object, puts[index]);
            if (puts[index] < DAY_MS) expected.add(ref.slot.object);
          }
          const stays = ({ endedDaysAgo }: (typeof results)[number]) =>
            olderThanDays === undefined || endedDaysAgo < olderThanDays;
          for (const [index, each] of results.entries()) {
            const objects = await bench.result({
              name: `task${index}`,
              value: ["value", index],
              params: { index, refs: each.refs.map((at) => put[at]), filler: filler(index, each.bytes) },
              large: each.large,
              endedAt: Date.now() - each.endedDaysAgo * DAY_MS - 60_000,
            });
            for (const key of objects) await bench.age(key, each.age);
            if (stays(each) || each.age < DAY_MS) for (const key of objects) expected.add(key);
            if (stays(each)) for (const at of each.refs) expected.add(put[at].slot.object);
          }
          for (const [index, [folder, age]] of orphans.entries()) {
            const key = await bench.orphan(`${folder}/${index}`);
            await bench.age(key, age);
            if (age < DAY_MS) expected.add(key);
          }
          const before = await bench.keys();
          const oldResults =
            olderThanDays === undefined ? undefined : { olderThanMs: olderThanDays * DAY_MS, namespace: "default" };
          const told = await bench.gc({ oldResults, dryRun: true });
          expect(await bench.keys()).toEqual(before);
          const report = await bench.gc({ oldResults });
          expect({ ...told, dryRun: false }).toEqual(report);
          expect(await bench.keys()).toEqual([...expected].sort());
          expect(report.kept.count).toBe(expected.size);
          for (const [index, each] of results.entries()) {
            const loaded = await loadAll(bench, `task${index}`);
            if (!stays(each)) expect(loaded).toBeUndefined();
            else {
              expect(loaded?.value).toEqual(["value", index]);
              const indices = loaded?.refs.map((value) => (value as [string, number])[1]);
              expect(indices?.sort()).toEqual([...new Set(each.refs)].sort());
            }
          }
          const again = await bench.gc({ oldResults });
          expect([again.removed, again.freedBytes]).toEqual([{}, 0]);
        }),
        { numRuns: 30 },
      );
    });
  },
);

describe("a clean-up", () => {
  test("tells what it removed, by kind, with bytes", async () => {
    await using bench = await GcBench.make();
    await bench.orphan(bundleObject(HASH), 1_000);
    await bench.orphan(bundleMapObject(HASH), 10);
    await bench.orphan("content/ab/x", 7);
    await mkdir(join(bench.stores.folder, "bundles", "cafe"), { recursive: true });
    await writeFile(join(bench.stores.folder, "bundles", "cafe", "bundle.mjs"), "export {};");
    await writeFile(join(bench.stores.folder, "objects", ".unfinished", "half"), "hal");
    await bench.ageAll(2 * DAY_MS);
    await bench.orphan("content/ab/young", 3);
    expect(await bench.gc()).toEqual({
      dryRun: false,
      removed: {
        bundles: { count: 2, bytes: 1_010 },
        content: { count: 1, bytes: 7 },
        "local bundles": { count: 1, bytes: 10 },
        "unfinished files": { count: 1, bytes: 3 },
      },
      freedBytes: 1_030,
      kept: { count: 1, bytes: 3 },
      labs: [],
      keptForLabs: 0,
    });
    expect(await bench.keys()).toEqual(["content/ab/young"]);
  });

  test("removes items whose time is over, and what labs left that are gone", async () => {
    await using bench = await GcBench.make();
    const { table } = bench.stores;
    await sendLetter(bench.stores, "e", 1, { type: "leave" });
    await new FeedWriter(table, "e").write({ name: "lab" }, { type: "hello" });
    await giveLifeSign(table, "lab", Date.now());
    for (const item of await all(table.scan("")))
      await table.put({ ...item, ttl: Math.floor(Date.now() / 1_000) - 60 });
    await table.put({
      pk: "CP#k",
      sk: "CP",
      f: 1,
      ttl: 1,
      vo: await bench.orphan("checkpoints/k/k"),
      vb: 100,
      vh: "h",
    });
    await table.put({ pk: "OTHER#x", sk: "x", f: 1, ttl: 1 });
    await sendLetter(bench.stores, "e", 2, { type: "leave" });
    await bench.ageAll(2 * DAY_MS);
    expect((await bench.gc()).removed).toEqual({
      "expired letters": { count: 1, bytes: 0 },
      "expired feed entries": { count: 1, bytes: 0 },
      "expired life signs": { count: 1, bytes: 0 },
      "expired checkpoints": { count: 1, bytes: 0 },
      "other expired items": { count: 1, bytes: 0 },
      checkpoints: { count: 1, bytes: 100 },
    });
    expect((await all(table.scan(""))).map(({ pk, sk }) => [pk, sk])).toEqual([["IN#e", "0000000002"]]);
  });

  test("keeps what items of a kind that it does not know name, in text, bytes and by hash", async () => {
    await using bench = await GcBench.make();
    const inBytes = (await bench.put("in bytes")).slot.object;
    const kept = [
      await bench.orphan("content/any/way"),
      inBytes,
      await bench.orphan(bundleObject(HASH)),
      await bench.orphan(bundleMapObject(HASH)),
      await bench.orphan(runtimeObject(HASH)),
    ];
    const lost = await bench.orphan(bundleObject("cd".repeat(32)));
    const bytes = Buffer.concat([Buffer.from([1, 2]), Buffer.from(`${inBytes}A`), Buffer.from([3])]);
    await bench.stores.table.put({ pk: "RUN#x", sk: "RUN", f: 1, plan: "content/any/way", bytes, bundle: HASH });
    await bench.ageAll(2 * DAY_MS);
    await bench.gc();
    expect(await bench.keys()).toEqual(kept.sort());
    expect(kept).not.toContain(lost);
  });

  test("follows what a large letter names, and what that names", async () => {
    await using bench = await GcBench.make();
    const table = await bench.put("a table");
    const [, params] = await bench.result({
      name: "t",
      value: 1,
      params: { table, filler: filler(1, 9_000) },
      large: true,
    });
    await bench.stores.table.deleteMany([{ pk: `R#${keyOf("t")}`, sk: "R" }]);
    const letter = await bench.orphan("content/le/tter");
    await bench.stores.objects.deleteMany([letter]);
    const text = Buffer.from(`${"x".repeat(10_000)} ${params}`);
    await bench.stores.objects.put(letter, { chunks: [text], byteLength: text.byteLength });
    await bench.stores.table.put({ pk: "IN#e", sk: "1", f: 1, o: letter });
    await bench.put("of no use");
    await bench.ageAll(2 * DAY_MS);
    expect((await bench.gc()).removed).toMatchObject({ content: { count: 1 }, results: { count: 1 } });
    expect(await bench.keys()).toEqual([letter, params, table.slot.object].sort());
  });

  test("keeps what is known of code as long as there are results of it", async () => {
    await using bench = await GcBench.make();
    await bench.result({ name: "t", value: 1, params: 1, large: false });
    const parts = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        kind: "file" as const,
        name: `lib/file-${n}.ts`,
        hash: "abcdef012345",
      }));
    await recordCode(
      bench.stores,
      new Map([
        ["v", parts(200)],
        ["unused", parts(150)],
        ["young", parts(1)],
      ]),
    );
    for (const version of ["v", "unused"])
      await bench.stores.table.merge(codeKey(version), { t: Date.now() - 2 * DAY_MS });
    await bench.ageAll(2 * DAY_MS);
    expect((await bench.gc()).removed).toMatchObject({ "code versions": { count: 1 }, content: { count: 1 } });
    expect((await readCode(bench.stores, "v"))?.length).toBe(200);
    expect(await readCode(bench.stores, "young")).toEqual(parts(1));
    expect(await readCode(bench.stores, "unused")).toBeUndefined();
  });

  test("forgets task types that have no results any more, when they are old and nobody is there", async () => {
    await using bench = await GcBench.make({ packed: true });
    const { table } = bench.stores;
    const packs = table.packs as ResultPacks;
    const typeNamed = (name: string) => ({ namespace: "default", name, version: "1" });
    for (const name of ["left", "young"]) {
      await noteType(table, typeNamed(name));
      await packs.note(typeNamed(name), depthHeader(1));
    }
    await bench.result({ name: "used", value: 1, params: 1, large: false });
    await bench.gc({ dryRun: true });
    const names = async () => (await listTypes(table)).map(({ name }) => name).sort();
    expect(await names()).toHaveLength(3);
    await table.merge(typeKey("default", "left", "1"), { t: Date.now() - 2 * DAY_MS });
    expect((await bench.gc({ dryRun: true })).removed).toEqual({ "task types": { count: 1, bytes: 0 } });
    expect((await bench.gc()).removed).toEqual({ "task types": { count: 1, bytes: 0 } });
    expect(await names()).not.toContain("left");
    expect(await names()).toHaveLength(2);
    expect(await table.query(packPartition("default", "left", "1"))).toEqual([]);
    expect(await table.query(packPartition("default", "young", "1"))).toHaveLength(2);
  });

  test("refuses stores with items of a newer version, before it removes anything", async () => {
    await using bench = await GcBench.make();
    await bench.orphan("content/ab/x");
    await bench.stores.table.put({ pk: "ZZZ", sk: "z", f: PROTOCOL_VERSION + 1 });
    await bench.ageAll(2 * DAY_MS);
    await expect(bench.gc()).rejects.toMatchObject({ kind: "newer-version", message: expect.stringMatching(/ZZZ/) });
    expect(await bench.keys()).toEqual(["content/ab/x"]);
  });

  test("is refused while there is another, but not to look", async () => {
    await using bench = await GcBench.make();
    await using _other = await Sweep.begin(bench.stores.table);
    await expect(bench.gc()).rejects.toMatchObject({ kind: "gc-running" });
    expect((await bench.gc({ dryRun: true })).dryRun).toBe(true);
  });
});

describe("while a lab is there", () => {
  test("a clean-up keeps what came after the lab, and all old results", async () => {
    await using bench = await GcBench.make();
    const { table } = bench.stores;
    await giveLifeSign(table, "lab", Date.now() - 10 * DAY_MS);
    const held = await bench.orphan("content/ab/held");
    await bench.age(held, 9 * DAY_MS);
    await bench.age(await bench.orphan("content/ab/older"), 11 * DAY_MS);
    const objects = await bench.result({ name: "old", value: 1, params: 1, large: true, endedAt: 1 });
    for (const key of objects) await bench.age(key, 90 * DAY_MS);
    const oldResults = { olderThanMs: DAY_MS, namespace: "default" };
    const report = await bench.gc({ oldResults });
    expect(report).toMatchObject({ removed: { content: { count: 1 } }, keptForLabs: 1, labs: [{ id: "lab" }] });
    expect(await bench.keys()).toEqual([held, ...objects].sort());
    expect(await loadAll(bench, "old")).toMatchObject({ value: 1 });

    await table.deleteMany([labKey("lab")]);
    expect((await bench.gc({ oldResults })).removed).toMatchObject({ "old results": { count: 1 } });
    expect(await bench.keys()).toEqual([]);
  });

  test("that begins, uses an old object and ends while items are read, the object stays", async () => {
    await using bench = await GcBench.make();
    const { table } = bench.stores;
    for (let index = 0; index < 300; index++) await table.put({ pk: "FILLER", sk: String(index), f: 1 });
    await bench.put("used again");
    await bench.ageAll(30 * DAY_MS);
    let used: ObjectRef<unknown> | undefined;
    let using_: Promise<unknown> | undefined;
    const scan = table.scan.bind(table);
    table.scan = async function* (prefix: string): AsyncIterable<Item> {
      let count = 0;
      for await (const item of scan(prefix)) {
        if (++count === 100) {
          using_ = bench.put("used again").then((ref) => {
            used = ref;
          });
          await using_;
        }
        yield item;
      }
    };
    await bench.gc();
    expect(await bench.keys()).toEqual([used?.slot.object]);
  });

  test("results of other namespaces are not anybody's to remove", async () => {
    await using bench = await GcBench.make();
    await bench.result({ name: "a", value: 1, params: 1, large: false, endedAt: 1 });
    await bench.result({ name: "b", value: 1, params: 1, large: false, endedAt: 1, namespace: "other" });
    await bench.gc({ oldResults: { olderThanMs: DAY_MS, namespace: "other" } });
    expect([await loadAll(bench, "a"), await loadAll(bench, "b")]).toEqual([{ value: 1, refs: [] }, undefined]);
  });
});
