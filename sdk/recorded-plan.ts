import type { ManifestTask, RunManifest } from "./driver/manifest.ts";
import type { LabPlan, PlannedTask } from "./planning.ts";
import { definitionNamed, Task, TaskReturn } from "./task.ts";
import { decode } from "./wire/codec/codec.ts";
import { namedClasses } from "./wire/codec/named-classes.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { madeObjectReferences, resolvedTasks } from "./wire/references.ts";

const NONE = new Uint8Array();

/**
 * The plan of a run as its manifest has it. Tasks are made again when somebody asks for one; where params
 * are too large to lie in the manifest, the task is known by its name alone.
 */
export function recordedPlan(manifest: RunManifest): LabPlan {
  const byKey = new Map<string, PlannedTask>();
  const tasks = manifest.tasks.map((recorded) => {
    const planned = new RecordedTask(recorded, (key) => byKey.get(key)?.task);
    byKey.set(recorded.key, planned);
    return planned;
  });
  return { tasks, targets: manifest.targets, parts: manifest.parts };
}

/** @param taskOf Finds the tasks in its params, by cache key. */
export function recordedTask(recorded: ManifestTask, taskOf: (key: string) => Task<unknown> | undefined): PlannedTask {
  return new RecordedTask(recorded, taskOf);
}

/** The tasks that a recorded run was asked for, in order. */
export const askedTasks = ({ tasks, targets, parts = [] }: LabPlan): Task<unknown>[] =>
  targets.map((target, position) => {
    const { task } = tasks[target];
    const part = parts[position] ?? undefined;
    return part === undefined ? task : new TaskReturn(task, part);
  });

class RecordedTask implements PlannedTask {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly number[];
  readonly demand: PlannedTask["demand"];
  readonly policy: PlannedTask["policy"];
  readonly keepMs: PlannedTask["keepMs"];
  readonly params: Uint8Array;
  readonly storedParams: PlannedTask["storedParams"];
  readonly #taskOf: (key: string) => Task<unknown> | undefined;
  #task: Task<unknown> | undefined;

  constructor(recorded: ManifestTask, taskOf: (key: string) => Task<unknown> | undefined) {
    const { key, name, version, dependencies, params, demand, policy, keepMs } = recorded;
    this.key = key;
    this.name = name;
    this.version = version;
    this.dependencies = dependencies;
    this.demand = demand;
    this.policy = policy;
    this.keepMs = keepMs;
    this.params = "inline" in params ? params.inline : NONE;
    this.storedParams = "inline" in params ? undefined : params;
    this.#taskOf = taskOf;
  }

  get task(): Task<unknown> {
    this.#task ??= new Task(definitionNamed(this.name), this.storedParams ? undefined : this.#decoded());
    return this.#task;
  }

  #decoded(): unknown {
    return decode(this.params, [
      resolvedTasks((key, name, part) => {
        const task = this.#taskOf(key);
        return task && part !== undefined ? new TaskReturn(task, part) : (task ?? name);
      }),
      madeObjectReferences((slot) => new ObjectRef(slot)),
      namedClasses,
    ]);
  }
}
