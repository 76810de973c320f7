import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { getObjectStream, getObjects, putObject } from "../../sdk/stores/objects.ts";
import type { ObjectRef } from "../../sdk/wire/object-ref.ts";
import { valueExtensions } from "../../sdk/wire/value-extensions.ts";
import { temporaryStores } from "./folders.ts";
import { testStreamMemory } from "./stream-memory.ts";

const folder = mkdtempSync(join(tmpdir(), "stratolab-streams-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

testStreamMemory("local files", () => ({ kind: "local", directory: join(folder, "storage") }));

const extensions = valueExtensions();
const text = "some text ".repeat(10_000);
const file = join(folder, "file");
writeFileSync(file, text);

test.each<[string, () => AsyncIterable<Uint8Array>]>([
  ["Node", () => createReadStream(file)],
  ["the web", () => new Blob([text]).stream()],
  [
    "a generator",
    async function* () {
      yield Buffer.from(text);
    },
  ],
])("a stream of %s is bytes to get, and a stream to getStream", async (_, make) => {
  await using stores = await temporaryStores();
  const ref = await putObject(stores.objects, make(), extensions);
  expect(Buffer.from((await getObjects(stores.objects, ref, extensions)) as Uint8Array).toString()).toBe(text);
  const stream = await getObjectStream(stores.objects, ref);
  expect(stream).toBeInstanceOf(Readable);
  expect(Buffer.concat(await stream.toArray()).toString()).toBe(text);
});

test("Blobs and Files come back as such, by one handle or several", async () => {
  await using stores = await temporaryStores();
  const put = (value: unknown) => putObject(stores.objects, value, extensions) as Promise<ObjectRef<Blob>>;
  const refs = [
    await put(new Blob(["a"], { type: "text/plain" })),
    await put(new File(["bc"], "b.csv", { type: "text/csv", lastModified: 1_000 })),
    await put(new Blob([])),
  ];
  const [blob, made, empty] = (await getObjects(stores.objects, refs, extensions)) as [Blob, File, Blob];
  expect([blob.type, await blob.text(), empty.size]).toEqual(["text/plain", "a", 0]);
  expect(made).toBeInstanceOf(File);
  expect([made.name, made.type, made.lastModified, await made.text()]).toEqual(["b.csv", "text/csv", 1_000, "bc"]);
  expect(await (await getObjectStream(stores.objects, refs[2])).toArray()).toEqual([]);
});

test("what is none, or is gone or changed, is refused by name", async () => {
  await using stores = await temporaryStores();
  const { objects } = stores;
  const put = (value: unknown) => putObject(objects, value, extensions);
  await expect(put(Readable.from(["text"]))).rejects.toThrow("this one gives a string");
  await expect(put({ deep: [new Blob([])] })).rejects.toThrow(/value\.deep\[0\] is a Blob; store it with put/);
  await expect(put({ deep: createReadStream(file) })).rejects.toThrow("value.deep is a stream; store it with put");
  const value = await put({ a: 1 });
  await expect(getObjectStream(objects, value)).rejects.toThrow("load it with get");
  await expect(getObjectStream(objects, 7 as never)).rejects.toThrow("needs an ObjectRef, got number");
  await expect(getObjects(objects, [value, 1 as never], extensions)).rejects.toThrow("refs[1] is no ObjectRef");
  const gone = await put(createReadStream(file));
  await objects.deleteMany([gone.slot.object]);
  await expect(getObjectStream(objects, gone)).rejects.toMatchObject({ kind: "object-lost" });
});

test("a stream whose bytes were changed does not end well", async () => {
  await using stores = await temporaryStores();
  const ref = await putObject(stores.objects, createReadStream(file), extensions);
  const { object } = ref.slot;
  await stores.objects.deleteMany([object]);
  const other = Buffer.from(text.replace("text", "tent"));
  await stores.objects.put(object, { chunks: [other], byteLength: other.byteLength });
  const stream = await getObjectStream(stores.objects, ref);
  await expect(stream.toArray()).rejects.toThrow("was changed after it was stored");
});
