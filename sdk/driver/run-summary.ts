import { TaskState } from "../core/task-table.ts";
import type { TaskError } from "../errors.ts";
import type { RecordedStatus, RunCounts, RunFailure } from "../stores/runs.ts";
import type { RunState } from "./run-state.ts";

/** Bounds on what a record says of failures: an item stays under 4 KB. */
const MAX_FAILURES = 5;
const MAX_TASK_LENGTH = 120;
const MAX_MESSAGE_LENGTH = 300;

/** Where the tasks of a run stand. Counted when somebody asks: nothing is kept up with each task. */
export function countsOf(run: RunState, states: Uint8Array): RunCounts {
  const counts = { total: run.entries.size, cached: 0, done: 0, failed: 0, cancelled: 0, running: 0, pending: 0 };
  for (const { task, value, cached, failure } of run.entries) {
    const state = states[task];
    if (value !== undefined) counts[cached ? "cached" : "done"] += 1;
    else if (state === TaskState.Failed) counts[failure === "cancelled" ? "cancelled" : "failed"] += 1;
    // What others of the lab still wait for goes on; this run has done with it.
    else if (run.isOver) counts.cancelled += 1;
    else counts[state === TaskState.Running ? "running" : "pending"] += 1;
  }
  return counts;
}

/** How a run has ended. */
export function endOf(run: RunState): Exclude<RecordedStatus, "running"> {
  const failures = failuresOf(run);
  if (failures.length === 0) return "ok";
  return run.isCancelled || failures.every(({ kind }) => kind === "cancelled") ? "cancelled" : "failed";
}

/** The first failures of a run in a few words; what was blocked or cancelled only where nothing else failed. */
export function failureSummary(run: RunState): RunFailure[] {
  const failures = failuresOf(run);
  const causes = failures.filter(({ kind }) => kind !== "cancelled");
  return (causes.length > 0 ? causes : failures).slice(0, MAX_FAILURES).map(({ task, kind, message }) => ({
    task: shortened(String(task), MAX_TASK_LENGTH),
    kind,
    message: shortened(message, MAX_MESSAGE_LENGTH),
  }));
}

function failuresOf(run: RunState): TaskError[] {
  const asked = run.arrived.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  return [...new Set([...run.otherFailures, ...asked])];
}

const shortened = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
