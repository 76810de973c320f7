import { FEED } from "./limits.ts";

/** A shard that all have left is read for so long yet, in milliseconds: what they said last may come late. */
const READ_ON_MS = 30_000;

interface Shard {
  executors: number;
  /** Until when it is read though nobody is in it. */
  readUntil: number;
}

/**
 * Which shard of a lab's feed each executor writes to. One partition of the table takes so much a second and no more; so
 * executors fill one shard, then the next. Whoever begins later takes a place that somebody has left, in the
 * first shard that has one: few executors are always in the first, and are read with one query.
 */
export class FeedShards {
  readonly #perShard: number;
  readonly #shards: Shard[] = [];

  /** @param perShard How many executors share one. */
  constructor(perShard: number = FEED.executorsPerShard) {
    this.#perShard = perShard;
  }

  /** Finds a shard for executors that begin together and are told the same; more than it is for have one of their own. */
  assign(count = 1): number {
    const hasRoom = ({ executors }: Shard) => executors === 0 || executors + count <= this.#perShard;
    let shard = this.#shards.findIndex(hasRoom);
    if (shard < 0) shard = this.#shards.push({ executors: 0, readUntil: 0 }) - 1;
    this.#shards[shard].executors += count;
    return shard;
  }

  /** Executors that were given a shard are gone, or never came. */
  leave(shard: number, now: number, count = 1): void {
    const left = this.#shards[shard];
    left.executors -= count;
    left.readUntil = now + READ_ON_MS;
  }

  /** Those in which there may be something new: always the first, as executors that know of no others write there. */
  toRead(now: number): readonly number[] {
    const others = [...this.#shards.keys()].filter((shard) => {
      const { executors, readUntil } = this.#shards[shard];
      return shard > 0 && (executors > 0 || now < readUntil);
    });
    return [0, ...others];
  }
}
