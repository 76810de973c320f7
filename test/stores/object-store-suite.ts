import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ObjectStore, StoredObject } from "../../sdk/stores/object-store.ts";
import type { Encoded } from "../../sdk/wire/codec/frame.ts";

/** How a store is made for the suite, and what is left to do afterwards. */
export interface ObjectStoreUnderTest {
  readonly objects: ObjectStore;
  readonly release?: () => Promise<void>;
}

export const encodedOf = (...chunks: readonly Uint8Array[]): Encoded => ({
  chunks,
  byteLength: chunks.reduce((sum, { byteLength }) => sum + byteLength, 0),
});

const digest = (...chunks: readonly Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
};

async function listed(objects: ObjectStore, prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of objects.list(prefix)) found.push(object);
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** What every object store has to get right. */
export function testObjectStore(name: string, open: () => Promise<ObjectStoreUnderTest>): void {
  describe(`the object store on ${name}`, () => {
    let objects: ObjectStore;
    let release: (() => Promise<void>) | undefined;

    beforeAll(async () => {
      ({ objects, release } = await open());
    });
    afterAll(async () => {
      await release?.();
    });

    /** A folder that nobody else writes to, below one that executors may write to. */
    const fresh = () => `content/test-${randomBytes(8).toString("hex")}`;

    test("an object that is not there is undefined", async () => {
      const key = `${fresh()}/a`;
      expect([await objects.get(key), await objects.has(key)]).toEqual([undefined, false]);
    });

    test.each<[string, readonly Uint8Array[]]>([
      ["no bytes", []],
      ["no bytes in a chunk", [new Uint8Array()]],
      ["one byte", [Uint8Array.of(255)]],
      ["some chunks, one of them empty", [Buffer.from("a"), new Uint8Array(), Buffer.from("bc")]],
      ["a window on larger memory", [new Uint8Array(100).fill(9).subarray(10, 20)]],
      ["typed arrays", [new Uint8Array(Float64Array.of(1, 2).buffer)]],
      ["more chunks than one write takes", Array.from({ length: 3_000 }, (_, index) => Uint8Array.of(index % 256))],
      ["bytes of every value", [Uint8Array.from({ length: 65_536 }, (_, index) => index % 256)]],
    ])("gives back what was put: %s", async (_, chunks) => {
      const key = `${fresh()}/a`;
      await objects.put(key, encodedOf(...chunks));
      expect(await objects.has(key)).toBe(true);
      const found = await objects.get(key);
      expect(found).toBeInstanceOf(Uint8Array);
      expect(Buffer.concat([found as Uint8Array]).equals(Buffer.concat(chunks))).toBe(true);
    });

    test.each([1_000, 3 * 2 ** 20])("finds its name while %i bytes are on their way, or puts nothing", async (size) => {
      const folder = fresh();
      const content = encodedOf(Buffer.alloc(size, "named"));
      await objects.put(async () => `${folder}/a`, content);
      expect(Buffer.compare((await objects.get(`${folder}/a`)) as Uint8Array, content.chunks[0])).toBe(0);
      const failing = objects.put(() => Promise.reject(new Error("no name")), content);
      await expect(failing).rejects.toThrow("no name");
      expect((await listed(objects, `${folder}/`)).map(({ key }) => key)).toEqual([`${folder}/a`]);
    });

    test("gives back 40 MB that were put in uneven chunks", async () => {
      const chunks = [5, 17, 1 / 1_024, 16, 2].map((mb, index) =>
        Buffer.alloc(Math.round(mb * 2 ** 20), `${index}chunk`),
      );
      const key = `${fresh()}/large`;
      await objects.put(key, encodedOf(...chunks));
      const found = (await objects.get(key)) as Uint8Array;
      expect(found.byteLength).toBe(40 * 2 ** 20 + 1_024);
      expect(digest(found)).toBe(digest(...chunks));
      await objects.deleteMany([key]);
    });

    test("hands out memory of the caller's own, aligned for any typed array", async () => {
      const key = `${fresh()}/a`;
      await objects.put(key, encodedOf(new Uint8Array(64).fill(1)));
      const [first, second] = [await objects.get(key), await objects.get(key)] as [Uint8Array, Uint8Array];
      first.fill(0);
      expect(second.every((byte) => byte === 1)).toBe(true);
      expect([first.byteOffset % 8, second.byteOffset % 8]).toEqual([0, 0]);
    });

    test("keeps the first of two that are put under one key", async () => {
      const key = `${fresh()}/a`;
      await objects.put(key, encodedOf(Buffer.from("first")));
      await objects.put(key, encodedOf(Buffer.from("the second")));
      expect(Buffer.from((await objects.get(key)) as Uint8Array).toString()).toBe("first");
    });

    test("keeps the first of two large ones that are put under one key", async () => {
      const key = `${fresh()}/a`;
      await objects.put(key, encodedOf(Buffer.from("first")));
      await objects.put(key, encodedOf(Buffer.alloc(17 * 2 ** 20)));
      expect(Buffer.from((await objects.get(key)) as Uint8Array).toString()).toBe("first");
    });

    test("keeps one of many that are put at once, whole", async () => {
      const key = `${fresh()}/a`;
      await Promise.all(
        Array.from({ length: 10 }, (_, index) => objects.put(key, encodedOf(Buffer.alloc(100_000, index + 1)))),
      );
      const found = (await objects.get(key)) as Uint8Array;
      expect(found.byteLength).toBe(100_000);
      expect(found.every((byte) => byte === found[0] && byte > 0)).toBe(true);
    });

    test("deletes what is named, and takes it again", async () => {
      const folder = fresh();
      for (const each of ["a", "b", "c"]) await objects.put(`${folder}/${each}`, encodedOf(Buffer.from(each)));
      await objects.deleteMany([`${folder}/a`, `${folder}/c`, `${folder}/missing`, `${folder}/a`]);
      expect((await listed(objects, `${folder}/`)).map(({ key }) => key)).toEqual([`${folder}/b`]);
      await objects.put(`${folder}/a`, encodedOf(Buffer.from("again")));
      expect(Buffer.from((await objects.get(`${folder}/a`)) as Uint8Array).toString()).toBe("again");
    });

    test("deletes nothing where nothing is named", async () => {
      await objects.deleteMany([]);
    });

    test("says of one object what it would list of it", async () => {
      const folder = fresh();
      await objects.put(`${folder}/a`, encodedOf(new Uint8Array(17)));
      const [listedObject] = await listed(objects, `${folder}/`);
      const stat = await objects.stat(`${folder}/a`);
      expect(stat).toMatchObject({ key: `${folder}/a`, bytes: 17 });
      expect(Math.abs((stat?.modifiedAtMs ?? 0) - listedObject.modifiedAtMs)).toBeLessThan(1_000);
      expect(await objects.stat(`${folder}/missing`)).toBeUndefined();
    });

    test("gives the first bytes of an object, or all where there are fewer", async () => {
      const folder = fresh();
      await objects.put(`${folder}/a`, encodedOf(Buffer.from("first "), Buffer.from("and last")));
      await objects.put(`${folder}/empty`, encodedOf());
      const start = async (key: string, bytes: number) => {
        const found = await objects.getStart(`${folder}/${key}`, bytes);
        return found && Buffer.from(found).toString();
      };
      expect(await start("a", 5)).toBe("first");
      expect(await start("a", 1_000)).toBe("first and last");
      expect(await start("empty", 5)).toBe("");
      expect(await start("missing", 5)).toBeUndefined();
    });

    test("gives any part of an object", async () => {
      const key = `${fresh()}/a`;
      await objects.put(key, encodedOf(Buffer.from("first "), Buffer.from("and last")));
      const range = async (start: number, bytes: number) => {
        const found = await objects.getRange(key, start, bytes);
        return found && Buffer.from(found).toString();
      };
      expect([await range(6, 3), await range(10, 100), await range(100, 5)]).toEqual(["and", "last", ""]);
      expect(await objects.getRange(`${fresh()}/missing`, 0, 5)).toBeUndefined();
    });

    test.each<[string, readonly number[]]>([
      ["nothing", []],
      ["a few pieces", [5, 1, 10_000]],
      ["40 MB in uneven pieces", [1, 3, 17, 2, 1, 16].map((mb) => mb * 2 ** 20 + 1)],
    ])("takes a stream: %s", async (_, sizes) => {
      const key = `${fresh()}/stream`;
      const pieces = sizes.map((size, index) => Buffer.alloc(size, `${index}piece`));
      await objects.putStream(
        key,
        (async function* () {
          yield* pieces;
        })(),
      );
      expect(digest((await objects.get(key)) as Uint8Array)).toBe(digest(...pieces));
      await objects.deleteMany([key]);
    });

    test("keeps nothing of a stream that breaks off", async () => {
      const key = `${fresh()}/broken`;
      const content = (async function* () {
        yield Buffer.alloc(20 * 2 ** 20);
        throw new Error("the source is gone");
      })();
      await expect(objects.putStream(key, content)).rejects.toThrow("the source is gone");
      expect(await objects.has(key)).toBe(false);
    });

    test("keeps the content of an object that is touched, and touches none that is not there", async () => {
      const key = `${fresh()}/a`;
      expect(await objects.touch(key)).toBe(false);
      expect(await objects.has(key)).toBe(false);
      await objects.put(key, encodedOf(Buffer.from("x")));
      expect(await objects.touch(key)).toBe(true);
      expect(Buffer.from((await objects.get(key)) as Uint8Array).toString()).toBe("x");
    });

    test("keeps the content of one that is touched, or put again, hours later", async () => {
      const key = `${fresh()}/a`;
      await objects.put(key, encodedOf(Buffer.from("x")));
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
      try {
        expect(await objects.touch(key)).toBe(true);
        await objects.put(key, encodedOf(Buffer.from("x")));
      } finally {
        vi.useRealTimers();
      }
      expect(Buffer.from((await objects.get(key)) as Uint8Array).toString()).toBe("x");
    });

    test("lists keys, sizes and times by any beginning of the key", async () => {
      const folder = fresh();
      const before = Date.now();
      const keys = ["ab/x", "ab/y/z", "ac/x", "b"].map((key) => `${folder}/${key}`);
      await Promise.all(keys.map((key, size) => objects.put(key, encodedOf(new Uint8Array(size * 10)))));
      const found = await listed(objects, `${folder}/`);
      expect(found.map(({ key, bytes }) => [key, bytes])).toEqual(keys.map((key, size) => [key, size * 10]));
      // Services count whole seconds, and have clocks of their own.
      for (const { modifiedAtMs } of found) expect(Math.abs(modifiedAtMs - before)).toBeLessThan(60_000);
      const keysBelow = async (prefix: string) => (await listed(objects, prefix)).map(({ key }) => key);
      expect(await keysBelow(`${folder}/a`)).toEqual(keys.slice(0, 3));
      expect(await keysBelow(`${folder}/ab/`)).toEqual(keys.slice(0, 2));
      expect(await keysBelow(`${folder}/ab/y/z`)).toEqual([keys[1]]);
      expect(await keysBelow(folder)).toEqual(keys);
      expect(await keysBelow(`${folder}/q`)).toEqual([]);
      expect(await keysBelow(`${fresh()}/`)).toEqual([]);
    });
  });
}
