import { packPartition } from "../wire/keys.ts";
import type { PackPartition, PackPartitions } from "./pack-partitions.ts";
import type { ResultRecord, ResultType } from "./result-items.ts";

/** So many partitions are asked for one by one, before the whole table is read instead. */
const MOST_QUERIES = 1_000;
/** Partitions that are in memory together. */
const TOGETHER = 8;

/**
 * All results of some types that lie in packs, partition by partition.
 *
 * @returns Undefined where these are too many, or where there may be results under their own keys, of which nobody has a
 * list: then all results have to be read through.
 */
export async function listPacked(
  partitions: PackPartitions,
  types: readonly ResultType[],
): Promise<AsyncIterable<ResultRecord> | undefined> {
  if (types.length > MOST_QUERIES) return undefined;
  const bases: PackPartition[] = [];
  const first = types.flatMap((type) => partitionsAt(type, 0));
  await partitions.readAll(first, 0, (found, index) => {
    bases[index] = found;
  });
  const deeper = bases.flatMap(({ depths }, index) => depths.map((depth) => ({ type: types[index], depth })));
  const queries = deeper.reduce((sum, { depth }) => sum + 16 ** depth, bases.length);
  if (queries > MOST_QUERIES || bases.some(({ hasKeyed }) => hasKeyed)) return undefined;
  const others = deeper.flatMap(({ type, depth }) => partitionsAt(type, depth));
  return recordsOf(partitions, bases, others);
}

async function* recordsOf(partitions: PackPartitions, read: readonly PackPartition[], others: readonly string[]) {
  for (const each of read) yield* recordsIn(each);
  for (let start = 0; start < others.length; start += TOGETHER) {
    const found: PackPartition[] = [];
    await partitions.readAll(others.slice(start, start + TOGETHER), 0, (each) => found.push(each));
    for (const each of found) yield* recordsIn(each);
  }
}

function* recordsIn({ byKey }: PackPartition): Iterable<ResultRecord> {
  for (const found of byKey.values()) for (const { record } of found) yield record;
}

/** All partitions of a type at a depth. */
const partitionsAt = ({ namespace, name, version }: ResultType, depth: number): string[] =>
  Array.from({ length: 16 ** depth }, (_, n) =>
    packPartition(namespace, name, version, depth === 0 ? "" : n.toString(16).padStart(depth, "0")),
  );
