import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { aws, Lab, type Runner } from "stratolab";
import { describe, expect, test } from "vitest";
import { readRuns } from "../../sdk/stores/runs.ts";
import { FEED_ATTRIBUTE, unpackFeedEntry } from "../../sdk/wire/feed.ts";
import { feedPartition } from "../../sdk/wire/keys.ts";
import { eventually, runScript } from "../support/scripts.ts";
import { shardedRunner } from "../support/sharded-runner.ts";
import { openStores } from "./durable-place.ts";
import { fourOf } from "./fixtures/reciting-tasks.ts";

const LINES = 4;
const PAUSE_MS = 600;
/** A driver that is killed has written down by then what is in flight, and what it tells last is told in the feed alone. */
const MORE_LINES = 10;

const told = (lines: number) =>
  ["lambda", "ecs"]
    .flatMap((executor) =>
      [lines, lines + 1].flatMap((count) => Array.from({ length: count }, (_, n) => `${executor} ${n + 1}`)),
    )
    .sort();

/** A folder in which tasks leave lines that the library has no part in counting; its name is the namespace, too. */
class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stratolab-shards-"));
  readonly namespace = this.folder.replace(/\W/g, "");

  lab(runner: Runner): Lab {
    const tasks = new URL("./fixtures/reciting-tasks.ts", import.meta.url);
    return new Lab({ tasks, runner, namespace: this.namespace, progress: false });
  }

  lines(file: "begun" | "done"): string[] {
    const path = join(this.folder, file);
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  all(file: "begun" | "done"): Promise<void> {
    return eventually(() => this.lines(file).length >= 4, 60_000, `${file} of all four`);
  }

  /** Who has told something in each shard of the feed of the lab that drove a run. */
  async tellers(id: string): Promise<string[][]> {
    const { table } = await openStores();
    const [record] = await readRuns(table, this.namespace, [id]);
    const shards: string[][] = [];
    for (let shard = 0; shard < 6; shard += 1) {
      const items = await table.query(feedPartition(record?.lease.holder as string, shard));
      const entries = items.map((item) => unpackFeedEntry(item[FEED_ATTRIBUTE] as Uint8Array));
      shards.push([...new Set(entries.map(({ executor }) => executor))]);
    }
    await table.close();
    return shards;
  }

  async log(lab: Lab, id: string): Promise<string[]> {
    const lines: string[] = [];
    for await (const { text } of lab.logs(id, { task: "recite" })) lines.push(text);
    return lines.sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

// They wait more than they work.
describe.concurrent("executors tell what happens", () => {
  test("in one partition of the table as long as they are few", async () => {
    using place = new Place();
    await using lab = place.lab(aws());
    const run = lab.start(fourOf({ lines: LINES, pauseMs: PAUSE_MS, folder: place.folder }));
    await run.results();
    expect(await place.log(lab, run.id)).toEqual(told(LINES));
    const [first, ...others] = await place.tellers(run.id);
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
    const shards = await place.tellers(run.id);
    expect(shards.map(({ length }) => length).sort()).toEqual([0, 0, 0, 1, 1, 2]);
    expect(shards.slice(3).flat()).toEqual([]);
    expect(new Set(shards.flat()).size).toBe(4);
  });

  test("in several, which the next driver reads when theirs is killed", async () => {
    using place = new Place();
    const { folder, namespace } = place;
    const script = runScript("e2e/fixtures/sharded-script.ts", [folder, namespace, `${MORE_LINES}`, `${PAUSE_MS}`]);
    const id = new Promise<string>((resolve) => {
      script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    });
    await place.all("begun");
    // What is in flight is written down once a second.
    await sleep(1_500);
    script.child.kill("SIGKILL");
    await script.ended;
    await using lab = new Lab({ runner: aws(), namespace, progress: false });
    await (await lab.attach(await id)).results();
    expect(place.lines("begun")).toHaveLength(4);
    expect(await place.log(lab, await id)).toEqual(told(MORE_LINES));
  });

  test("in several, from which lines come that were told while nobody drove the run", async () => {
    using place = new Place();
    const { folder, namespace } = place;
    const script = runScript("e2e/fixtures/sharded-script.ts", [folder, namespace, `${LINES}`, `${PAUSE_MS}`]);
    const id = new Promise<string>((resolve) => {
      script.child.stdout?.once("data", (text) => resolve(String(text).trim()));
    });
    await place.all("begun");
    await sleep(1_500);
    script.child.kill("SIGKILL");
    await script.ended;
    await place.all("done");
    // What they have said last is told behind their results.
    await sleep(3_000);
    await using lab = new Lab({ runner: aws(), namespace, progress: false });
    await (await lab.attach(await id)).results();
    expect(place.lines("begun")).toHaveLength(4);
    expect(await place.log(lab, await id)).toEqual(told(LINES));
  });
});
