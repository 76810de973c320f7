import { causeOf, errorClassOf, runError } from "./driver/failures.ts";
import { type AttemptEvidence, LabOptionError, type TaskError } from "./errors.ts";
import { checkNames, show } from "./options.ts";
import { type LabPlan, planTasks } from "./planning.ts";
import type { Task } from "./task.ts";
import type { ChildFailure, NestedAnswer } from "./wire/nested.ts";
import type { NestedRunOptions } from "./wire/task-lab.ts";
import type { PlannedCall, TaskTools } from "./wire/task-tools.ts";

type Settled = NestedAnswer & { readonly type: "settled" };

/** Plans what a task wants run, and tells in errors and outcomes what came of it. */
export const taskTools: TaskTools = {
  plan(tasks, options, context): PlannedCall {
    if (!Array.isArray(tasks))
      throw new LabOptionError(`ctx.lab.runTasks needs an array of tasks, got ${typeof tasks}`);
    checkOptions(options as NestedRunOptions);
    const plan = planTasks(tasks as Task<unknown>[], context);
    return {
      tasks: plan.tasks,
      targets: plan.targets,
      parts: plan.parts,
      errorOf: (answer, values, runId) => {
        if (answer.failures.length === 0) return undefined;
        const errors = errorsOf(plan, answer);
        return runError(runId, [...errors.values()], values);
      },
      outcomesOf: (answer, values) => {
        const errors = errorsOf(plan, answer);
        return plan.targets.map((target, position) => {
          const task = tasks[position] as Task<unknown>;
          const reason = errors.get(plan.tasks[target].key);
          if (reason) return { status: "rejected", kind: reason.kind, task, reason };
          return { status: "fulfilled", kind: "ok", task, value: values[position], cached: answer.cached[position] };
        });
      },
    };
  },
};

function checkOptions(options: NestedRunOptions): void {
  checkNames("ctx.lab.runTasks", options, ["bustCache", "failFast"]);
  for (const name of ["bustCache", "failFast"] as const) {
    const value = options[name];
    if (value === undefined || typeof value === "boolean") continue;
    throw new LabOptionError(`ctx.lab.runTasks: ${name} must be true or false, got ${show(value)}`);
  }
}

/** The errors of tasks without a result, by cache key. */
function errorsOf(plan: LabPlan, { failures }: Settled): Map<string, TaskError> {
  const tasks = new Map(plan.tasks.map(({ key, task }) => [key, task]));
  return new Map(failures.map((failure) => [failure.key, errorOf(failure, tasks)]));
}

function errorOf(failure: ChildFailure, tasks: ReadonlyMap<string, Task<unknown>>): TaskError {
  const { key, kind, message, attempts, logTail, blockedBy, error } = failure;
  return new (errorClassOf(kind))(kind, message, {
    task: tasks.get(key) as Task<unknown>,
    attempts: attempts as readonly AttemptEvidence[],
    logTail,
    ...(blockedBy === undefined ? {} : { blockedBy: tasks.get(blockedBy) }),
    cause: causeOf(error),
  });
}
