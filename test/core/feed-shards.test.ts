import { describe, expect, test } from "vitest";
import { FeedShards } from "../../sdk/core/feed-shards.ts";
import { ECS_TASKS_PER_CALL, FEED, STORES } from "../../sdk/core/limits.ts";

/** What happens one after another: so many begin together, or leave a shard; and which shards are given, and then read. */
interface Case {
  readonly what: string;
  readonly begin: readonly number[];
  readonly given: readonly number[];
  readonly read: readonly number[];
}

const CASES: readonly Case[] = [
  { what: "nobody", begin: [], given: [], read: [0] },
  { what: "one", begin: [1], given: [0], read: [0] },
  { what: "as many as share one", begin: [1, 1, 1, 1], given: [0, 0, 0, 0], read: [0] },
  { what: "one more", begin: [4, 1], given: [0, 1], read: [0, 1] },
  { what: "some that find no room together", begin: [3, 2, 1], given: [0, 1, 0], read: [0, 1] },
  { what: "more than share one", begin: [6, 1], given: [0, 1], read: [0, 1] },
  { what: "more than share one, after others", begin: [1, 6, 1, 6], given: [0, 1, 0, 2], read: [0, 1, 2] },
  { what: "many", begin: [4, 4, 4, 4, 4], given: [0, 1, 2, 3, 4], read: [0, 1, 2, 3, 4] },
];

test.each(CASES)("$what: shards given and read", ({ begin, given, read }) => {
  const shards = new FeedShards(4);
  expect(begin.map((count) => shards.assign(count))).toEqual(given);
  expect(shards.toRead(0)).toEqual(read);
});

describe("a shard that all have left", () => {
  test("is read half a minute longer, and given again", () => {
    const shards = new FeedShards(2);
    for (const expected of [0, 0, 1, 1, 2]) expect(shards.assign()).toBe(expected);
    shards.leave(1, 1_000);
    shards.leave(1, 2_000);
    expect(shards.toRead(31_999)).toEqual([0, 1, 2]);
    expect(shards.toRead(32_000)).toEqual([0, 2]);
    expect(shards.assign()).toBe(1);
    expect(shards.toRead(99_000)).toEqual([0, 1, 2]);
  });

  test("is read on where it is the first: who knows of no others writes there", () => {
    const shards = new FeedShards(2);
    shards.assign(2);
    shards.assign(1);
    shards.leave(0, 0, 2);
    expect(shards.toRead(1e6)).toEqual([0, 1]);
  });
});

test("a place that somebody has left is taken before another shard is", () => {
  const shards = new FeedShards(3);
  for (let each = 0; each < 7; each++) shards.assign();
  shards.leave(0, 0);
  shards.leave(1, 0);
  expect([shards.assign(), shards.assign(), shards.assign()]).toEqual([0, 1, 2]);
});

test("calls that start ten ECS tasks fill a shard: it does not get hot with tasks of 10 ms", () => {
  expect(FEED.executorsPerShard % ECS_TASKS_PER_CALL).toBe(0);
  expect(FEED.executorsPerShard * 14).toBeLessThan(STORES.partition.writes);
  // Four are read for each that is written.
  expect(FEED.executorsPerShard * 14 * 4).toBeLessThan(STORES.partition.reads);
});
