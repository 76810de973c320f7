import type { NestedAnswer } from "./nested.ts";
import type { BrokenRuntimeEnv, TaskRuntimeEnv } from "./runtime-env.ts";

/**
 * Where a definition made in a bundle carries its library's planning. The bundle's own copy plans what tasks
 * run: its tasks and errors are those that user code sees, and its keys are those of the driver that made it.
 */
export const TASK_TOOLS: unique symbol = Symbol.for("stratolab.task-tools") as never;

/** The codec that a bundle's copy of the library uses: it has none of its own. */
export const LENT_CODEC: unique symbol = Symbol.for("stratolab.codec") as never;

/** What a bundle exports beside the user's own: the code version of each export. */
export const VERSIONS_EXPORT = "__stratolabVersions";

/** What planning needs beside the tasks. */
export interface ToolsContext {
  readonly namespace: string;
  /** Code version by task name. */
  readonly versions: ReadonlyMap<string, string>;
  readonly taskModule: string;
  /** Runtime environments by task name; of those that have one. */
  readonly runtimeEnvs?: ReadonlyMap<string, TaskRuntimeEnv | BrokenRuntimeEnv> | undefined;
}

/** A planned child before its params have a place. */
interface PlannedChild {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly number[];
  readonly params: Uint8Array;
  readonly demand: unknown;
  readonly policy: unknown;
  readonly keepMs?: number | undefined;
  /** Objects that its params name. */
  readonly objects?: readonly string[] | undefined;
}

/** The tasks of one call, planned. */
export interface PlannedCall {
  readonly tasks: readonly PlannedChild[];
  readonly targets: readonly number[];
  /** Which of several returns is asked for, by position in `targets`. */
  readonly parts?: readonly (string | undefined)[] | undefined;
  /** The error of the call; undefined when every task has its result. `values` are results in the order asked. */
  errorOf(answer: NestedAnswer & { type: "settled" }, values: readonly unknown[], runId: string): Error | undefined;
  /** How each task asked for ended, in order. */
  outcomesOf(answer: NestedAnswer & { type: "settled" }, values: readonly unknown[]): unknown[];
}

/** What an executor asks of the library in a bundle. */
export interface TaskTools {
  /** @throws LabError when something is wrong with the tasks or the options. */
  plan(tasks: unknown, options: unknown, context: ToolsContext): PlannedCall;
}
