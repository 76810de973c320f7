import type { Lane } from "../core/offer.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import { storeValue } from "../stores/values.ts";
import type { AttemptSpec } from "../wire/attempt.ts";
import { contentObject } from "../wire/keys.ts";
import type { Slot } from "../wire/slot.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Puts params that are too large for a message into the object store, once for each task. */
export async function storeLargeParams(
  entries: readonly TaskEntry[],
  objects: ObjectStore,
  inlineBytes: number,
): Promise<void> {
  const large = entries.filter(
    ({ params, planned }) => params === undefined && planned.params.byteLength > inlineBytes,
  );
  await Promise.all(
    large.map(async (entry) => {
      const bytes = entry.planned.params;
      entry.params = await storeValue(objects, { chunks: [bytes], byteLength: bytes.byteLength }, contentObject);
    }),
  );
}

/** How long an invocation may wait for tasks that its task runs, the first time, in milliseconds. */
const SUSPEND_AFTER_MS = 5_000;

/**
 * On Lambda time is paid for, so attempts that wait are given up and made again later. Each time they may wait
 * twice as long: one that runs other tasks each time it is executed comes to its end all the same. In a run that may
 * cost so much it is so in containers, too: what was reserved for those that wait is what the tasks need that they
 * wait for.
 */
function suspendAfterMs({ suspensions, planned }: TaskEntry, lane: Lane, isBounded: boolean): number | undefined {
  const isPaid = lane.service === "lambda" || (isBounded && (lane.service === "fargate" || lane.service === "ec2"));
  if (!isPaid || planned.policy.maxRetries === 0) return undefined;
  return SUSPEND_AFTER_MS * 2 ** Math.min(suspensions, 10);
}

/** How an attempt stands among those of its assignment. */
interface Standing {
  /** Tasks of the attempts before it. */
  readonly before: ReadonlySet<TaskEntry>;
  /** Nobody needs its result but attempts behind it. */
  readonly isUnstored: boolean;
  /** How many of its assignment run at once. */
  readonly atOnce: number;
}

const ALONE: Standing = { before: new Set(), isUnstored: false, atOnce: 1 };

/** An attempt as an executor needs to see it. */
export function attemptSpec(
  entry: TaskEntry,
  attempt: number,
  lane: Lane,
  isBounded: boolean,
  { before, isUnstored, atOnce }: Standing = ALONE,
): AttemptSpec {
  const { key, name, version, params, demand, keepMs } = entry.planned;
  const inputs: Record<string, Slot> = {};
  const patienceMs = suspendAfterMs(entry, lane, isBounded);
  const handed: string[] = [];
  for (const dependency of entry.dependencies) {
    if (dependency.value === undefined && before.has(dependency)) handed.push(dependency.planned.key);
    else inputs[dependency.planned.key] = dependency.value as Slot;
  }
  return {
    task: entry.task,
    attempt,
    key,
    name,
    version,
    params: entry.params ?? { inline: params },
    inputs,
    ...(handed.length > 0 ? { handed } : {}),
    ...(isUnstored ? { unstored: true } : {}),
    ...(entry.remade ? { remade: resultsOf(entry.remade) } : {}),
    resources: {
      // Of what the executor has, its share.
      numCpus: lane.cpus / atOnce,
      numGpus: lane.gpus,
      ...(lane.memoryMb === undefined ? {} : { memoryMb: lane.memoryMb }),
      ...(demand.timeoutMs === undefined ? {} : { timeoutMs: demand.timeoutMs }),
    },
    generation: entry.generation,
    ...(keepMs === undefined ? {} : { keepMs }),
    ...(patienceMs === undefined ? {} : { suspendAfterMs: patienceMs }),
  };
}

/** Those that are there: what has been lost again since is made again once more. */
function resultsOf(remade: ReadonlyMap<string, TaskEntry>): Record<string, Slot> {
  const results: Record<string, Slot> = {};
  for (const [key, { value }] of remade) if (value) results[key] = value;
  return results;
}
