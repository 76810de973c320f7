import { hash } from "node:crypto";
import { inspect } from "node:util";
import type { Demand, RetryPolicy } from "./core/demand.ts";
import { type KeyParts, namesOf, taskKey } from "./core/key.ts";
import { plan } from "./core/plan.ts";
import { InvalidTaskError, LabError, LabOptionError, RuntimeEnvSetupError } from "./errors.ts";
import { type RunnerOptions, resolveOptions } from "./runner-options.ts";
import { definitionNamed, isSameDefinition, partOf, producerOf, Task } from "./task.ts";
import { keepMsOf } from "./wire/cache-options.ts";
import { encode, encodeToBytes, joinChunks } from "./wire/codec/codec.ts";
import type { CodecExtension, CodecExtensions } from "./wire/codec/extensions.ts";
import { isPlainObject } from "./wire/codec/shapes.ts";
import { DEFINITION, isDefinition } from "./wire/definition.ts";
import { isContentObject } from "./wire/keys.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { objectReferences, taskReferences } from "./wire/references.ts";
import type { BrokenRuntimeEnv, TaskRuntimeEnv } from "./wire/runtime-env.ts";
import type { ObjectSlot } from "./wire/slot.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

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

export interface PlanningContext {
  readonly namespace: string;
  /** Code version by task name: the tasks that executors can find. */
  readonly versions: ReadonlyMap<string, string>;
  /** The task module, for messages. */
  readonly taskModule: string;
  /** Runtime environments by task name; of those that have one. */
  readonly runtimeEnvs?: ReadonlyMap<string, TaskRuntimeEnv | BrokenRuntimeEnv> | undefined;
}

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
    dependenciesOf: (task) => (knownKeys.has(task) ? [] : tasksInside(task.params)),
    keyOf: (task, keyOfDependency) => {
      const keyKnown = knownKeys.get(task);
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
  const resolved = new ResolvedOnce();
  const tasks = planned.tasks.map(({ task, key, dependencies }): PlannedTask => {
    const runtimeEnv = knownKeys.has(task) ? undefined : runtimeEnvOf(task, context);
    const { demand, policy } = resolved.of(optionsOf(task), task, runtimeEnv?.id);
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

/** Tasks with the same options share what follows from them: whoever looks it up later need not compare it. */
class ResolvedOnce {
  readonly #known = new Map<RunnerOptions, Map<string | undefined, Pick<PlannedTask, "demand" | "policy">>>();

  of(options: RunnerOptions, { definition, name }: Task<unknown>, runtimeEnv: string | undefined) {
    const known = this.#known.get(options)?.get(runtimeEnv);
    if (known) return known;
    const { demand, policy } = resolveOptions(options, name);
    const resolved = { demand: runtimeEnv === undefined ? demand : { ...demand, runtimeEnv }, policy };
    // A function gives others each time.
    if (typeof definition[DEFINITION].runnerOptions !== "function") {
      this.#known.set(options, (this.#known.get(options) ?? new Map()).set(runtimeEnv, resolved));
    }
    return resolved;
  }
}

/** The field, where there is something to say. */
export const keeping = (keepMs: number | undefined) => (keepMs === undefined ? {} : { keepMs });

/** Keys of tasks that stand for a stored result whose params are not known. */
const knownKeys = new WeakMap<Task<unknown>, string>();

/** A task that is known by its key alone: its result can be loaded while it is cached. */
export function taskByKey(name: string, key: string): Task<unknown> {
  const task = new Task<unknown>(definitionNamed(name), undefined);
  knownKeys.set(task, key);
  return task;
}

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

function versionOf(task: Task<unknown>, context: PlanningContext): string {
  const own = task.definition[DEFINITION].version;
  const version = context.versions.get(task.name);
  if (version === undefined) {
    const known = [...context.versions.keys()].sort().join(", ") || "none";
    throw new InvalidTaskError(
      "unknown-task",
      `task ${task.name} is not exported by ${context.taskModule}; executors can only find what it exports (${known}). Export it there`,
    );
  }
  return fullVersion(version, own, runtimeEnvOf(task, context));
}

/** A version of one's own stands in for all that is code: that of its runtime environment, too. */
function fullVersion(code: string, own: string | undefined, runtimeEnv: TaskRuntimeEnv | undefined): string {
  if (own !== undefined) return `v:${own}`;
  return runtimeEnv?.version ? `${code}+${runtimeEnv.version}` : code;
}

/** @throws RuntimeEnvSetupError where it cannot be had. */
function runtimeEnvOf(task: Task<unknown>, { runtimeEnvs }: PlanningContext): TaskRuntimeEnv | undefined {
  const found = runtimeEnvs?.get(task.name);
  if (!found || "id" in found) return found;
  const message = `${task}: its runtime environment cannot be set up: ${found.problem}`;
  throw new RuntimeEnvSetupError("setup-failed", message, { task, attempts: [], logTail: found.log });
}

/** Version that results of a task have, as the code and its runtime environment are now. */
export function currentVersion(name: string, context: PlanningContext): string | undefined {
  const code = context.versions.get(name);
  const found = context.runtimeEnvs?.get(name);
  const own = definitionNamed(name)[DEFINITION].version;
  if (own === undefined && (code === undefined || (found && !("id" in found)))) return undefined;
  return fullVersion(code ?? "", own, found as TaskRuntimeEnv | undefined);
}

/** Params as they are part of the key, and as they travel: with what they share still shared. */
interface EncodedParams {
  readonly params: Uint8Array;
  readonly travelling: Uint8Array;
  readonly objects: readonly string[];
}

const NONE: readonly never[] = [];

/** Encodes the params of tasks, one after another. */
class ParamsEncoder {
  /** Of the task at hand: the objects that its params name, and whether its key is made of something else. */
  #objects: string[] | undefined;
  #travelsAnew = false;
  #keyOf: (dependency: Task<unknown>) => string = () => "";
  readonly #extensions: CodecExtensions = [
    taskReferences(
      (value) => value instanceof Task,
      (value) => {
        const asked = value as Task<unknown>;
        const part = partOf(asked);
        const whole = [this.#keyOf(producerOf(asked)), asked.name] as const;
        return part === undefined ? whole : [...whole, part];
      },
    ) as CodecExtension,
    ...valueExtensions(),
  ];
  // What a stream gave is stored under a name that was drawn, and what a task has put under that of the task: the
  // content alone makes two of them equal.
  readonly #byContent: CodecExtensions = [
    objectReferences(
      (value) => value instanceof ObjectRef,
      (value) => {
        const { slot } = value as ObjectRef<unknown>;
        const { by, file, ...content } = slot;
        this.#objects ??= [];
        this.#objects.push(slot.object);
        this.#travelsAnew ||= slot.raw !== undefined || by !== undefined || file !== undefined;
        const isPut = slot.raw !== undefined || (by !== undefined && isContentObject(slot.object));
        return isPut ? { ...content, object: "" } : content;
      },
    ) as CodecExtension,
    ...this.#extensions,
  ];

  /** @param keyOf Of the tasks in its params. */
  encode(task: Task<unknown>, keyOf: (dependency: Task<unknown>) => string): EncodedParams {
    this.#objects = undefined;
    this.#travelsAnew = false;
    this.#keyOf = keyOf;
    try {
      const canonical = encode(task.params, { name: "params", extensions: this.#byContent, canonical: true });
      const params = joinChunks(canonical);
      const travelling =
        canonical.spread || this.#travelsAnew
          ? encodeToBytes(task.params, { name: "params", extensions: this.#extensions })
          : params;
      return { params, travelling, objects: this.#objects ?? NONE };
    } catch (error) {
      const reason = error instanceof LabError ? error.message : String(error);
      throw new InvalidTaskError("not-serializable", `task ${task.name}: ${reason}`, { cause: error });
    }
  }
}

/** Tasks in params at any depth of arrays and plain objects, Maps and Sets. */
function tasksInside(params: unknown): readonly Task<unknown>[] {
  if (isFlat(params)) return NONE;
  const found = new Set<Task<unknown>>();
  const seen = new Set<object>();
  const stack: unknown[] = [params];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== "object" || value === null) continue;
    if (value instanceof Task) {
      found.add(producerOf(value));
      continue;
    }
    if (value instanceof ObjectRef || ArrayBuffer.isView(value) || seen.has(value)) continue;
    seen.add(value);
    if (Array.isArray(value)) for (const element of value) stack.push(element);
    else if (value instanceof Map) stack.push(...value.keys(), ...value.values());
    else if (value instanceof Set) stack.push(...value);
    else stack.push(...Object.values(value));
  }
  // The stack turned the order around; the first in the params is to be the first planned.
  return [...found].reverse();
}

/** Nothing lies in it but primitives: most params are like that. */
function isFlat(params: unknown): boolean {
  if (typeof params !== "object" || params === null) return true;
  if (Object.getPrototypeOf(params) !== Object.prototype) return false;
  return Object.values(params).every((value) => typeof value !== "object" || value === null);
}

const NO_OPTIONS: RunnerOptions = {};

function optionsOf({ definition, name, params }: Task<unknown>): RunnerOptions {
  const { runnerOptions = NO_OPTIONS } = definition[DEFINITION];
  if (typeof runnerOptions !== "function") return runnerOptions;
  const given = tasksInside(params).length === 0 ? params : withoutResults(params, name);
  try {
    return runnerOptions(given as never);
  } catch (error) {
    if (error instanceof InvalidTaskError) throw error;
    throw new InvalidTaskError("invalid-option", `task ${name}: runnerOptions threw ${String(error)}`, {
      cause: error,
    });
  }
}

/** Params for `runnerOptions`: results that are not known yet say so as soon as they are looked at. */
function withoutResults(value: unknown, owner: string, copies = new Map<object, object>()): unknown {
  if (value instanceof Task) return unknownResult(value, owner);
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value) && !isPlainObject(value)) return value;
  const known = copies.get(value);
  if (known) return known;
  const copy = (Array.isArray(value) ? new Array(value.length) : {}) as Record<string, unknown>;
  copies.set(value, copy);
  for (const [key, inner] of Object.entries(value)) copy[key] = withoutResults(inner, owner, copies);
  return copy;
}

function unknownResult(dependency: Task<unknown>, owner: string): unknown {
  const refuse = (): never => {
    throw new InvalidTaskError(
      "invalid-option",
      `task ${owner}: runnerOptions looks into the result of ${dependency.name}, which is not known before it has run. ` +
        "Base runner options on plain params only",
    );
  };
  // Printing reaches through proxies, also when a message is to show the value.
  return new Proxy(
    { [inspect.custom]: refuse },
    { get: refuse, has: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse },
  );
}
