import { aws } from "stratolab";
import { describe, expect, test } from "vitest";
import { readRuns } from "../../sdk/stores/runs.ts";
import { FEED_ATTRIBUTE, unpackFeedEntry } from "../../sdk/wire/feed.ts";
import { feedPartition } from "../../sdk/wire/keys.ts";
import { shardedRunner } from "../support/sharded-runner.ts";
import { openStores } from "./durable-place.ts";
import { fourOf } from "./fixtures/reciting-tasks.ts";
import { ShardedPlace as Place, told } from "./sharded-place.ts";

const LINES = 4;
const PAUSE_MS = 600;

/** Who has told something in each shard of the feed of the lab that drove a run. */
async function tellers({ namespace }: Place, id: string): Promise<string[][]> {
  const { table } = await openStores();
  const [record] = await readRuns(table, namespace, [id]);
  const shards: string[][] = [];
  for (let shard = 0; shard < 6; shard += 1) {
    const items = await table.query(feedPartition(record?.lease.holder as string, shard));
    const entries = items.map((item) => unpackFeedEntry(item[FEED_ATTRIBUTE] as Uint8Array));
    shards.push([...new Set(entries.map(({ executor }) => executor))]);
  }
  await table.close();
  return shards;
}

// They wait more than they work.
describe.concurrent("executors tell what happens", () => {
  test("in one partition of the table as long as they are few", async () => {
    using place = new Place();
    await using lab = place.lab(aws());
    const run = lab.start(fourOf({ lines: LINES, pauseMs: PAUSE_MS, folder: place.folder }));
    await run.results();
    expect(await place.log(lab, run.id)).toEqual(told(LINES));
    const [first, ...others] = await tellers(place, run.id);
    expect(first).toHaveLength(4);
    expect(others.flat()).toEqual([]);
  });

  test("in several where they are more, and all of it is heard", async () => {
    using place = new Place();
    await using lab = place.lab(shardedRunner(1));
    const run = lab.start(fourOf({ lines: LINES, pauseMs: PAUSE_MS, folder: place.folder }));
    expect(await run.results()).toEqual([LINES, LINES + 1, LINES, LINES + 1]);
    expect(await place.log(lab, run.id)).toEqual(told(LINES));
    // Both containers were started by one call.
    const shards = await tellers(place, run.id);
    expect(shards.map(({ length }) => length).sort()).toEqual([0, 0, 0, 1, 1, 2]);
    expect(shards.slice(3).flat()).toEqual([]);
    expect(new Set(shards.flat()).size).toBe(4);
  });
});
