import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deleteCheckpoint, readCheckpoint, type Saver, saveCheckpoint } from "../../sdk/stores/checkpoints.ts";
import { loadValue } from "../../sdk/stores/values.ts";
import { encode } from "../../sdk/wire/codec/codec.ts";
import { checkpointKey } from "../../sdk/wire/keys.ts";
import { temporaryStores } from "./folders.ts";

type TestStores = Awaited<ReturnType<typeof temporaryStores>>;

const KEY = "ab01";
const INLINE = 100;
const first: Saver = { runStartedAt: 1_763_690_700_000, attempt: 1 };
/** Too large to lie inline. */
const large = (fill: number) => new Uint8Array(1_000).fill(fill);

const save = (stores: TestStores, saver: Saver, state: unknown, key = KEY) =>
  saveCheckpoint(stores, key, saver, encode(state), INLINE);

async function read(stores: TestStores, notBefore = 0, key = KEY): Promise<unknown> {
  const slot = await readCheckpoint(stores.table, key, notBefore);
  return slot && loadValue(stores.objects, slot);
}

async function objects({ objects }: TestStores): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list("checkpoints/")) keys.push(key);
  return keys;
}

describe("a saved state", () => {
  test("is there for whoever comes next, small or large", async () => {
    await using stores = await temporaryStores();
    expect(await read(stores)).toBeUndefined();
    for (const state of [{ step: 1 }, large(1), undefined, { step: 3, map: new Map([["a", 1]]) }]) {
      expect(await save(stores, first, state)).toBe(true);
      expect(await read(stores)).toEqual(state);
    }
    expect(await read(stores, 0, "other")).toBeUndefined();
  });

  test("takes the place of the last one, whose object goes", async () => {
    await using stores = await temporaryStores();
    await save(stores, first, large(1));
    const [before] = await objects(stores);
    await save(stores, first, large(2));
    const after = await objects(stores);
    expect(after.length).toBe(1);
    expect(after).not.toContain(before);
    await save(stores, first, "small");
    expect(await objects(stores)).toEqual([]);
    expect(await read(stores)).toBe("small");
  });

  test("that equals the last one stays", async () => {
    await using stores = await temporaryStores();
    await save(stores, first, large(1));
    await save(stores, { ...first, attempt: 2 }, large(1));
    expect(await read(stores)).toEqual(large(1));
    expect((await objects(stores)).length).toBe(1);
  });

  test("of a later attempt is not replaced by an earlier one's, which leaves nothing behind", async () => {
    await using stores = await temporaryStores();
    await save(stores, { ...first, attempt: 2 }, large(2));
    expect(await save(stores, first, large(1))).toBe(false);
    expect(await read(stores)).toEqual(large(2));
    expect((await objects(stores)).length).toBe(1);
  });

  test("of a later attempt stays also when an earlier one saves the very same", async () => {
    await using stores = await temporaryStores();
    await save(stores, { ...first, attempt: 2 }, large(2));
    expect(await save(stores, first, large(2))).toBe(false);
    expect(await read(stores)).toEqual(large(2));
  });

  test("of a later run counts more than any attempt of an earlier one", async () => {
    await using stores = await temporaryStores();
    await save(stores, { ...first, attempt: 5_000 }, "earlier");
    expect(await save(stores, { runStartedAt: first.runStartedAt + 1, attempt: 1 }, "later")).toBe(true);
    expect(await save(stores, { ...first, attempt: 5_000 }, "earlier")).toBe(false);
    expect(await read(stores)).toBe("later");
  });

  test("of an earlier run does not count where the task is to be computed anew", async () => {
    await using stores = await temporaryStores();
    await save(stores, { ...first, attempt: 9 }, "state");
    expect(await read(stores, first.runStartedAt)).toBe("state");
    expect(await read(stores, first.runStartedAt + 1)).toBeUndefined();
  });

  test("is forgotten with its object, and goes by itself where nobody comes back", async () => {
    await using stores = await temporaryStores();
    await save(stores, first, large(1));
    const ttl = Number((await stores.table.get(checkpointKey(KEY)))?.ttl);
    expect(ttl).toBeGreaterThan(Date.now() / 1000 + 24 * 3600);
    await deleteCheckpoint(stores, KEY);
    await deleteCheckpoint(stores, KEY);
    expect(await read(stores)).toBeUndefined();
    expect(await objects(stores)).toEqual([]);
  });

  test("is always the last of the latest attempt, with one object at most, in whatever order they save", async () => {
    const saver = fc.record({
      run: fc.nat(2),
      attempt: fc.integer({ min: 1, max: 3 }),
      fill: fc.nat(3),
      big: fc.boolean(),
    });
    await using stores = await temporaryStores();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(saver, { minLength: 1, maxLength: 8 }), async (savers) => {
        const key = `cd${round++}`;
        let best = { rank: 0, state: undefined as unknown };
        for (const { run, attempt, fill, big } of savers) {
          const state = big ? large(fill) : fill;
          const rank = run * 10 + attempt;
          const counts = rank >= best.rank;
          expect(await save(stores, { runStartedAt: first.runStartedAt + run, attempt }, state, key)).toBe(counts);
          if (counts) best = { rank, state };
        }
        expect(await read(stores, 0, key)).toEqual(best.state);
        const mine = (await objects(stores)).filter((object) => object.includes(`${key}-`));
        expect(mine.length).toBe(typeof best.state === "number" ? 0 : 1);
      }),
      { numRuns: 50 },
    );
  });
});
