import type { LabPlan, PlannedTask } from "../planning.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { readDeletedMany } from "../stores/deleted-results.ts";
import { readResults } from "../stores/results.ts";
import type { Stores } from "../stores/stores.ts";
import type { CodePart } from "../wire/code-part.ts";
import type { CacheChange } from "./cache-changes.ts";
import { type CacheStory, type CacheStoryKind, storyOf } from "./cache-story.ts";
import { EarlierResults } from "./earlier-results.ts";

/** Why tasks of one type are not cached, and how many of them for that reason. */
export interface NotCachedReason {
  /** `anew`: with `bustCache`, whatever is stored. */
  readonly kind: CacheStoryKind | "anew" | "unknown";
  /** In a few words: `helpers.ts has changed`. */
  readonly why: string;
  readonly count: number;
}

/** A plan is told within seconds: what may be looked through for it, and how many tasks of a type are explained. */
const LOOK_THROUGH = { results: 100_000, ms: 3_000 };
const EXPLAINED = 100;

interface Reason {
  readonly kind: NotCachedReason["kind"];
  readonly why: string;
}

/** Tasks of one type that a plan would run. */
interface TasksToRun {
  readonly name: string;
  readonly planned: readonly PlannedTask[];
}

/** Why the tasks that a plan would run are not cached, for each group of them: what holds for most of it first. */
export async function notCachedReasons(
  stores: Stores,
  namespace: string,
  plan: LabPlan,
  groups: readonly TasksToRun[],
  code: ReadonlyMap<string, readonly CodePart[]>,
): Promise<NotCachedReason[][]> {
  if (groups.length === 0) return [];
  const names = new Set(groups.map(({ name }) => name));
  const earlier = await EarlierResults.of(stores, names, code, LOOK_THROUGH);
  return Promise.all(
    groups.map(async ({ planned: tasks }) => {
      const explained = tasks.slice(0, EXPLAINED);
      const [deleted, isStored] = await Promise.all([
        readDeletedKeys(stores.table, explained),
        storedKeys(stores.table, namespace, explained),
      ]);
      const found = await Promise.all(
        explained.map(async (planned): Promise<Reason> => {
          if (planned.keepMs === 0) return { kind: "not-kept", why: "cache: false" };
          if (isStored.has(planned.key)) return { kind: "expired", why: "its result has expired" };
          if (deleted.has(planned.key)) return { kind: "deleted", why: "its result was deleted" };
          return reasonOf(await storyOf(earlier, { planned, namespace, plan }), earlier.isComplete);
        }),
      );
      return counted(found, tasks.length - explained.length);
    }),
  );
}

/** Of tasks that are to run, those with a result that does not count any more. */
async function storedKeys(table: ControlTable, namespace: string, tasks: readonly PlannedTask[]): Promise<Set<string>> {
  const records = await readResults(
    table,
    tasks.map(({ key, name, version }) => ({ key, namespace, name, version })),
  );
  return new Set(records.flatMap((record) => record?.key ?? []));
}

async function readDeletedKeys(table: ControlTable, tasks: readonly PlannedTask[]): Promise<Set<string>> {
  const keys = tasks.map(({ key }) => key);
  const deleted = await readDeletedMany(table, keys);
  return new Set(keys.filter((_, index) => deleted[index]));
}

function reasonOf({ kind, changes }: CacheStory, isComplete: boolean): Reason {
  if (kind === "nothing-stored") {
    return isComplete ? { kind, why: "never computed" } : { kind: "unknown", why: "too many results to look through" };
  }
  if (kind === "other-params") return { kind, why: "other params" };
  return { kind, why: [...new Set(changes.flatMap(causes))].join("; ") };
}

/** Changes without their places in the params, which differ from task to task. */
function causes(change: CacheChange): string[] {
  if (change.kind === "input") return ["other params"];
  if (change.kind !== "dependency") return [change.text];
  const inner = change.changes.flatMap(causes);
  return inner.length === 0 ? [`another ${change.name}`] : inner.map((cause) => `${change.name}: ${cause}`);
}

function counted(reasons: readonly Reason[], unexplained: number): NotCachedReason[] {
  const counts = new Map<string, NotCachedReason>();
  const add = ({ kind, why }: Reason, count: number) =>
    counts.set(why, { kind, why, count: (counts.get(why)?.count ?? 0) + count });
  for (const reason of reasons) add(reason, 1);
  if (unexplained > 0) add({ kind: "unknown", why: "not looked into" }, unexplained);
  return [...counts.values()].sort((a, b) => b.count - a.count);
}
