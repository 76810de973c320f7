import { describe, expect, test } from "vitest";
import { findResults } from "../../sdk/stores/result-search.ts";
import { encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import type { Failure } from "../../sdk/wire/outcome.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import { temporaryStores } from "../stores/folders.ts";
import { attempt, Dependency, KEY, params } from "./attempts.ts";

describe("an attempt that ends without a result", () => {
  test("tells what the task threw, and stores nothing", async () => {
    await using stores = await temporaryStores();
    const outcome = await attempt(stores, async () => {
      throw new RangeError("no");
    });
    expect(outcome).toMatchObject({
      kind: "user-error",
      seen: "RangeError: no",
      error: { names: ["RangeError", "Error"] },
    });
    expect((outcome as Failure).usage?.runMs).toBeGreaterThanOrEqual(0);
    expect(await findResults(stores.table, [KEY])).toEqual([undefined]);
  });

  test.each([
    [
      "nothing that can be shown",
      () => {
        throw Object.create(null);
      },
      "[Object: null prototype] {}",
    ],
    ["a result that cannot be sent", () => ({ list: [1, { fn: () => 1 }] }), "result.list[1].fn is the function fn"],
    [
      "an object that throws when it is looked at",
      () => ({
        get bad() {
          throw new Error("getter");
        },
      }),
      "getter",
    ],
  ])("never rejects, but is the task's own error: %s", async (_, run, seen) => {
    await using stores = await temporaryStores();
    expect(await attempt(stores, run)).toMatchObject({ kind: "user-error", seen: expect.stringContaining(seen) });
  });

  test("names the inputs that were lost", async () => {
    await using stores = await temporaryStores();
    const gone: ObjectSlot = { object: "results/k1", bytes: 10, hash: "f".repeat(64) };
    const here = { inline: encodeToBytes(1) };
    let ran = false;
    const outcome = await attempt(
      stores,
      () => {
        ran = true;
      },
      { inputs: { k1: gone, k2: here }, params: params({ a: new Dependency("k1") }) },
    );
    expect(outcome).toMatchObject({
      kind: "object-lost",
      lostInputs: ["k1"],
      seen: expect.stringContaining("results/k1"),
    });
    expect(ran).toBe(false);
  });

  test("names none where a handle's value was lost: no task makes it again", async () => {
    await using stores = await temporaryStores();
    const ref = new ObjectRef({ object: "content/v", bytes: 10, hash: "f".repeat(64) });
    expect(await attempt(stores, () => 1, { params: params({ ref }) })).toMatchObject({
      kind: "object-lost",
      lostInputs: [],
    });
  });

  test("is its executor's fault where the stores cannot be reached", async () => {
    await using stores = await temporaryStores();
    const broken = {
      ...stores,
      objects: { ...stores.objects, put: () => Promise.reject(new Error("disk full")) },
    } as never;
    expect(await attempt(broken, () => new Float64Array(100))).toMatchObject({
      kind: "executor-lost",
      seen: "storing its result: disk full",
    });
  });
});
