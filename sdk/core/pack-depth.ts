/**
 * A partition of packs is meant to hold up to this many bytes, since whoever looks for one of its results reads all of
 * them: as much as DynamoDB gives in answer to one query.
 */
const MOST_BYTES = 1_000_000;
/** There are 16 times as many partitions at each depth as at the one before: here 65,536, for some 60 GB. */
const DEEPEST = 4;

/**
 * By how many digits of their keys results are divided among partitions: by as few as leave room for them, since those
 * that are written together need an item for each partition.
 *
 * @param partitionBytes What a partition has at each depth that is in use.
 * @param addedBytes What is about to be added, in all partitions together.
 */
export function depthFor(partitionBytes: ReadonlyMap<number, number>, addedBytes: number): number {
  for (let depth = 0; depth < DEEPEST; depth++) {
    const bytes = (partitionBytes.get(depth) ?? 0) + addedBytes / 16 ** depth;
    if (bytes <= MOST_BYTES) return depth;
  }
  return DEEPEST;
}
