import type { AttemptEvidence, TaskError } from "../errors.ts";
import type { ChildFailure } from "../wire/nested.ts";
import { taskError } from "./failures.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Why tasks failed, for those that run them and ask later. */
export class ChildFailures {
  readonly #byTask = new Map<number, ChildFailure>();

  /** A task has failed for good. */
  note(entry: TaskEntry, reason: TaskError, blockedBy: TaskEntry | undefined): ChildFailure {
    const failure = failureOf(entry, reason, blockedBy);
    this.#byTask.set(entry.task, failure);
    return failure;
  }

  /** A task has failed with an earlier driver. */
  recall(entry: TaskEntry, failure: ChildFailure): void {
    this.#byTask.set(entry.task, failure);
  }

  /** A task is made again. */
  forget({ task }: TaskEntry): void {
    this.#byTask.delete(task);
  }

  has({ task }: TaskEntry): boolean {
    return this.#byTask.has(task);
  }

  /** As a parent is told of them: every task of its run that has no result, and each that it asked for. */
  of(entries: Iterable<TaskEntry>, targets: readonly TaskEntry[]): ChildFailure[] {
    const failed = new Map<string, ChildFailure>();
    for (const entry of entries) {
      const failure = entry.value === undefined ? this.#byTask.get(entry.task) : undefined;
      if (failure) failed.set(failure.key, failure);
    }
    for (const entry of targets) {
      if (entry.value !== undefined || failed.has(entry.planned.key)) continue;
      // The run has ended before its time, and others still wait for the task.
      const reason = taskError(entry, "cancelled", "its run was cancelled; others still wait for it", undefined);
      failed.set(entry.planned.key, failureOf(entry, reason, undefined));
    }
    return [...failed.values()];
  }
}

/** Makes an entry look as it did when its task failed with an earlier driver. */
export function inheritFailure(entry: TaskEntry, { kind, message, attempts, logTail, error }: ChildFailure): void {
  const evidence = attempts as readonly AttemptEvidence[];
  entry.failure = kind;
  entry.evidence = [...evidence];
  entry.logTail = [...logTail];
  entry.lastFailure = { kind, seen: evidence.at(-1)?.seen ?? message, ...(error ? { error } : {}) };
}

function failureOf(
  { planned: { key }, lastFailure }: TaskEntry,
  { kind, message, attempts, logTail }: TaskError,
  blockedBy: TaskEntry | undefined,
): ChildFailure {
  return {
    key,
    kind,
    message,
    attempts,
    logTail,
    ...(blockedBy ? { blockedBy: blockedBy.planned.key } : {}),
    ...(lastFailure?.error ? { error: lastFailure.error } : {}),
  };
}
