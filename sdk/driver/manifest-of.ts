import type { LabPlan } from "../planning.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import type { ResultRecord } from "../stores/result-items.ts";
import { storeValue } from "../stores/values.ts";
import { contentObject } from "../wire/keys.ts";
import type { Slot } from "../wire/slot.ts";
import type { RunManifest } from "./manifest.ts";

/** Params up to this many bytes lie in the manifest itself. */
const INLINE_BYTES = 2_048;

/** The manifest of a plan. Large params are put into the object store, where dispatching finds them again. */
export async function manifestOf(
  plan: LabPlan,
  settings: Omit<RunManifest, "tasks" | "targets" | "parts">,
  objects: ObjectStore,
  records: readonly (ResultRecord | undefined)[] = [],
): Promise<RunManifest> {
  const large = [...plan.tasks.keys()].filter((position) => plan.tasks[position].params.byteLength > INLINE_BYTES);
  const stored = new Map<number, Slot>();
  await Promise.all(
    large.map(async (position) => {
      const params = records[position]?.params;
      // Those of a stored result lie there already.
      const isThere = params !== undefined && "object" in params;
      stored.set(position, isThere ? params : await put(plan.tasks[position].params, objects));
    }),
  );
  const tasks = plan.tasks.map(
    ({ key, name, version, dependencies, demand, policy, keepMs, params, storedParams }, position) => ({
      key,
      name,
      version,
      dependencies,
      params: storedParams ?? stored.get(position) ?? { inline: params },
      demand,
      policy,
      keepMs,
    }),
  );
  return { ...settings, tasks, targets: plan.targets, parts: plan.parts };
}

const put = (bytes: Uint8Array, objects: ObjectStore): Promise<Slot> =>
  storeValue(objects, { chunks: [bytes], byteLength: bytes.byteLength }, contentObject);
