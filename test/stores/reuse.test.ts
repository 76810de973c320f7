import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Sweep } from "../../sdk/stores/sweep.ts";
import { SWEEP_KEY } from "../../sdk/wire/keys.ts";
import { temporaryStores } from "./folders.ts";
import { encodedOf } from "./object-store-suite.ts";

const KEY = "content/ab/cdef";
const HOUR_MS = 3_600_000;

const make = async () => {
  const stores = await temporaryStores();
  const makeOld = async (hours = 48) => {
    const then = new Date(Date.now() - hours * HOUR_MS);
    await utimes(join(stores.folder, "objects", KEY), then, then);
  };
  const ageMs = async () => Date.now() - ((await stores.objects.stat(KEY))?.modifiedAtMs ?? Number.NaN);
  const put = () => stores.objects.put(KEY, encodedOf(Buffer.from("x")));
  return { ...stores, makeOld, ageMs, put, [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose]() };
};

describe("an object that is put again", () => {
  test("is young again, as is one that is touched", async () => {
    await using stores = await make();
    await stores.put();
    for (const again of [() => stores.put(), () => stores.objects.touch(KEY)]) {
      await stores.makeOld();
      await again();
      expect(await stores.ageMs()).toBeLessThan(60_000);
    }
  });

  test("keeps its age while it is young: nothing is to be paid for that", async () => {
    await using stores = await make();
    await stores.put();
    await stores.makeOld(0.2);
    await stores.put();
    expect(await stores.ageMs()).toBeGreaterThan(0.19 * HOUR_MS);
  });

  test("is there afterwards, though a clean-up deletes it in that moment", async () => {
    await using stores = await make();
    await stores.put();
    await stores.makeOld();
    await using sweep = await Sweep.begin(stores.table);
    let isDone = false;
    const again = sweep.round(async () => {
      const putting = stores.put().then(() => {
        isDone = true;
      });
      await sleep(200);
      // It had looked at its age before: the worst that can happen.
      await stores.objects.deleteMany([KEY]);
      await sleep(100);
      expect(isDone).toBe(false);
      return { putting };
    });
    await (await again).putting;
    expect(await stores.objects.has(KEY)).toBe(true);
  });
});

describe("a clean-up", () => {
  test("is the only one, until it is over or was silent for five minutes", async () => {
    await using stores = await temporaryStores();
    {
      await using _first = await Sweep.begin(stores.table);
      await expect(Sweep.begin(stores.table)).rejects.toMatchObject({
        kind: "gc-running",
        message: expect.stringMatching(/another clean-up .* wait until it is done, or (299|300) s if it was killed/),
      });
    }
    await using second = await Sweep.begin(stores.table);
    const item = await stores.table.get(SWEEP_KEY);
    await stores.table.put({ ...SWEEP_KEY, ...item, until: Date.now() - 1 });
    await using third = await Sweep.begin(stores.table);
    await expect(second.round(async () => {})).rejects.toMatchObject({ kind: "gc-running" });
    await expect(second.goOn()).rejects.toThrow(/another clean-up has taken over/);
    await third.goOn();
  });

  test("leaves nothing behind, and no round goes on after one that failed", async () => {
    await using stores = await temporaryStores();
    {
      await using sweep = await Sweep.begin(stores.table);
      await expect(sweep.round(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
      expect(await stores.table.get(SWEEP_KEY)).toMatchObject({ sweep: 0 });
    }
    expect(await stores.table.get(SWEEP_KEY)).toBeUndefined();
  });
});
