import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LoadedCache } from "../../runtime/loaded-objects.ts";
import { SpillFolder } from "../../runtime/spill-folder.ts";
import { checkOf } from "../../sdk/stores/check.ts";

const KB = 1_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-loaded-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Objects of 1 KB, and which of them were fetched. */
function world(disk?: SpillFolder) {
  const fetched: string[] = [];
  const cache = new LoadedCache(disk);
  const contentOf = (object: string) => new Uint8Array(KB).fill(object.charCodeAt(0));
  const slotOf = (object: string) => ({ object, bytes: KB, hash: checkOf([contentOf(object)]) });
  return {
    fetched,
    cache,
    begin: (needed: string[] = [], maxBytes = 2 * KB) => cache.begin(new Set(needed), maxBytes),
    load: (attempt: Awaited<ReturnType<LoadedCache["begin"]>>, object: string) =>
      attempt.load(slotOf(object), async () => {
        fetched.push(object);
        return contentOf(object);
      }),
    keep: async (attempt: Awaited<ReturnType<LoadedCache["begin"]>>, object: string) =>
      attempt.keep(slotOf(object), { chunks: [contentOf(object)], byteLength: KB }),
    prefetch: (...objects: string[]) =>
      cache.prefetch(objects.map(slotOf), async ({ object }) => {
        fetched.push(object);
        if (object === "x") throw new Error("it is lost");
        return contentOf(object);
      }),
    contentOf,
  };
}

describe("what an executor has loaded", () => {
  test("is fetched once for attempts one after another, and at the same time", async () => {
    const { begin, load, fetched } = world();
    const first = await begin();
    const [a, b] = await Promise.all([load(first, "a"), load(first, "a")]);
    expect(a).not.toBe(b);
    first.end();
    expect(await load(await begin(), "a")).toBe(a);
    expect(fetched).toEqual(["a"]);
  });

  test("is whole for the next attempt, whatever the last one has done to it", async () => {
    const { begin, load, fetched, contentOf } = world();
    for (let round = 0; round < 3; round++) {
      const attempt = await begin();
      const bytes = await load(attempt, "a");
      expect(bytes).toEqual(contentOf("a"));
      bytes[500] += 1;
      attempt.end();
    }
    expect(fetched).toEqual(["a", "a", "a"]);
  });

  test("may be fetched ahead, once and as far as there is room", async () => {
    const { begin, load, fetched, prefetch, contentOf } = world();
    prefetch("a");
    expect(fetched).toEqual([]);
    const attempt = await begin();
    await load(attempt, "b");
    prefetch("a", "a", "c");
    expect(await load(attempt, "a")).toEqual(contentOf("a"));
    prefetch("a", "b");
    attempt.end();
    expect(await load(await begin(), "a")).toEqual(contentOf("a"));
    expect(fetched).toEqual(["b", "a"]);
  });

  test("is fetched again by whoever needs it when that went wrong ahead", async () => {
    const { begin, load, fetched, prefetch, contentOf } = world();
    const attempt = await begin();
    prefetch("x");
    expect(await load(attempt, "x")).toEqual(contentOf("x"));
    expect(fetched).toEqual(["x", "x"]);
  });

  test("is not shared with an attempt that has not ended", async () => {
    const { begin, load, contentOf } = world();
    const one = await load(await begin(), "a");
    const other = await load(await begin(), "a");
    one.fill(0);
    expect(other).toEqual(contentOf("a"));
    expect(await load(await begin(), "a")).toEqual(contentOf("a"));
  });

  test("goes when others are used later, but for what the next attempt needs", async () => {
    const { begin, load, fetched } = world();
    const attempt = await begin();
    for (const object of ["a", "b", "c", "a"]) await load(attempt, object);
    attempt.end();
    fetched.length = 0;
    const next = await begin(["b"]);
    for (const object of ["b", "a", "c"]) await load(next, object);
    expect(fetched).toEqual(["c"]);
  });

  test("goes to disk where the store is far away, and from there least recently used out", async () => {
    const { begin, load, fetched, contentOf, keep } = world(new SpillFolder(folder));
    const attempt = await begin();
    await keep(attempt, "m");
    for (const object of ["a", "b", "c", "d"]) await load(attempt, object);
    attempt.end();
    const next = await begin([], 0);
    expect(readdirSync(join(folder, `stratolab-objects-${process.pid}`))).toHaveLength(5);
    fetched.length = 0;
    for (const object of ["a", "m", "d"]) expect(await load(next, object)).toEqual(contentOf(object));
    expect(fetched).toEqual([]);
  });
});
