/**
 * What `import … from "stratolab"` means inside a bundle of tasks: everything that makes sense in an
 * executor, and nothing of the driver. A task module that starts a lab fails here, by name.
 */
import { task as define } from "./task.ts";
import { taskTools } from "./task-tools.ts";
import { LabError } from "./wire/lab-error.ts";
import { TASK_TOOLS } from "./wire/task-tools.ts";

export {
  CodecError,
  InfeasibleError,
  InvalidTaskError,
  LabError,
  LabOptionError,
  RunError,
  RuntimeEnvSetupError,
  TaskCancelledError,
  TaskError,
} from "./errors.ts";
export { Task } from "./task.ts";
export { registerArrow } from "./wire/codec/arrow.ts";
export { registerCodec } from "./wire/codec/classes.ts";
export { inspectSerializability } from "./wire/codec/inspect.ts";
export { ObjectRef } from "./wire/object-ref.ts";
export { registerTracing } from "./wire/tracing.ts";

/** As outside of bundles; its tasks can be run by other tasks, too. */
export const task = ((config: never) =>
  Object.defineProperty(define(config), TASK_TOOLS, { value: taskTools })) as typeof define;

function refuse(what: string): never {
  throw new LabError(
    "lab-in-task-module",
    `the task module itself ${what}. Every executor loads the task module, so each would start a lab of its own: ` +
      "keep tasks in a module of their own and start the lab in another one that imports it",
  );
}

export class Lab {
  constructor() {
    refuse("starts a lab (new Lab)");
  }
}

export function aws(): never {
  return refuse("configures a runner (aws(…))");
}
