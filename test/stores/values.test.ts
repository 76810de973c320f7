import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadValue } from "../../sdk/stores/values.ts";
import { encode, encodeToBytes } from "../../sdk/wire/codec/codec.ts";
import { CodecError } from "../../sdk/wire/codec/codec-error.ts";
import { ObjectLostError } from "../../sdk/wire/object-lost-error.ts";
import { resolvedTasks, taskReferences } from "../../sdk/wire/references.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import { temporaryStores } from "./folders.ts";

type TestStores = Awaited<ReturnType<typeof temporaryStores>>;

const VALUE = { floats: Float64Array.of(1, 2.5), text: "x" };

async function storedValue({ objects }: TestStores, value: unknown): Promise<ObjectSlot> {
  const encoded = encode(value);
  const hash = createHash("sha256");
  for (const chunk of encoded.chunks) hash.update(chunk);
  await objects.put("content/v", encoded);
  return { object: "content/v", bytes: encoded.byteLength, hash: hash.digest("hex") };
}

const spoil = ({ folder }: TestStores, bytes: Uint8Array) => writeFile(join(folder, "objects", "content", "v"), bytes);

describe("a stored value", () => {
  test("is loaded from the message it lies in", async () => {
    await using stores = await temporaryStores();
    expect(await loadValue(stores.objects, { inline: encodeToBytes(VALUE) })).toEqual(VALUE);
  });

  test("is loaded from the object store", async () => {
    await using stores = await temporaryStores();
    const slot = await storedValue(stores, VALUE);
    expect(await loadValue(stores.objects, slot)).toEqual(VALUE);
  });

  test("is loaded anew for each who asks: what one writes into it, the other does not read", async () => {
    await using stores = await temporaryStores();
    const slot = await storedValue(stores, VALUE);
    const [a, b] = (await Promise.all([loadValue(stores.objects, slot), loadValue(stores.objects, slot)])) as [
      typeof VALUE,
      typeof VALUE,
    ];
    a.floats.fill(0);
    expect(b).toEqual(VALUE);
  });

  test("is decoded with the extensions of who asks", async () => {
    await using stores = await temporaryStores();
    class FakeTask {}
    const extension = taskReferences(
      (value) => value instanceof FakeTask,
      () => ["k", "train"],
    );
    const inline = encodeToBytes([new FakeTask()], { extensions: [extension] });
    expect(await loadValue(stores.objects, { inline }, [resolvedTasks((key) => `result of ${key}`)])).toEqual([
      "result of k",
    ]);
  });

  test.each<[string, (stores: TestStores) => Promise<void>, string]>([
    ["that is gone", ({ objects }) => objects.deleteMany(["content/v"]), "content/v is not in the object store"],
    ["that was cut short", (stores) => spoil(stores, Buffer.from("SL")), "content/v has 2 bytes, not 144"],
    [
      "that was changed and is as long as before",
      (stores) => spoil(stores, Buffer.alloc(144)),
      "content/v was changed after it was stored",
    ],
  ])("%s is lost, by name", async (_, harm, message) => {
    await using stores = await temporaryStores();
    const slot = await storedValue(stores, VALUE);
    expect(slot.bytes).toBe(144);
    await harm(stores);
    const lost = await loadValue(stores.objects, slot).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(ObjectLostError);
    expect(lost).toMatchObject({ message, object: "content/v" });
  });

  test("that was changed makes way for the right one, which has the same name", async () => {
    await using stores = await temporaryStores();
    const slot = await storedValue(stores, VALUE);
    await spoil(stores, Buffer.alloc(144));
    await expect(loadValue(stores.objects, slot)).rejects.toThrow(ObjectLostError);
    expect(await loadValue(stores.objects, await storedValue(stores, VALUE))).toEqual(VALUE);
  });

  test("that cannot be read though nothing was changed is no lost value, but one that nobody here can read", async () => {
    await using stores = await temporaryStores();
    await expect(loadValue(stores.objects, { inline: Buffer.from("not a value at all") })).rejects.toThrow(CodecError);
  });
});
