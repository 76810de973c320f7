import { unpack } from "msgpackr";
import type { Demand, RetryPolicy } from "../core/demand.ts";
import { keeping, type LabPlan, type PlannedTask } from "../planning.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import { loadBytes } from "../stores/values.ts";
import { definitionNamed, Task, TaskReturn } from "../task.ts";
import { decode } from "../wire/codec/codec.ts";
import { namedClasses } from "../wire/codec/named-classes.ts";
import type { ChildPlan, ChildTask } from "../wire/nested.ts";
import { ObjectRef } from "../wire/object-ref.ts";
import { madeObjectReferences, resolvedTasks } from "../wire/references.ts";
import type { Slot } from "../wire/slot.ts";

const NOTHING = new Uint8Array();

/** What an attempt has planned, in the driver's words. */
export async function readChildPlan(objects: ObjectStore, slot: Slot): Promise<LabPlan> {
  const { tasks, targets } = unpack(await loadBytes(objects, slot)) as ChildPlan;
  const byKey = new Map<string, Task<unknown>>();
  const planned = tasks.map((child): PlannedTask => {
    const { key, name, version, dependencies, params, demand, policy, keepMs } = child;
    const task = new Task<unknown>(definitionNamed(name), paramsOf(child, byKey));
    byKey.set(key, task);
    const place = "inline" in params ? { params: params.inline } : { params: NOTHING, storedParams: params };
    return {
      task,
      key,
      name,
      version,
      dependencies,
      demand: demand as Demand,
      policy: policy as RetryPolicy,
      ...keeping(keepMs),
      ...place,
    };
  });
  return { tasks: planned, targets };
}

/** Params as messages show them; those that lie in the object store are not worth loading for that. */
function paramsOf({ params }: ChildTask, byKey: ReadonlyMap<string, Task<unknown>>): unknown {
  if (!("inline" in params)) return undefined;
  return decode(params.inline, [
    resolvedTasks((key, _name, part) => {
      const task = byKey.get(key);
      return task && part !== undefined ? new TaskReturn(task, part) : task;
    }),
    madeObjectReferences((slot) => new ObjectRef(slot)),
    // The params themselves go on as they are.
    namedClasses,
  ]);
}
