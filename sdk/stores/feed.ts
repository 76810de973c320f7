import type { FeedAddress } from "../wire/attempt.ts";
import { FEED_ATTRIBUTE, type FeedEntry, type FeedEvent, packFeedEntry, unpackFeedEntry } from "../wire/feed.ts";
import { feedPartition, feedSortKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { isNewerVersion, refuseNewer } from "../wire/version.ts";
import type { ControlTable, Item } from "./control-table.ts";

/** How long feed items are kept, in seconds: a driver that comes back after a day still finds them. */
const KEPT_SECONDS = 2 * 24 * 3600;
/** How far back a reader looks again, in milliseconds: clocks differ a little, and writes take their time. */
const OVERLAP_MS = 2_000;
/** How far back, and how often, it looks for what came later still. */
const DEEP_OVERLAP_MS = 30_000;
const DEEP_EVERY_MS = 5_000;

/** Writes one executor's events, in order. */
export class FeedWriter {
  readonly #table: ControlTable;
  readonly #executor: string;
  #sequence = 0;
  #lastWrittenAt = 0;

  constructor(table: ControlTable, executor: string) {
    this.#table = table;
    this.#executor = executor;
  }

  async write(feed: FeedAddress, event: FeedEvent): Promise<void> {
    // Not before its last one, though the clock be set back: readers go by this order.
    const now = Math.max(Date.now(), this.#lastWrittenAt);
    this.#lastWrittenAt = now;
    await this.#table.put({
      pk: feedPartition(feed.name, feed.shard ?? 0),
      sk: feedSortKey(now, this.#executor, this.#sequence++),
      f: PROTOCOL_VERSION,
      ttl: Math.floor(now / 1000) + KEPT_SECONDS,
      [FEED_ATTRIBUTE]: packFeedEntry({ executor: this.#executor, event }),
    });
  }
}

/** A feed, and which of its shards there is something to read in; they may become others from one look to the next. */
export interface ReadFeed {
  readonly name: string;
  shards(): readonly number[];
}

/** How far a shard has been read. */
interface Progress {
  readUpTo: number;
  /** Sort keys seen that may come up again, and when they were written. */
  readonly seen: Map<string, number>;
}

/** Reads a feed: each event once, those of one executor in order. */
export class FeedReader {
  readonly #table: ControlTable;
  readonly #feed: ReadFeed;
  readonly #onNewer: (error: Error) => void;
  readonly #since: number;
  readonly #progress = new Map<number, Progress>();
  #lastDeepRead = 0;

  /**
   * @param onNewer Is told of each entry that only a newer stratolab can read; the others are read on.
   * @param since What was written long before is not read, in milliseconds since the epoch.
   */
  constructor(table: ControlTable, feed: ReadFeed, onNewer: (error: Error) => void, since = 0) {
    this.#table = table;
    this.#feed = feed;
    this.#onNewer = onNewer;
    this.#since = since;
  }

  /** What is new since the last call, one query a shard. */
  async read(): Promise<FeedEntry[]> {
    const deep = Date.now() - this.#lastDeepRead >= DEEP_EVERY_MS;
    if (deep) this.#lastDeepRead = Date.now();
    const overlapMs = deep ? DEEP_OVERLAP_MS : OVERLAP_MS;
    const shards = this.#feed.shards().map((shard) => ({ shard, progress: this.#progressIn(shard) }));
    // Nothing counts as seen before all of them have answered: where one does not, all are read again.
    const found = await Promise.all(
      shards.map(({ shard, progress }) => {
        const from = Math.max(0, progress.readUpTo - overlapMs);
        return this.#table.query(feedPartition(this.#feed.name, shard), { after: feedSortKey(from, "", 0) });
      }),
    );
    return shards.flatMap(({ progress }, index) => this.#take(progress, found[index]));
  }

  #progressIn(shard: number): Progress {
    const known = this.#progress.get(shard) ?? { readUpTo: this.#since, seen: new Map() };
    this.#progress.set(shard, known);
    return known;
  }

  #take(progress: Progress, items: readonly Item[]): FeedEntry[] {
    const { seen } = progress;
    const fresh: FeedEntry[] = [];
    for (const item of items) {
      if (seen.has(item.sk)) continue;
      const writtenAt = Number(item.sk.slice(0, item.sk.indexOf("#")));
      seen.set(item.sk, writtenAt);
      progress.readUpTo = Math.max(progress.readUpTo, writtenAt);
      if (this.#isReadable(item)) fresh.push(unpackFeedEntry(item[FEED_ATTRIBUTE] as Uint8Array));
    }
    for (const [sk, writtenAt] of seen) if (writtenAt < progress.readUpTo - DEEP_OVERLAP_MS) seen.delete(sk);
    return fresh;
  }

  #isReadable(item: Item): boolean {
    try {
      refuseNewer(`the feed entry ${item.pk} ${item.sk}`, item.f);
      return true;
    } catch (error) {
      if (!isNewerVersion(error)) throw error;
      this.#onNewer(error);
      return false;
    }
  }
}
