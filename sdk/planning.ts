import { hash } from "node:crypto";
import type { Demand, RetryPolicy } from "./core/demand.ts";
import { type KeyParts, namesOf, taskKey } from "./core/key.ts";
import { plan } from "./core/plan.ts";
import { type EncodedParams, ParamsEncoder } from "./encoded-params.ts";
import { InvalidTaskError, LabOptionError } from "./errors.ts";
import { knownKeyOf } from "./known-key.ts";
import { isSameDefinition, partOf, producerOf, Task } from "./task.ts";
import { TaskDemands } from "./task-demand.ts";
import { type PlanningContext, runtimeEnvOf, versionOf } from "./task-version.ts";
import { tasksInside } from "./tasks-inside.ts";
import { keepMsOf } from "./wire/cache-options.ts";
import { encodeToBytes } from "./wire/codec/codec.ts";
import { DEFINITION, isDefinition } from "./wire/definition.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import type { ObjectSlot } from "./wire/slot.ts";

const NONE: readonly never[] = [];

/** A task of a run, with everything the driver needs of it. */
export interface PlannedTask {
  readonly task: Task<unknown>;
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Positions in the plan. */
  readonly dependencies: readonly number[];
  /** Encoded params; tasks in them are references by key. */
  readonly params: Uint8Array;
  /** Where they lie instead, where they are known to be in the object store. */
  readonly storedParams?: ObjectSlot | undefined;
  readonly demand: Demand;
  readonly policy: RetryPolicy;
  /** Objects that its params name. */
  readonly objects?: readonly string[];
  /** For how long its result counts, in milliseconds: 0 for its run only, absent for good. */
  readonly keepMs?: number | undefined;
}

/** The DAG below the tasks asked for: dependencies come before those that need them. */
export interface LabPlan {
  readonly tasks: readonly PlannedTask[];
  /** Position of each task asked for. */
  readonly targets: readonly number[];
  /** Which of several returns is asked for, by position in `targets`. Absent where only whole results are. */
  readonly parts?: readonly (string | undefined)[] | undefined;
  /** Position of the task that runs it, for those that other tasks run. */
  readonly parents?: ReadonlyMap<number, number>;
}

/** Which of several returns are asked for; undefined where only whole results are. */
const partsOf = (targets: readonly Task<unknown>[]) => {
  const parts = targets.map(partOf);
  return parts.some((part) => part !== undefined) ? parts : undefined;
};

const sha256 = (bytes: Uint8Array) => hash("sha256", bytes, "hex");

/**
 * Plans the DAG below some tasks: checks everything that can be checked before anything runs, makes
 * one of equal tasks, and gives each its cache key.
 *
 * @throws LabOptionError for what is no task; InvalidTaskError for tasks that cannot run: unknown
 * name, params that cannot be encoded, runner options out of bounds, tasks that depend on each other.
 */
export function planTasks(targets: readonly Task<unknown>[], context: PlanningContext): LabPlan {
  targets.forEach(checkIsTask);
  const encoded = new Map<Task<unknown>, EncodedParams>();
  const byName = new Map<string, Task<unknown>["definition"]>();
  /** Of the task before: mostly the next one is of its type. */
  let names: (Pick<KeyParts, "taskName" | "version"> & { readonly bytes: Uint8Array }) | undefined;
  const params = new ParamsEncoder();
  const planned = plan<Task<unknown>>(targets.map(producerOf), {
    dependenciesOf: (task) => (knownKeyOf(task) === undefined ? tasksInside(task.params) : NONE),
    keyOf: (task, keyOfDependency) => {
      const keyKnown = knownKeyOf(task);
      if (keyKnown !== undefined) return keyKnown;
      checkDefinition(task, byName);
      const whole = params.encode(task, keyOfDependency);
      encoded.set(task, whole);
      const version = versionOf(task, context);
      const parts = { namespace: context.namespace, taskName: task.name, version, params: whole.params };
      if (names?.version !== version || names.taskName !== task.name) names = { ...parts, bytes: namesOf(parts) };
      return taskKey(parts, sha256, names.bytes);
    },
  });
  if ("cycle" in planned) {
    const circle = planned.cycle.map((task) => task.name).join(" -> ");
    throw new InvalidTaskError("cycle", `tasks depend on each other in a circle: ${circle}`);
  }
  const demands = new TaskDemands();
  const tasks = planned.tasks.map(({ task, key, dependencies }): PlannedTask => {
    const runtimeEnv = knownKeyOf(task) === undefined ? runtimeEnvOf(task, context) : undefined;
    const { demand, policy } = demands.of(task, runtimeEnv?.id);
    const version = versionOf(task, context);
    return {
      task,
      key,
      name: task.name,
      version,
      dependencies,
      params: encoded.get(task)?.travelling ?? encodeToBytes(undefined),
      demand,
      policy,
      objects: encoded.get(task)?.objects ?? NONE,
      ...keeping(keepMsOf(task.definition[DEFINITION].cache)),
    };
  });
  const parts = partsOf(targets);
  return { tasks, targets: planned.targets, ...(parts ? { parts } : {}) };
}

/** The field, where there is something to say. */
export const keeping = (keepMs: number | undefined) => (keepMs === undefined ? {} : { keepMs });

function checkIsTask(value: unknown, index: number): void {
  if (value instanceof Task) return;
  const what = isDefinition(value)
    ? `the definition ${value.taskName}: call it with params, ${value.taskName}({ … })`
    : value instanceof ObjectRef
      ? "an ObjectRef: load it with lab.get"
      : `${typeof value === "object" && value !== null ? `an object (${value.constructor?.name ?? "unknown"})` : String(value)}`;
  throw new LabOptionError(`tasks[${index}] is not a task but ${what}`);
}

/** Executors know a task by its name alone: one with another's name would be given the other's results. */
function checkDefinition({ name, definition }: Task<unknown>, byName: Map<string, Task<unknown>["definition"]>): void {
  const other = byName.get(name) ?? definition;
  if (!isSameDefinition(other, definition)) {
    throw new InvalidTaskError(
      "duplicate-task",
      `two tasks that do different things are named ${JSON.stringify(name)}: give one of them another name`,
    );
  }
  byName.set(name, definition);
}
