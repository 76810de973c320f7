import type { ControlTable } from "../../stores/control-table.ts";
import { FeedReader, type ReadFeed } from "../../stores/feed.ts";
import type { FeedEntry } from "../../wire/feed.ts";

/** How often the feed is read: quickly after news, slower the longer there is none. */
const MIN_MS = 100;
const MAX_MS = 700;
const SLOWDOWN = 1.25;

/** Reads a lab's feed as long as there is something to hear. */
export class FeedPoller {
  readonly #reader: FeedReader;
  readonly #isNeeded: () => boolean;
  readonly #hear: (entry: FeedEntry) => void;
  readonly #onTrouble: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #pauseMs = MIN_MS;
  #closed = false;

  constructor(
    table: ControlTable,
    feed: ReadFeed,
    isNeeded: () => boolean,
    hear: (entry: FeedEntry) => void,
    onTrouble: (error: unknown) => void,
    since = 0,
  ) {
    this.#reader = new FeedReader(table, feed, onTrouble, since);
    this.#isNeeded = isNeeded;
    this.#hear = hear;
    this.#onTrouble = onTrouble;
  }

  /** There is something to hear soon: reads the feed from now on, and quickly at first. */
  wake(): void {
    this.#pauseMs = MIN_MS;
    if (this.#closed || this.#reading) return;
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** Reads what is there by now; resolves when it was heard. */
  async catchUp(): Promise<void> {
    // A reading that is under way may have begun too early.
    while (this.#reading) await this.#reading;
    if (this.#closed) return;
    clearTimeout(this.#timer);
    await this.#begin();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#begin(), this.#pauseMs);
  }

  #begin(): Promise<void> {
    this.#timer = undefined;
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
      if (!this.#closed && this.#isNeeded()) this.#schedule();
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    try {
      const entries = await this.#reader.read();
      this.#pauseMs = entries.length > 0 ? MIN_MS : Math.min(MAX_MS, this.#pauseMs * SLOWDOWN);
      for (const entry of entries) this.#hear(entry);
    } catch (error) {
      this.#pauseMs = MAX_MS;
      this.#onTrouble(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#reading;
  }
}
