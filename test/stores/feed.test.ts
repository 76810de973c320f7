import { pack, unpack } from "msgpackr";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FeedReader, FeedWriter } from "../../sdk/stores/feed.ts";
import { FEED_ATTRIBUTE, type FeedEntry, type FeedEvent, packFeedEntry, unpackFeedEntry } from "../../sdk/wire/feed.ts";
import { feedPartition, feedSortKey } from "../../sdk/wire/keys.ts";
import { temporaryStores } from "./folders.ts";

const FEED = { name: "lab" };
/** As its driver reads it. */
const READ = { name: "lab", shards: () => [0, 1, 2, 3] };
const event = (number: number): FeedEvent => ({ type: "beat", assignments: [String(number)] });
const numbers = (entries: readonly FeedEntry[], executor?: string) =>
  entries
    .filter((entry) => executor === undefined || entry.executor === executor)
    .map((entry) => Number((entry.event as FeedEvent & { type: "beat" }).assignments[0]));
/** None of these feeds holds what is newer. */
const refuse = (error: Error): never => {
  throw error;
};
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 21) });
});
afterEach(() => {
  vi.useRealTimers();
});

const passes = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe("a feed", () => {
  test("without events gives none", async () => {
    await using stores = await temporaryStores();
    const reader = new FeedReader(stores.table, READ, refuse);
    expect(await reader.read()).toEqual([]);
  });

  test("gives each event once, those of one executor in order", async () => {
    await using stores = await temporaryStores();
    const reader = new FeedReader(stores.table, READ, refuse);
    const executors = ["a", "b", "c", "d", "e"];
    const writers = executors.map((id) => new FeedWriter(stores.table, id));
    const heard: FeedEntry[] = [];
    for (let round = 0; round < 20; round++) {
      for (const [shard, writer] of writers.entries()) await writer.write({ ...FEED, shard: shard % 4 }, event(round));
      if (round % 3 === 0) heard.push(...(await reader.read()));
      passes(round * 200);
    }
    heard.push(...(await reader.read()));
    expect(await reader.read()).toEqual([]);
    for (const executor of executors) expect(numbers(heard, executor)).toEqual(upTo(20));
    expect(heard).toHaveLength(100);
  });

  test("keeps the order of events of one moment", async () => {
    await using stores = await temporaryStores();
    const writer = new FeedWriter(stores.table, "a");
    for (const number of upTo(30)) await writer.write(FEED, event(number));
    expect(numbers(await new FeedReader(stores.table, READ, refuse).read())).toEqual(upTo(30));
  });

  test("keeps the order of an executor's events, also when its clock is set back", async () => {
    await using stores = await temporaryStores();
    const writer = new FeedWriter(stores.table, "a");
    for (const number of upTo(5)) {
      await writer.write(FEED, event(number));
      passes(-300);
    }
    expect(numbers(await new FeedReader(stores.table, READ, refuse).read())).toEqual(upTo(5));
  });

  test("is read from its beginning by whoever comes later", async () => {
    await using stores = await temporaryStores();
    const writer = new FeedWriter(stores.table, "a");
    await writer.write(FEED, event(0));
    passes(3_600_000);
    await writer.write(FEED, event(1));
    await new FeedReader(stores.table, READ, refuse).read();
    expect(numbers(await new FeedReader(stores.table, READ, refuse).read())).toEqual([0, 1]);
  });

  test("is nobody else's", async () => {
    await using stores = await temporaryStores();
    await new FeedWriter(stores.table, "a").write({ name: "other" }, event(0));
    expect(await new FeedReader(stores.table, READ, refuse).read()).toEqual([]);
  });

  test("has each executor's events in the shard that it was given, the first where it was given none", async () => {
    await using stores = await temporaryStores();
    const writer = new FeedWriter(stores.table, "a");
    for (const shard of [1, 2, 2]) await writer.write({ ...FEED, shard }, event(shard));
    await new FeedWriter(stores.table, "b").write(FEED, event(0));
    const sizes = await Promise.all(
      upTo(4).map(async (shard) => (await stores.table.query(feedPartition(FEED.name, shard))).length),
    );
    expect(sizes).toEqual([1, 1, 2, 0]);
  });

  test("is read in those shards that are asked for at the time: one that comes up again is read on", async () => {
    await using stores = await temporaryStores();
    let shards = [0];
    const reader = new FeedReader(stores.table, { name: "lab", shards: () => shards }, refuse);
    const writer = new FeedWriter(stores.table, "a");
    const says = async (number: number) => {
      await writer.write({ ...FEED, shard: 1 }, event(number));
      passes(10_000);
    };
    await says(0);
    expect(await reader.read()).toEqual([]);
    shards = [0, 1];
    expect(numbers(await reader.read())).toEqual([0]);
    await says(1);
    shards = [0];
    expect(await reader.read()).toEqual([]);
    shards = [0, 1];
    await says(2);
    expect(numbers(await reader.read())).toEqual([1, 2]);
  });

  test("loses nothing of one shard when another cannot be read", async () => {
    await using stores = await temporaryStores();
    let isBroken = true;
    const table = new Proxy(stores.table, {
      get: (target, name) =>
        name === "query" && isBroken
          ? (pk: string) => (pk.endsWith("#1") ? Promise.reject(new Error("refused")) : target.query(pk))
          : Reflect.get(target, name).bind(target),
    });
    await new FeedWriter(stores.table, "a").write(FEED, event(0));
    await new FeedWriter(stores.table, "b").write({ ...FEED, shard: 1 }, event(1));
    const reader = new FeedReader(table, READ, refuse);
    await expect(reader.read()).rejects.toThrow("refused");
    isBroken = false;
    expect(numbers(await reader.read())).toEqual([0, 1]);
  });

  test("tells the same as before, in less, where reports are alike", async () => {
    const usage = {
      startedAt: 1,
      endedAt: 2,
      loadMs: 0,
      runMs: 1,
      storeMs: 0,
      cpuMs: 1,
      peakMemoryMb: 9,
      bytesIn: 0,
      bytesOut: 1,
    };
    const reports = upTo(50).map((task) => ({
      task,
      attempt: 1,
      outcome: { kind: "user-error" as const, seen: "it threw", usage },
    }));
    const entry = { executor: "a", event: { type: "outcomes" as const, assignment: "1", reports } };
    const bytes = packFeedEntry(entry);
    // Whoever has always read them reads these, too.
    expect(unpack(bytes)).toEqual(entry);
    expect(unpackFeedEntry(new Uint8Array(pack(entry)))).toEqual(entry);
    expect(bytes.byteLength).toBeLessThan(pack(entry).byteLength / 2);
  });

  test("forgets its events by itself, days later", async () => {
    await using stores = await temporaryStores();
    await new FeedWriter(stores.table, "a").write(FEED, event(0));
    const [item] = await stores.table.query(feedPartition("lab", 0));
    expect(Number(item.ttl) * 1_000 - Date.now()).toBe(2 * 24 * 3_600_000);
  });

  test("carries bytes of results unharmed", async () => {
    await using stores = await temporaryStores();
    const told: FeedEvent = {
      type: "outcomes",
      assignment: "1",
      reports: [
        {
          task: 0,
          attempt: 1,
          outcome: {
            kind: "user-error",
            seen: "x",
            error: { names: ["E"], message: "m", encoded: Uint8Array.of(0, 255) },
          },
        },
      ],
    };
    await new FeedWriter(stores.table, "a").write(FEED, told);
    const [{ event: heard }] = await new FeedReader(stores.table, READ, refuse).read();
    const { reports } = heard as FeedEvent & { type: "outcomes" };
    const { error } = reports[0].outcome as { error: { encoded: Uint8Array } };
    expect([...error.encoded]).toEqual([0, 255]);
  });
});

