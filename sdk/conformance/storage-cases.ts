import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { CacheStorage } from "../wire/cache-options.ts";

/** One thing that a storage has to get right. `run` rejects where it does not. */
export interface StorageCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * What a storage of results has to get right, as cases for any test framework. They leave nothing behind.
 *
 * @param makeStorage Gives a storage as another process would have it: on the same place each time.
 * @example
 * import { storageConformance } from "stratolab/conformance";
 * for (const { name, run } of storageConformance(() => new FolderStorage("/mnt/models"))) test(name, run);
 */
export function storageConformance(makeStorage: () => CacheStorage): StorageCase[] {
  const withKeys = (body: (keys: readonly string[]) => Promise<void>) => async () => {
    const folder = `conformance-${randomBytes(6).toString("hex")}`;
    const keys = ["a", "ab", "a.b-c_d"].map((name) => `${folder}/${name}-0123456789abcdef`);
    try {
      await body(keys);
    } finally {
      await makeStorage().delete(keys);
    }
  };
  const load = async (key: string) => {
    const bytes = await makeStorage().get(key);
    return bytes && Buffer.from(bytes);
  };
  return [
    {
      name: "gives back what was put, to others too: nothing, one byte, a megabyte of any bytes",
      run: withKeys(async (keys) => {
        const values = [new Uint8Array(0), Uint8Array.of(255), new Uint8Array(randomBytes(2 ** 20))];
        for (const [index, value] of values.entries()) await makeStorage().put(keys[index] as string, value);
        for (const [index, value] of values.entries()) {
          deepStrictEqual(await load(keys[index] as string), Buffer.from(value));
        }
      }),
    },
    {
      name: "says undefined where there is nothing",
      run: withKeys(async ([key]) => strictEqual(await makeStorage().get(key as string), undefined)),
    },
    {
      name: "stores a part of larger memory as the part that it is",
      run: withKeys(async ([key]) => {
        await makeStorage().put(key as string, Uint8Array.of(1, 2, 3, 4).subarray(1, 3));
        deepStrictEqual(await load(key as string), Buffer.of(2, 3));
      }),
    },
    {
      name: "takes the same bytes under one key from several at once, whole for whoever reads meanwhile",
      run: withKeys(async ([key]) => {
        const bytes = new Uint8Array(randomBytes(100_000));
        await makeStorage().put(key as string, bytes);
        const puts = Array.from({ length: 8 }, () => makeStorage().put(key as string, bytes));
        const gets = Array.from({ length: 8 }, () => load(key as string));
        for (const read of await Promise.all(gets)) deepStrictEqual(read, Buffer.from(bytes));
        await Promise.all(puts);
        deepStrictEqual(await load(key as string), Buffer.from(bytes));
      }),
    },
    {
      name: "deletes what it is told to, and nothing else; what is not there is no error",
      run: withKeys(async (keys) => {
        const [first, second] = keys as [string, string];
        for (const key of [first, second]) await makeStorage().put(key, Uint8Array.of(1));
        await makeStorage().delete([first, `${first}-never`]);
        deepStrictEqual([await load(first), await load(second)], [undefined, Buffer.of(1)]);
        await makeStorage().delete([]);
      }),
    },
  ];
}
