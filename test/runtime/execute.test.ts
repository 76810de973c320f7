import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { findResults } from "../../sdk/stores/result-search.ts";
import { loadValue } from "../../sdk/stores/values.ts";
import { encode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { ObjectRef } from "../../sdk/wire/object-ref.ts";
import type { Success } from "../../sdk/wire/outcome.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import { temporaryStores } from "../stores/folders.ts";
import { attempt, Dependency, INLINE, KEY, params } from "./attempts.ts";

type TestStores = Awaited<ReturnType<typeof temporaryStores>>;

async function stored(stores: TestStores, object: string, value: unknown): Promise<ObjectSlot> {
  const encoded = encode(value);
  await stores.objects.put(object, encoded);
  const hash = createHash("sha256").update(Buffer.concat(encoded.chunks)).digest("hex");
  return { object, bytes: encoded.byteLength, hash };
}

const resultOf = async (stores: TestStores, outcome: unknown) => {
  expect(outcome).toMatchObject({ kind: "ok" });
  return loadValue(stores.objects, (outcome as Success).value);
};

describe("an attempt", () => {
  test("runs the task with its params and context, and commits what it returns", async () => {
    await using stores = await temporaryStores();
    const run = async (
      { x }: { x: number },
      ctx: { context: unknown; runId: string; attempt: number; resources: unknown },
    ) => {
      await null;
      return [x, ctx.context, ctx.runId, ctx.attempt, ctx.resources];
    };
    const outcome = await attempt(stores, run as never, { params: params({ x: 5 }), attempt: 3 });
    expect(await resultOf(stores, outcome)).toEqual([5, { region: "north" }, "run-1", 3, { numCpus: 1, numGpus: 0 }]);
    const [record] = await findResults(stores.table, [KEY]);
    expect(record).toMatchObject({
      name: "train",
      version: "0123456789abcdef",
      runId: "run-1",
      attempt: 3,
      peakMemoryMb: 12,
    });
    expect(record?.value).toEqual((outcome as Success).value);
  });

  test("puts a large result into the object store, a small one inline", async () => {
    await using stores = await temporaryStores();
    const large = (await attempt(stores, () => new Float64Array(100))) as Success;
    expect(large.value).toMatchObject({ object: expect.stringContaining(KEY), bytes: large.usage.bytesOut });
    expect(await resultOf(stores, large)).toEqual(new Float64Array(100));
    const small = (await attempt(stores, () => "x", { key: "ef02" })) as Success;
    expect(small.value).toHaveProperty("inline");
    expect(large.usage.bytesOut).toBeGreaterThan(INLINE);
  });

  test("is given its inputs wherever its params name them, and refs in its params as values", async () => {
    await using stores = await temporaryStores();
    const ref = new ObjectRef(await stored(stores, "content/v", "of the handle"));
    const given = {
      list: [new Dependency("k1"), { deep: new Dependency("k2") }],
      twice: new Dependency("k1"),
      ref,
      deep: [ref],
    };
    const inputs = { k1: { inline: encodeToBytes({ n: 1 }) }, k2: await stored(stores, "results/k2", "two") };
    const outcome = await attempt(
      stores,
      (got: Record<string, unknown>) => [
        got.list,
        got.twice,
        got.ref,
        Array.isArray(got.deep) && got.deep[0] instanceof ObjectRef,
      ],
      {
        params: params(given),
        inputs,
      },
    );
    expect(await resultOf(stores, outcome)).toEqual([[{ n: 1 }, { deep: "two" }], { n: 1 }, "of the handle", true]);
    expect((outcome as Success).usage.bytesIn).toBeGreaterThan(0);
  });

  test("that comes second is given the first one's result", async () => {
    await using stores = await temporaryStores();
    await attempt(stores, () => "first");
    const late = await attempt(stores, () => "second", { attempt: 2 });
    expect(late).toMatchObject({ kind: "ok", superseded: true });
    expect(await resultOf(stores, late)).toBe("first");
    const newer = await attempt(stores, () => "third", { generation: 5 });
    expect(newer).not.toHaveProperty("superseded");
    expect(await resultOf(stores, newer)).toBe("third");
  });

  test("tells when the task's own code begins and ends, also when it throws", async () => {
    await using stores = await temporaryStores();
    const told: string[] = [];
    const hooks = { begin: () => told.push("begin"), ran: () => told.push("ran") };
    await attempt(stores, () => told.push("run"), {}, hooks);
    await attempt(
      stores,
      () => {
        told.push("run");
        throw new Error("m");
      },
      { key: "ef02" },
      hooks,
    );
    expect(told).toEqual(["begin", "run", "ran", "begin", "run", "ran"]);
  });

  test("measures its stages", async () => {
    await using stores = await temporaryStores();
    const { usage } = (await attempt(stores, () => 1)) as Success;
    expect(usage.endedAt).toBeGreaterThanOrEqual(usage.startedAt);
    for (const part of ["loadMs", "runMs", "storeMs", "cpuMs"] as const) expect(usage[part]).toBeGreaterThanOrEqual(0);
    expect(usage.peakMemoryMb).toBe(12);
  });
});
