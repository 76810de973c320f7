import { inspect } from "node:util";
import { InvalidTaskError } from "./errors.ts";
import type { Params } from "./params.ts";
import { checkReturns, type Returned, type ReturnsOf, returnsBy } from "./returns.ts";
import type { RunnerOptions } from "./runner-options.ts";
import { problemOfRuntimeEnv } from "./runtime-env.ts";
import { type CacheOptions, durationMs } from "./wire/cache-options.ts";
import { CODECS, registeredClasses } from "./wire/codec/classes.ts";
import { DEFINITION, type TaskContext } from "./wire/definition.ts";
import type { ReturnNames } from "./wire/returns.ts";
import type { RuntimeEnv } from "./wire/runtime-env.ts";

/**
 * What a task does, before it is given params.
 *
 * @typeParam P Type of the params as `run` receives them.
 * @typeParam R What `run` returns.
 * @typeParam C Type of the lab's `context`.
 */
export interface TaskConfig<P, R, C> {
  /** Unique among the tasks of a lab; part of the cache key. Letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  /**
   * Stands in for the code in the cache key: results are kept until it changes. Default: the hash of
   * the code that the task reaches, so that editing it makes results stale.
   */
  readonly version?: string;
  /**
   * How its results are kept. `false`: for their run only - what the run needs is durable until it is over; large
   * values are gone then, the rest with the next clean-up. `{ ttl }`: they count for so long after they were made (`"12h"`, or milliseconds). `{ storage }`:
   * they lie in a storage of your own. Default: for good, in the lab's storage.
   *
   * @example task({ name: "exchangeRates", cache: { ttl: "1h" }, run: () => fetchRates() });
   */
  readonly cache?: CacheOptions | false;
  /** What it needs of its executor, possibly depending on the params. Default: 1 vCPU. */
  readonly runnerOptions?: RunnerOptions | ((params: P) => RunnerOptions);
  /** What it finds around it, over the lab's own. Default the lab's. */
  readonly runtimeEnv?: RuntimeEnv;
  /** The work itself. It may be executed more than once, on any machine. */
  run(params: P, context: TaskContext<C>): R;
}

/**
 * A task with several returns, each stored as an object of its own.
 *
 * @typeParam N How many, or their names.
 */
export interface SplitTaskConfig<P, R, C, N extends ReturnNames> extends Omit<TaskConfig<P, R, C>, "runnerOptions"> {
  /** How many returns `run` gives in an array, or the names of those that it gives in an object. */
  readonly returns: N;
  /** What it needs of its executor, possibly depending on the params. Default: 1 vCPU. */
  readonly runnerOptions?: RunnerOptions | ((params: ParamsOfRunBelow) => RunnerOptions);
}

/** A {@link Task} with several returns: `task.returns.train`, or `task.returns[0]`, is one of them as a task. */
export type SplitTask<R, P, N extends ReturnNames> = Task<R, P> & { readonly returns: ReturnsOf<R, N> };

/** What {@link task} gives for a task with several returns. */
export interface SplitTaskDefinition<P, R, N extends ReturnNames> extends TaskDefinition<P, R> {
  (...args: undefined extends P ? [params?: Params<P>] : [params: Params<P>]): SplitTask<R, Params<P>, N>;
}

/**
 * A task definition: call it with params to get a {@link Task}.
 *
 * @typeParam P Type of the params as `run` receives them.
 * @typeParam R Type of the result.
 */
export interface TaskDefinition<P, R> {
  (...args: undefined extends P ? [params?: Params<P>] : [params: Params<P>]): Task<R, Params<P>>;
  readonly taskName: string;
  /** @internal */
  readonly [DEFINITION]: TaskConfig<P, unknown, unknown> & { readonly returns?: ReturnNames };
}

/**
 * A definition with its params: a value that says what is to be done. It runs when it, or a task that
 * has it in its params, is handed to a lab. Tasks of equal name, code and params are one task.
 *
 * @typeParam R Type of the result.
 * @typeParam P Type of the params, tasks in them included.
 */
export class Task<out R, out P = unknown> {
  declare readonly definition: TaskDefinition<never, unknown>;
  readonly params: P;
  declare readonly __result?: R;

