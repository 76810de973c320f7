import type { ObjectRef } from "./object-ref.ts";

/** A task, as far as its context has to know it. */
interface AnyTask<out R = unknown> {
  readonly name: string;
  readonly params: unknown;
  readonly __result?: R;
}

type ResultOf<T> = T extends AnyTask<infer R> ? R : never;

/** Results of a list of tasks, in its order. */
type NestedResults<T extends readonly AnyTask[]> = { -readonly [K in keyof T]: ResultOf<T[K]> };

/** How one of the tasks asked for ended; `reason` is a TaskError. */
type NestedOutcome<T> =
  | {
      readonly status: "fulfilled";
      readonly kind: "ok";
      readonly task: T;
      readonly value: ResultOf<T>;
      readonly cached: boolean;
    }
  | { readonly status: "rejected"; readonly kind: string; readonly task: T; readonly reason: Error };

/** How a task runs other tasks. */
export interface NestedRunOptions {
  /** Compute every task anew that was not computed in this run. Default: as the run does that the task is part of. */
  readonly bustCache?: boolean;
  /** Stop at the first task that fails for good. Default false: finish whatever can finish. */
  readonly failFast?: boolean;
}

/** Tasks that a task has started, see {@link TaskLab.start}. */
export interface NestedRun<T extends readonly AnyTask[] = readonly AnyTask[]> {
  /**
   * Results in the order of the tasks, once all of them are there.
   *
   * @throws RunError when a task has none; it holds every failure, and the results of the rest.
   */
  results(): Promise<NestedResults<T>>;
  /** An outcome for each task, in their order, once all have one. Does not throw for failures of tasks. */
  settled(): Promise<{ -readonly [K in keyof T]: NestedOutcome<T[K]> }>;
  /**
   * Handles on the results, in the order of the tasks, once all of them are there. They are not loaded: to be
   * handed on, or returned.
   *
   * @throws RunError when a task has none.
   */
  refs(): Promise<{ -readonly [K in keyof T]: ObjectRef<ResultOf<T[K]>> }>;
}

/**
 * The lab as a task sees it: `ctx.lab`. What a task runs is cached and shared like any task, and is cancelled
 * with it. A task that waits holds no slot, so a pool of two executors runs a recursion of any depth that
 * `maxNestedDepth` allows.
 *
 * On Lambda a task that waits for more than some seconds is suspended: its code runs again from the beginning
 * when its tasks have ended, and then finds their results at once. So what comes before a call should be short,
 * and params should hold neither time nor chance. A task with `maxRetries: 0` is never suspended.
 *
 * @example
 * export const fibonacci = task({
 *   name: "fibonacci",
 *   run: async ({ n }: { n: number }, { lab }): Promise<number> => {
 *     if (n < 2) return n;
 *     const [a, b] = await lab.runTasks([fibonacci({ n: n - 1 }), fibonacci({ n: n - 2 })]);
 *     return a + b;
 *   },
 * });
 */
export interface TaskLab {
  /**
   * Runs tasks and everything they depend on that is not cached.
   *
   * @returns Their results, in order.
   * @throws RunError when one of them has no result, after all that could finish has finished.
   * @throws LabError before anything runs: too deep (`maxNestedDepth`), too many (`maxNestedTasks`), a task that
   * would wait for itself, or something wrong with the tasks.
   */
  runTasks<const T extends readonly AnyTask[]>(tasks: T, options?: NestedRunOptions): Promise<NestedResults<T>>;
  /** Runs one task; see {@link TaskLab.runTasks}. */
  runTask<R>(task: AnyTask<R>, options?: NestedRunOptions): Promise<R>;
  /**
   * Sets tasks in motion and returns at once. What goes wrong shows when they are waited for. Tasks that nobody
   * waits for go on when the one that started them is done.
   */
  start<const T extends readonly AnyTask[]>(tasks: T, options?: NestedRunOptions): NestedRun<T>;
  /** Stores a value once, for use in the params of any number of tasks. */
  put<T>(value: T): Promise<ObjectRef<T>>;
  /** The value of a handle, or of several. */
  get<T>(ref: ObjectRef<T>): Promise<T>;
  get<const R extends readonly ObjectRef<unknown>[]>(
    refs: R,
  ): Promise<{ -readonly [K in keyof R]: R[K] extends ObjectRef<infer T> ? T : never }>;
}
