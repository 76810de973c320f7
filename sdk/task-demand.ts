import { inspect } from "node:util";
import type { Demand, RetryPolicy } from "./core/demand.ts";
import { InvalidTaskError } from "./errors.ts";
import { type RunnerOptions, resolveOptions } from "./runner-options.ts";
import { Task } from "./task.ts";
import { tasksInside } from "./tasks-inside.ts";
import { isPlainObject } from "./wire/codec/shapes.ts";
import { DEFINITION } from "./wire/definition.ts";

/** What a task asks of an executor, and what becomes of it when it fails. */
export interface Resolved {
  readonly demand: Demand;
  readonly policy: RetryPolicy;
}

/** What tasks ask of an executor. Those with the same options share it: whoever looks it up later need not compare it. */
export class TaskDemands {
  readonly #known = new Map<RunnerOptions, Map<string | undefined, Resolved>>();

  /** @throws InvalidTaskError for options that are out of bounds. */
  of(task: Task<unknown>, runtimeEnv: string | undefined): Resolved {
    const options = optionsOf(task);
    const known = this.#known.get(options)?.get(runtimeEnv);
    if (known) return known;
    const { demand, policy } = resolveOptions(options, task.name);
    const resolved = { demand: runtimeEnv === undefined ? demand : { ...demand, runtimeEnv }, policy };
    // A function gives others each time.
    if (typeof task.definition[DEFINITION].runnerOptions !== "function") {
      this.#known.set(options, (this.#known.get(options) ?? new Map()).set(runtimeEnv, resolved));
    }
    return resolved;
  }
}

const NO_OPTIONS: RunnerOptions = {};

/** Runner options as the task has declared them, for its own params. */
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