  /** @internal */
  constructor(definition: TaskDefinition<never, unknown>, params: P) {
    this.params = params;
    // Not shown when the task is printed inside of something else.
    Object.defineProperty(this, "definition", { value: definition });
    if (new.target === Task) Object.freeze(this);
  }

  /** Name of the definition. */
  get name(): string {
    return this.definition.taskName;
  }

  /** As one would write it: `trainModel({ seed: 1, folds: 5 })`, cut at about 80 characters. */
  toString(): string {
    const options = { depth: 2, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 3, maxStringLength: 40 };
    const params = this.params === undefined ? "" : inspect(this.params, options);
    const text = `${this.name}(${params})`;
    return text.length > 80 ? `${text.slice(0, 78)}…)` : text;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * One of several returns of a task, as a task: a dependent that has it in its params is given this one, and the
 * others are not loaded. It is cached, cancelled and made again as the task that it is of.
 */
export class TaskReturn<out R = unknown> extends Task<R> {
  readonly of: Task<unknown>;
  /** Name of the return, or its position. */
  readonly part: string;

  /** @internal */
  constructor(of: Task<unknown>, part: string) {
    super(of.definition, of.params);
    this.of = of;
    this.part = part;
    Object.freeze(this);
  }

  override toString(): string {
    return `${this.of}.returns.${this.part}`;
  }
}

/** The task that has to run for this one: itself, or the one that it is a return of. */
export const producerOf = (task: Task<unknown>): Task<unknown> => (task instanceof TaskReturn ? task.of : task);

/** The name of the return that a task stands for; undefined for a whole result. */
export const partOf = (task: Task<unknown>): string | undefined => (task instanceof TaskReturn ? task.part : undefined);

/** Definitions made in this process, the latest of each name: cached tasks are given back as theirs. */
const definitions = new Map<string, WeakRef<TaskDefinition<never, unknown>>>();

/** The definition of this name, or one that can do no more than name its tasks. */
export function definitionNamed(name: string): TaskDefinition<never, unknown> {
  const known = definitions.get(name)?.deref();
  if (known) return known;
  return task<undefined, unknown>({ name, run: notImported }) as never;
}

function notImported(): never {
  throw new InvalidTaskError("unknown-task", "this process has not imported the module that defines the task");
}

/** Whether a definition is more than a name: its module was imported here. */
export const isImported = (definition: TaskDefinition<never, unknown>): boolean =>
  definition[DEFINITION].run !== notImported;

/** Whether definitions of one name do the same: a module may have been loaded twice, or not at all. */
export function isSameDefinition(a: TaskDefinition<never, unknown>, b: TaskDefinition<never, unknown>): boolean {
  if (a === b) return true;
  const [one, other] = [a[DEFINITION].run, b[DEFINITION].run];
  return one === notImported || other === notImported || String(one) === String(other);
}

/**
 * Params of a `runnerOptions` function that stands above `run`: TypeScript reads a literal from top to
 * bottom and does not know their type yet. Below `run`, or with a type of their own, they are checked.
 */
// biome-ignore lint/suspicious/noExplicitAny: nothing narrower lets `({ folds }) => 1024 * folds` pass.
type ParamsOfRunBelow = any;

/** A task with its returns. */
function splitTask<R>(definition: TaskDefinition<never, unknown>, params: unknown, returns: ReturnNames): Task<R> {
  const split = new TaskWithReturns<R>(definition, params);
  const parts = returnsBy(returns, (name) => new TaskReturn(split, name));
  Object.defineProperty(split, "returns", { value: parts });
  return Object.freeze(split);
}

class TaskWithReturns<out R> extends Task<R> {}

const NAME = /^[\w.-]{1,100}$/;

/**
 * Defines a task. Export it from the module that the lab is given as `tasks`: executors find it there
 * by its name.
 *
 * @param config Name, options and the work itself.
 * @returns A function from params to a {@link Task}. Params may hold other tasks wherever their
 * results are wanted.
 * @throws InvalidTaskError when the name or `run` is missing or malformed.
 * @example
 * export const square = task({ name: "square", run: async ({ x }: { x: number }) => x * x });
 * export const sum = task({ name: "sum", run: ({ xs }: { xs: number[] }) => xs.reduce((a, b) => a + b, 0) });
 *
 * const total = await lab.runTask(sum({ xs: [square({ x: 1 }), square({ x: 2 }), 3] })); // 8
 * @example
 * export const split = task({
 *   name: "split",
 *   returns: ["train", "test"],
 *   run: ({ path }: { path: string }) => ({ train: readRows(path, 0, 0.8), test: readRows(path, 0.8, 1) }),
 * });
 *
 * const { train, test } = split({ path }).returns;
 * await lab.runTask(score({ model: fit({ rows: train }), rows: test })); // fit never loads the test rows
 */
/* @__NO_SIDE_EFFECTS__ */
export function task<P, const N extends ReturnNames, R extends Returned<N> | Promise<Returned<N>>, C = unknown>(
  config: SplitTaskConfig<P, R, C, N>,
): SplitTaskDefinition<P, Awaited<R>, N>;
/* @__NO_SIDE_EFFECTS__ */
export function task<P, R, C = unknown>(config: TaskConfig<P, R, C>): TaskDefinition<P, Awaited<R>>;
/* @__NO_SIDE_EFFECTS__ */
export function task<P, R, C = unknown>(
  config: Omit<TaskConfig<P, R, C>, "runnerOptions"> & {
    readonly runnerOptions: (params: ParamsOfRunBelow) => RunnerOptions;
  },
): TaskDefinition<P, Awaited<R>>;
/* @__NO_SIDE_EFFECTS__ */
export function task<P, R, C = unknown>(
  config: TaskConfig<P, R, C> & { readonly returns?: ReturnNames },
): TaskDefinition<P, Awaited<R>> {
  if (typeof config?.name !== "string" || !NAME.test(config.name)) {
    throw new InvalidTaskError(
      "invalid-task",
      `task: name must be 1 to 100 letters, digits, "_", "-" or ".", got ${JSON.stringify(config?.name)}`,
    );
  }
  if (typeof config.run !== "function") {
    throw new InvalidTaskError("invalid-task", `task ${config.name}: run must be a function, got ${typeof config.run}`);
  }
  checkCache(config.name, config.cache);
  const { returns, runtimeEnv } = config;
  if (returns !== undefined) checkReturns(config.name, returns);
  const problem = runtimeEnv === undefined ? undefined : problemOfRuntimeEnv(runtimeEnv);
  if (problem) throw new InvalidTaskError("invalid-option", `task ${config.name}: ${problem}`);
  const definition = (params?: unknown): Task<Awaited<R>> => {
    return returns === undefined
      ? new Task(definition as never, params)
      : splitTask(definition as never, params, returns);
  };
  definitions.set(config.name, new WeakRef(definition as never));
  Object.defineProperties(definition, {
    name: { value: config.name },
    taskName: { value: config.name, enumerable: true },
    [DEFINITION]: { value: config },
    [CODECS]: { value: registeredClasses },
  });
  return definition as unknown as TaskDefinition<P, Awaited<R>>;
}

const STORAGE_METHODS = ["put", "get", "delete"] as const;

function checkCache(name: string, cache: unknown): void {
  if (cache === undefined || cache === false) return;
  const refuse = (what: string, value: unknown): void => {
    throw new InvalidTaskError("invalid-task", `task ${name}: ${what}, got ${inspect(value, { depth: 0 })}`);
  };
  if (typeof cache !== "object" || cache === null) refuse("cache must be false, { ttl } or { storage }", cache);
  const { ttl, ttlMs, storage, ...others } = (cache ?? {}) as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) refuse(`cache has no option ${other}; there are ttl, ttlMs and storage`, others[other]);
  if (ttl !== undefined && ttlMs !== undefined) refuse("cache has both ttl and ttlMs, name one of them", cache);
  if (ttl !== undefined && durationMs(ttl) === undefined) {
    refuse('cache.ttl must be a length of time above 0, as "45s", "30m", "12h", "7d" or milliseconds', ttl);
  }
  if (ttlMs !== undefined && !(Number.isFinite(ttlMs) && (ttlMs as number) > 0)) {
    refuse("cache.ttlMs must be a number of milliseconds above 0 (cache: false keeps nothing)", ttlMs);
  }
  if (storage === undefined) return;
  const missing = STORAGE_METHODS.find(
    (method) => typeof (storage as Record<string, unknown> | null)?.[method] !== "function",
  );
  if (missing) refuse(`cache.storage must have the methods ${STORAGE_METHODS.join(", ")}`, storage);
}
