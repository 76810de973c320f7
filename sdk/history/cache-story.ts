import { outdatedBy } from "../core/keeping.ts";
import type { LabPlan, PlannedTask } from "../planning.ts";
import { readDeletedMany } from "../stores/deleted-results.ts";
import type { ResultRecord } from "../stores/result-items.ts";
import { readResults } from "../stores/results.ts";
import type { Stores } from "../stores/stores.ts";
import { findDamage } from "../stores/values.ts";
import type { CodePart } from "../wire/code-part.ts";
import type { CacheChange } from "./cache-changes.ts";
import { EarlierResults, type NearestResult } from "./earlier-results.ts";
import type { TaskHistory } from "./task-history.ts";

/**
 * Why a task's result is, or was, found in the cache or not.
 *
 * - `found`: it is stored.
 * - `not-needed`: nobody asked for it, as what depends on it was stored.
 * - `busted`: the run was to compute everything anew.
 * - `lost`: it was stored, and could not be loaded.
 * - `corrupt`: it is stored, but its value is gone or was changed.
 * - `expired`: it is stored, but its type's `cache.ttl` is over.
 * - `not-kept`: results of its type are for their run only (`cache: false`).
 * - `deleted`: it was stored, and somebody deleted it.
 * - `other-code`, `other-params`, `other-dependency`, `other-namespace`: there is only an earlier result, from
 *   which it differs by that. With code, a version that a definition names counts too.
 * - `nothing-stored`: there is none of that name.
 */
export type CacheStoryKind =
  | "found"
  | "not-needed"
  | "busted"
  | "lost"
  | "corrupt"
  | "expired"
  | "not-kept"
  | "deleted"
  | "other-code"
  | "other-params"
  | "other-dependency"
  | "other-namespace"
  | "nothing-stored";

/** Why a task's result was found in the cache, or was not. */
export interface CacheStory {
  readonly kind: CacheStoryKind;
  /** The same in words. */
  readonly why: string;
  /** What is different from the nearest earlier result, what users have done themselves first; else empty. */
  readonly changes: readonly CacheChange[];
  readonly nearest?: NearestResult;
}

/** What is known of a task's part in a run. */
interface InRun {
  readonly history: TaskHistory;
  readonly startedAt: number;
  readonly isBusted: boolean;
}

/** The task that is asked about, and what is known around it. */
export interface AskedTask {
  readonly namespace: string;
  readonly planned: PlannedTask;
  readonly plan: LabPlan;
  /** What code versions are made of, where this process has bundled them. */
  readonly code?: ReadonlyMap<string, readonly CodePart[]>;
}

const told = (kind: CacheStoryKind, why: string): CacheStory => ({ kind, why, changes: [] });

/**
 * Finds out why a task's result was found in the cache of a namespace, or was not. Of what was replaced since
 * then nothing is known any more.
 */
export async function cacheStory(stores: Stores, asked: AskedTask, inRun: InRun | undefined): Promise<CacheStory> {
  const { planned, namespace } = asked;
  const { key, name, version } = planned;
  const [own] = await readResults(stores.table, [{ key, namespace, name, version }]);
  const { history, startedAt = Number.POSITIVE_INFINITY, isBusted = false } = inRun ?? {};
  if (history?.status === "not-needed") {
    return told("not-needed", "nothing needed it: what depends on it was found in the cache");
  }
  if (planned.keepMs === 0 && history?.status !== "cached") {
    return told("not-kept", `results of ${planned.name} are for their run only (cache: false)`);
  }
  if (!inRun && own) return foundNow(stores, own, planned.keepMs);
  if (history?.status === "cached") {
    return told("found", own ? `its result is stored, ${madeBy(own)}` : "its result was stored then");
  }
  if (history?.wasReopened) return told("lost", "its stored result was lost, so it was made again");
  // It had to take the place of another one, and nobody asked for that.
  if (own && own.generation > 0 && !isBusted && own.endedAt >= startedAt && planned.keepMs !== undefined) {
    return told("expired", `its stored result was older than ${planned.keepMs} ms (cache.ttl)`);
  }
  if (isBusted) return told("busted", "the run was to compute everything anew (bustCache)");
  const [deleted] = await readDeletedMany(stores.table, [planned.key]);
  if (deleted && deleted.at < startedAt) {
    const who = deleted.by === "uncache" ? "lab.uncache, or stratolab tasks --delete" : "a clean-up of old results";
    return told("deleted", `its result was deleted at ${timeOf(deleted.at)} by ${who}`);
  }
  const earlier = await EarlierResults.of(stores, new Set([planned.name]), asked.code);
  return storyOf(earlier, asked, startedAt);
}

async function foundNow({ objects }: Stores, own: ResultRecord, keepMs: number | undefined): Promise<CacheStory> {
  const outdated = outdatedBy(own, keepMs, { runId: undefined, now: Date.now() });
  if (outdated === "expired") {
    const ttlMs = Math.min(keepMs ?? Number.POSITIVE_INFINITY, own.keepMs ?? Number.POSITIVE_INFINITY);
    return told(
      "expired",
      `its result was ${madeBy(own)} and counted for ${ttlMs} ms, until ${timeOf(own.endedAt + ttlMs)}`,
    );
  }
  if (outdated) return told("not-kept", `its result was ${madeBy(own)} for that run only (cache: false then)`);
  const damage = await findDamage(objects, own.value);
  if (damage === undefined) return told("found", `its result is stored, ${madeBy(own)}`);
  return told("corrupt", `its stored result cannot be used: ${damage}; the next run that needs it makes it again`);
}

/** What the stored results of its name tell of a task that has none itself. */
export async function storyOf(
  earlier: EarlierResults,
  { planned, namespace, plan }: AskedTask,
  before?: number,
): Promise<CacheStory> {
  const byKey = new Map(plan.tasks.map((task) => [task.key, task]));
  const found = await earlier.nearest({ planned, namespace, byKey }, before);
  const of = `of ${planned.name}`;
  if (!found) return told("nothing-stored", `no result ${of} was stored`);
  const { nearest, changes } = found;
  const texts = changes.map(({ text }) => text).join("; ");
  const story = (kind: CacheStoryKind, why: string): CacheStory => ({ kind, why, changes, nearest });
  const has = (...kinds: CacheChange["kind"][]) => changes.some(({ kind }) => kinds.includes(kind));
  if (has("input")) return story("other-params", `no result ${of} was stored for these params; the nearest has others`);
  if (has("file", "package", "version", "code")) {
    return story("other-code", `the stored result for these params is of other code: ${texts}`);
  }
  if (has("dependency")) return story("other-dependency", `a task that it depends on is another one: ${texts}`);
  return story("other-namespace", `a result for these params is stored, but ${texts}`);
}

const timeOf = (ms: number) => new Date(ms).toISOString();

const madeBy = ({ runId, attempt, endedAt }: ResultRecord) =>
  `made by attempt ${attempt} in run ${runId} at ${timeOf(endedAt)}`;