describe("an event that comes late", () => {
  /** Written by a clock that is behind, or by a write that took its time. */
  async function write(table: Parameters<typeof put>[0], agoMs: number, number: number) {
    await put(table, Date.now() - agoMs, number);
  }
  async function put(
    table: Awaited<ReturnType<typeof temporaryStores>>["table"],
    at: number,
    number: number,
  ): Promise<void> {
    await table.put({
      pk: feedPartition(FEED.name, 0),
      sk: feedSortKey(at, "late", number),
      [FEED_ATTRIBUTE]: packFeedEntry({ executor: "late", event: event(number) }),
    });
  }

  test("by up to two seconds is found by the next look", async () => {
    await using stores = await temporaryStores();
    const reader = new FeedReader(stores.table, READ, refuse);
    await write(stores.table, 0, 0);
    expect(numbers(await reader.read())).toEqual([0]);
    await write(stores.table, 1_900, 1);
    expect(numbers(await reader.read())).toEqual([1]);
    expect(await reader.read()).toEqual([]);
  });

  test("by up to half a minute is found within five seconds", async () => {
    await using stores = await temporaryStores();
    const reader = new FeedReader(stores.table, READ, refuse);
    await write(stores.table, 0, 0);
    await reader.read();
    await write(stores.table, 29_000, 1);
    passes(5_000);
    expect(numbers(await reader.read())).toEqual([1]);
    passes(5_000);
    expect(await reader.read()).toEqual([]);
  });

  test("does not bring the others back", async () => {
    await using stores = await temporaryStores();
    const reader = new FeedReader(stores.table, READ, refuse);
    for (const number of upTo(30)) {
      await write(stores.table, 0, number);
      passes(1_000);
    }
    expect(await reader.read()).toHaveLength(30);
    for (let look = 0; look < 10; look++) {
      passes(1_000);
      expect(await reader.read()).toEqual([]);
    }
  });
});
