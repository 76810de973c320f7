import type { ResultType } from "./result-items.ts";
import type { ResultPacks } from "./result-packs.ts";

/** How much there is of a task type and code version. */
export interface PackedSizes {
  /** Bytes in a partition, by depth; of those that are not in use nothing. */
  readonly partitionBytes: ReadonlyMap<number, number>;
  /** Results in these partitions. */
  readonly count: number;
  /** What a result needs in them on average, beside what is of its whole pack; 0 where there is none. */
  readonly rowBytes: number;
  readonly hasKeyed: boolean;
  /** The type is in the list of all types. */
  readonly isListed: boolean;
}

/**
 * How much there is of a type, as far as a part of one partition of each depth tells: keys are hashes, so all have about
 * as much.
 *
 * @param key In which partition to look.
 */
export async function packedSizes(
  packs: ResultPacks,
  type: ResultType,
  key: string,
  maxAgeMs = 0,
): Promise<PackedSizes> {
  const found = await packs.partsOf(type, key, maxAgeMs);
  const base = found.get(0);
  let [count, bytesOfRows] = [0, 0];
  for (const each of found.values()) {
    count += each.count;
    bytesOfRows += each.bytesOfRows;
  }
  return {
    partitionBytes: new Map([...found].map(([depth, { bytes }]) => [depth, bytes])),
    count,
    rowBytes: count === 0 ? 0 : bytesOfRows / count,
    hasKeyed: base?.hasKeyed ?? false,
    isListed: base?.isListed ?? false,
  };
}
