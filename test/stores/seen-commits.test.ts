import { join } from "node:path";
import { expect, test } from "vitest";
import { SeenCommits } from "../../sdk/stores/local/seen-commits.ts";
import { openShared } from "../../sdk/stores/local/shared-database.ts";
import { newFolder } from "./folders.ts";

type Told = (status: number) => unknown;

const item = { pk: "R#a", sk: "R", n: 1, v: Buffer.of(1, 2) };

/** A database that says what stands in it, and commits when it is told to. */
function fakeDatabase() {
  const stored = new Map<string, Record<string, unknown>>();
  const env = { startWriting: (_address: number, told: Told) => told };
  const db = { env, resetReadTxn: () => {}, get: ([pk]: [string]) => stored.get(pk) };
  const seen = new SeenCommits(db as never);
  const commit = (attributes: Record<string, unknown>) => {
    stored.set(item.pk, attributes);
    (env.startWriting(0, () => "told") as Told)(1);
  };
  return { seen, commit, env };
}

test("LMDB says when what was written can be read, mostly before it says that it was flushed", async () => {
  const { folder, release } = await newFolder();
  const shared = openShared<{ n: number }, [string, string]>(join(folder, "control.lmdb"));
  const told: string[] = [];
  for (let n = 0; n < 50; n += 1) {
    const written = { pk: `R#${n}`, sk: "R", n };
    const flushed = shared.db.put([written.pk, written.sk], { n }).then(() => "flushed");
    told.push(await shared.seen.sooner(written, "seen", flushed));
    expect(shared.db.get([written.pk, written.sk])).toEqual({ n });
    await flushed;
  }
  // Where both come in one turn of the event loop, the first may be left out.
  expect(told).toContain("seen");
  await shared.release();
  await release();
});

test("a write is over when its item can be read, whatever the flush says later", async () => {
  const { seen, commit } = fakeDatabase();
  let fail = (_error: Error) => {};
  const flushed = new Promise<boolean>((_, reject) => {
    fail = reject;
  });
  const told = seen.sooner(item, true, flushed);
  commit({ v: Buffer.of(1, 2), n: 1 });
  expect(await told).toBe(true);
  fail(new Error("the disk is full"));
});

test("what another has written under the key, or nothing yet, says nothing", async () => {
  const { seen, commit } = fakeDatabase();
  let flush = (_written: boolean) => {};
  const flushed = new Promise<boolean>((resolve) => {
    flush = resolve;
  });
  const told = seen.sooner(item, true, flushed);
  for (const other of [
    { n: 2, v: Buffer.of(1, 2) },
    { n: 1, v: Buffer.of(1, 3) },
    { n: 1 },
    { n: 1, v: Buffer.of(1, 2), m: 1 },
  ]) {
    commit(other);
  }
  const first = await Promise.race([told, new Promise((resolve) => setImmediate(() => resolve("waits")))]);
  expect(first).toBe("waits");
  flush(false);
  expect(await told).toBe(false);
});

test("a failed write is an error, and what LMDB is told is told on", async () => {
  const { seen, env } = fakeDatabase();
  await expect(seen.sooner(item, true, Promise.reject(new Error("no space")))).rejects.toThrow("no space");
  expect((env.startWriting(0, (status) => `heard ${status}`) as Told)(2)).toBe("heard 2");
});

test("without LMDB's word its promise counts", async () => {
  const seen = new SeenCommits({} as never);
  expect(await seen.sooner(item, true, Promise.resolve(false))).toBe(false);
});
