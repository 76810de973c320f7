import { RunError, RuntimeEnvSetupError, TaskCancelledError, TaskError } from "../errors.ts";
import { dollars } from "../progress/text.ts";
import type { SpentBudget } from "../wire/chronicle.ts";
import { decode } from "../wire/codec/codec.ts";
import type { FailureKind, ThrownError } from "../wire/outcome.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** The error that user code threw, as near to itself as it comes through processes. */
export function causeOf(thrown: ThrownError | undefined): unknown {
  if (!thrown) return undefined;
  try {
    if (thrown.encoded) return decode(thrown.encoded);
  } catch {
    // What is left is its name and message.
  }
  return Object.assign(new Error(thrown.message), { name: thrown.names[0] ?? "Error" });
}

/** The error of a task that has no result. */
export function taskError(
  entry: TaskEntry,
  kind: FailureKind,
  why: string,
  blockedBy: TaskEntry | undefined,
): TaskError {
  const { task } = entry.planned;
  const attempts = entry.evidence ?? [];
  const seen = entry.lastFailure?.seen;
  const message = blockedBy
    ? `${task} was not run: it depends on ${blockedBy.planned.task}, which failed`
    : `${task}: ${kind} after ${attempts.length} attempt${attempts.length === 1 ? "" : "s"}${seen ? `: ${seen}` : ""} (${why})`;
  const details = {
    task,
    attempts,
    logTail: entry.logTail ?? [],
    blockedBy: blockedBy?.planned.task,
    cause: causeOf(entry.lastFailure?.error),
  };
  return new (errorClassOf(kind))(kind, message, details);
}

/** All failures of a run as one error, or undefined when every task asked for has its result. */
export function errorOf(run: RunState): Error | undefined {
  if (run.lost) return run.lost;
  const failed = run.outcomes.flatMap((outcome) => (outcome?.status === "rejected" ? [outcome.reason] : []));
  if (failed.length === 0) return undefined;
  const { budgetSpent } = run;
  const results = run.outcomes.map((outcome) => (outcome?.status === "fulfilled" ? outcome.value : undefined));
  const failures = [...new Set([...run.otherFailures, ...failed])];
  return budgetSpent ? costLimitError(run.id, budgetSpent, failures, results) : runError(run.id, failures, results);
}

/** The class of a task's error. */
export const errorClassOf = (kind: FailureKind): typeof TaskError => {
  if (kind === "cancelled") return TaskCancelledError;
  return kind === "setup-failed" ? RuntimeEnvSetupError : TaskError;
};

/** The error of a run that may cost no more. */
export function costLimitError(
  runId: string,
  { maxUsd, spentUsd, neededUsd }: SpentBudget,
  failures: readonly TaskError[],
  results: readonly unknown[],
): RunError {
  const done = results.filter((result) => result !== undefined).length;
  const ran = failures.filter((failure) => failure.blockedBy === undefined && failure.kind !== "cancelled");
  const message =
    `run ${runId} was ended by maxCostUsd ${maxUsd}: it has cost ${dollars(spentUsd)}, and its next attempt may cost ` +
    `${dollars(neededUsd)}. ${done} of ${results.length} results are there, and everything that finished is kept: ` +
    `run it again with a larger maxCostUsd to go on${spentUsd === 0 ? ", or give its tasks a timeoutMs, which bounds what an attempt may cost" : ""}`;
  const ordered = [...ran, ...failures.filter((failure) => !ran.includes(failure))];
  return new RunError("cost-limit", message, runId, ordered, results);
}

/** The error of a run in which tasks failed. */
export function runError(runId: string, failures: readonly TaskError[], results: readonly unknown[]): RunError {
  const ran = failures.filter((failure) => failure.blockedBy === undefined && failure.kind !== "cancelled");
  const first = ran[0] ?? failures[0];
  if (ran.length === 0) {
    const done = results.filter((result) => result !== undefined).length;
    const message = `run ${runId} was cancelled: ${done} of ${results.length} results are there; everything that finished is kept`;
    return new RunError("cancelled", message, runId, failures, results);
  }
  const ordered = [...ran, ...failures.filter((failure) => !ran.includes(failure))];
  const others = ordered.length - 1;
  const rest = others > 0 ? ` (and ${others} more task${others === 1 ? "" : "s"} without a result; see failures)` : "";
  return new RunError(first.kind, `run ${runId}: ${first.message}${rest}`, runId, ordered, results);
}
