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

/** An attempt as an executor needs to see it. */
export function attemptSpec(entry: TaskEntry, attempt: number, lane: Lane): AttemptSpec {
  const { key, name, version, params, demand } = entry.planned;
  const inputs: Record<string, Slot> = {};
  for (const dependency of entry.dependencies) inputs[dependency.planned.key] = dependency.value as Slot;
  return {
    task: entry.task,
    attempt,
    key,
    name,
    version,
    params: entry.params ?? { inline: params },
    inputs,
    resources: {
      numCpus: lane.cpus,
      numGpus: lane.gpus,
      ...(lane.memoryMb === undefined ? {} : { memoryMb: lane.memoryMb }),
      ...(demand.timeoutMs === undefined ? {} : { timeoutMs: demand.timeoutMs }),
    },
    generation: entry.generation,
  };
}
