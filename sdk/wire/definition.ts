import type { Readable } from "node:stream";
import type { GrantedResources } from "./attempt.ts";
import type { Stored } from "./byte-stream.ts";
import type { CacheOptions } from "./cache-options.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { ReturnNames } from "./returns.ts";
import type { RuntimeEnv } from "./runtime-env.ts";
import type { TaskLab } from "./task-lab.ts";
import type { TASK_TOOLS, TaskTools } from "./task-tools.ts";

/** Marks a task definition, also one made by another copy of the library, as in a bundle. */
export const DEFINITION: unique symbol = Symbol.for("stratolab.definition") as never;

/** Log lines of a task, shown above the progress of the run and kept with the attempt. */
export interface TaskLog {
  debug(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
}

/**
 * A task's state across attempts. What was saved last is there for the next attempt, on whatever
 * executor, also in a later run; it goes when the task has its result.
 *
 * @example
 * const { step = 0, sum = 0 } = (await ctx.checkpoint.load<{ step: number; sum: number }>()) ?? {};
 * for (let i = step; i < 10; i++) {
 *   …
 *   await ctx.checkpoint.save({ step: i + 1, sum });
 * }
 */
export interface TaskCheckpoint {
  /** The state saved last, by this or an earlier attempt; undefined when there is none. */
  load<S>(): Promise<S | undefined>;
  /**
   * Saves a state in the place of the last one; durable when the promise resolves. Rejects in an attempt
   * that was given up, when a later one has saved already.
   */
  save(state: unknown): Promise<void>;
  /**
   * Aborts when the executor is about to be taken away: a Spot interruption, Lambda's deadline, memory
   * running out. For tasks that save too seldom to lose what they have since.
   */
  readonly requested: AbortSignal;
}

/** Objects of the lab's store, from within a task. */
export interface TaskObjects {
  /**
   * Stores a value and gives a handle on it, to be returned or passed on in the place of the value. Of a
   * stream of bytes, or a Blob, only some parts are in memory at any time. What neither the task's result names nor
   * tasks that it runs were given is deleted when the task is done; a stream when its attempt fails, unless a handle
   * on it was given to a task, saved as a checkpoint, or put within another value.
   *
   * @throws LabError of kind `stale-handle` for a value with a handle on a stream that was deleted so.
   */
  put<T>(value: T): Promise<ObjectRef<Stored<T>>>;
  /** The value of a handle, or of several: of those that lie deeper in the params, or in results. */
  get<T>(ref: ObjectRef<T>): Promise<T>;
  get<const R extends readonly ObjectRef<unknown>[]>(
    refs: R,
  ): Promise<{ -readonly [K in keyof R]: R[K] extends ObjectRef<infer T> ? T : never }>;
  /** The bytes of a handle on a stream or a Blob, as they come: for what does not fit memory. */
  getStream(ref: ObjectRef<Uint8Array | Blob>): Promise<Readable>;
}

/**
 * What a task knows of the attempt it is running in: the second parameter of `run`.
 *
 * @typeParam C Type of the lab's `context`.
 */
export interface TaskContext<C = unknown> extends TaskObjects {
  /** Aborts when the attempt is cancelled or runs out of time: pass it on to whatever can stop. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  /** The task's state across attempts. */
  readonly checkpoint: TaskCheckpoint;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  readonly runId: string;
  /** What the attempt was given. */
  readonly resources: GrantedResources;
  /** The lab's `context`; no part of the cache key. */
  readonly context: C;
  /** Runs tasks from within this one, and stores and loads objects. */
  readonly lab: TaskLab;
}

/** What an executor needs of a task definition. */
export interface RunnableDefinition {
  readonly taskName: string;
  readonly [DEFINITION]: {
    run(params: unknown, context: TaskContext): unknown;
    readonly cache?: CacheOptions | false;
    readonly returns?: ReturnNames;
    readonly runtimeEnv?: RuntimeEnv;
  };
  /** Of definitions in a bundle. */
  readonly [TASK_TOOLS]?: TaskTools;
}

/** Whether a value, whatever module it comes from, is a task definition. */
export function isDefinition(value: unknown): value is RunnableDefinition {
  return typeof value === "function" && DEFINITION in value;
}
