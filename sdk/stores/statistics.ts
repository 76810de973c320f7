import { statisticsKey } from "../wire/keys.ts";
import { PROTOCOL_VERSION } from "../wire/protocol.ts";
import { refuseNewer } from "../wire/version.ts";
import type { ControlTable } from "./control-table.ts";

/** What earlier runs have measured of a task type. */
export interface TypeStatistics {
  readonly name: string;
  /** Running estimate of how long one attempt takes, in milliseconds; undefined before one has ended well. */
  readonly meanMs: number | undefined;
  /** How far attempts are from that on average, in milliseconds; undefined likewise, and where it was not recorded. */
  readonly deviationMs?: number | undefined;
  /** The most memory that attempts were seen to use, in MB; undefined before one was measured. */
  readonly peakMemoryMb?: number | undefined;
  /** Memory sizes in MB that were too small, each with the size of inputs from which on, as a power of two. */
  readonly tooSmall: readonly (readonly [bucket: number, memoryMb: number])[];
}

/** What is recorded of some task types; those that never ran are left out. */
export async function readStatistics(
  table: ControlTable,
  namespace: string,
  names: readonly string[],
): Promise<TypeStatistics[]> {
  const items = await table.getMany(names.map((name) => statisticsKey(namespace, name)));
  return items.flatMap((item, position): TypeStatistics[] => {
    if (!item) return [];
    refuseNewer(`the statistics ${item.pk}`, item.f);
    const meanMs = item.d === undefined ? undefined : Number(item.d);
    const deviationMs = item.dv === undefined ? undefined : Number(item.dv);
    const peakMemoryMb = item.m === undefined ? undefined : Number(item.m);
    return [{ name: names[position], meanMs, deviationMs, peakMemoryMb, tooSmall: JSON.parse(String(item.o ?? "[]")) }];
  });
}

/** Records what a run has measured. The last run to write wins: these are estimates, not counts. */
export async function writeStatistics(
  table: ControlTable,
  namespace: string,
  { name, meanMs, deviationMs, peakMemoryMb, tooSmall }: TypeStatistics,
): Promise<void> {
  await table.put({
    ...statisticsKey(namespace, name),
    f: PROTOCOL_VERSION,
    o: JSON.stringify(tooSmall),
    ...(meanMs === undefined ? {} : { d: meanMs }),
    ...(deviationMs === undefined ? {} : { dv: deviationMs }),
    ...(peakMemoryMb === undefined ? {} : { m: peakMemoryMb }),
  });
}
