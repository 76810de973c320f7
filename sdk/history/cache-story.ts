import type { PlannedTask } from "../planning.ts";
import { listResults, type ResultRecord, readResults } from "../stores/results.ts";
import type { Stores } from "../stores/stores.ts";
import type { Slot } from "../wire/slot.ts";
import { comparableParams, paramsDifferences, shortly } from "./params-difference.ts";
import type { TaskHistory } from "./task-history.ts";

/** An earlier result of the same task name. */
export interface NearestResult {
  readonly key: string;
  /** Its params in a few words. */
  readonly params: string;
  /** Code version. */
  readonly version: string;
  readonly runId: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly endedAt: number;
  /** Where its params differ; none where only the code does. */
  readonly differences: readonly string[];
}

/** Why a task's result was found in the cache, or was not. */
export interface CacheStory {
  /**
   * `found`: it was stored. `not-needed`: nobody asked for it. `busted`: the run was to compute everything
   * anew. `lost`: it was stored, and could not be loaded. `other-code` and `other-params`: there was only an
   * earlier result of other code or params. `nothing-stored`: there was none of that name.
   */
  readonly kind: "found" | "not-needed" | "busted" | "lost" | "other-code" | "other-params" | "nothing-stored";
  /** The same in words. */
  readonly why: string;
  readonly nearest?: NearestResult;
}

/** Stored results that are looked through, and of those the latest of the name whose params are compared. */
const LOOKED_THROUGH = 100_000;
const COMPARED = 100;

/** What is known of a task's part in a run. */
interface InRun {
  readonly history: TaskHistory;
  readonly startedAt: number;
  readonly isBusted: boolean;
}

/**
 * Finds out why a task's result was found in the cache of a namespace, or was not. What was deleted or
 * replaced since then is not known any more.
 */
export async function cacheStory(
  stores: Stores,
  namespace: string,
  planned: PlannedTask,
  inRun: InRun | undefined,
): Promise<CacheStory> {
  const [own] = await readResults(stores.table, [planned.key]);
  const { history, startedAt = Number.POSITIVE_INFINITY, isBusted = false } = inRun ?? {};
  if (history?.status === "not-needed") {
    return { kind: "not-needed", why: "nothing needed it: what depends on it was found in the cache" };
  }
  if (history?.status === "cached" || (!inRun && own)) {
    return { kind: "found", why: own ? `its result is stored, ${madeBy(own)}` : "its result was stored then" };
  }
  if (history?.wasReopened) return { kind: "lost", why: "its stored result was lost, so it was made again" };
  if (isBusted) return { kind: "busted", why: "the run was to compute everything anew (bustCache)" };
  const nearest = await nearestResult(stores, namespace, planned, startedAt);
  const of = `of ${planned.name}`;
  if (!nearest) return { kind: "nothing-stored", why: `no result ${of} was stored` };
  if (nearest.differences.length === 0) {
    const versions = `version ${shortVersion(nearest.version)}, now ${shortVersion(planned.version)}`;
    const why = `the stored result for these params is of other code: ${versions}`;
    return { kind: "other-code", why, nearest };
  }
  const why = `no result ${of} was stored for these params; the nearest has others`;
  return { kind: "other-params", why, nearest };
}

const madeBy = ({ runId, attempt, endedAt }: ResultRecord) =>
  `made by attempt ${attempt} in run ${runId} at ${new Date(endedAt).toISOString()}`;

/** Versions that users gave are told whole, hashes by their beginning. */
const shortVersion = (version: string) => {
  if (version.startsWith("v:")) return version.slice(2);
  // Behind the plus is what the runtime environment has of it.
  return version
    .split("+")
    .map((hash) => hash.slice(0, 12))
    .join("+");
};

async function nearestResult(
  { table, objects }: Stores,
  namespace: string,
  { key, name, params, storedParams }: PlannedTask,
  before: number,
): Promise<NearestResult | undefined> {
  const candidates: ResultRecord[] = [];
  let looked = 0;
  for await (const record of listResults(table, namespace)) {
    if (record.name === name && record.key !== key && record.endedAt < before) candidates.push(record);
    looked += 1;
    if (looked >= LOOKED_THROUGH) break;
  }
  candidates.sort((a, b) => b.endedAt - a.endedAt);
  const comparable = (slot: Slot) =>
    comparableParams(objects, slot).then(
      (value) => ({ value }),
      () => undefined,
    );
  const own = await comparable(storedParams ?? { inline: params });
  const found = await Promise.all(
    candidates.slice(0, COMPARED).map(async (record): Promise<NearestResult | undefined> => {
      const its = await comparable(record.params);
      if (!own || !its) return undefined;
      const { version, runId, endedAt } = record;
      const differences = paramsDifferences(its.value, own.value);
      return { key: record.key, params: shortly(its.value), version, runId, endedAt, differences };
    }),
  );
  return found
    .filter((each) => each !== undefined)
    .reduce<NearestResult | undefined>(
      (best, each) => (best && best.differences.length <= each.differences.length ? best : each),
      undefined,
    );
}
