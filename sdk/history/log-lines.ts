import type { LabPlan } from "../planning.ts";
import type { ChronicleEvent } from "../wire/chronicle.ts";
import { findTasks } from "./find-tasks.ts";
import { shownTask } from "./task-text.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One line of the log of a run. */
export interface RunLogLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly level: (typeof LOG_LEVELS)[number];
  readonly text: string;
  /** Task name; absent where the run itself tells something, such as that lines were dropped. */
  readonly name?: string;
  /** The task's position in the run. */
  readonly position?: number;
  /** As one would write it: `trainModel({ seed: 1 })`. */
  readonly task?: string;
  /** The task that runs it, where one does. */
  readonly parent?: { readonly position: number; readonly name: string };
  /** Counted from 1. */
  readonly attempt?: number;
}

/** Which lines are wanted. */
export interface LogFilter {
  /** Only of this task: by its name, its position in the run, or a part of its text. Default all. */
  readonly task?: string;
  /** Only of attempts of this number, counted from 1. */
  readonly attempt?: number;
  /** Only of this level and above it. Default all. */
  readonly level?: RunLogLine["level"];
}

/** How an attempt ended that brought no result: its log goes on with that. */
function failureLine(event: ChronicleEvent): (ChronicleEvent & { type: "log" }) | undefined {
  if (event.type !== "retried" && event.type !== "failed") return undefined;
  const { at, task, last } = event;
  if (!last) return undefined;
  const { attempt, kind, seen } = last;
  const retried = event.type === "retried" ? `; ${event.why}` : "";
  const level = event.type === "retried" ? "warn" : "error";
  return { type: "log", at, task, attempt, level, text: `attempt failed, ${kind}: ${seen}${retried}` };
}

/**
 * Chooses lines of a run's log. How an attempt failed is a line, too.
 *
 * @throws LabError when the filter names no task of the run.
 */
export function logLines(plan: LabPlan, { task, attempt, level = "debug" }: LogFilter) {
  const tasks = task === undefined ? undefined : new Set(findTasks(plan, task));
  const least = LOG_LEVELS.indexOf(level);
  const isWanted = (event: ChronicleEvent & { type: "log" }) =>
    (tasks?.has(event.task) ?? true) &&
    (attempt === undefined || event.attempt === attempt) &&
    LOG_LEVELS.indexOf(event.level) >= least;
  const lineOf = (told: ChronicleEvent): RunLogLine[] => {
    const event = failureLine(told) ?? told;
    // What the run tells of itself is wanted by those who want to see all of it.
    if (event.type === "notice" && tasks === undefined && attempt === undefined) {
      return [{ at: event.at, level: "warn", text: event.text }];
    }
    if (event.type !== "log" || !isWanted(event)) return [];
    const { at, task: position, attempt: number, level: own, text } = event;
    const { name } = plan.tasks[position];
    const parent = plan.parents?.get(position);
    const ranBy = parent === undefined ? {} : { parent: { position: parent, name: plan.tasks[parent].name } };
    return [{ at, level: own, text, name, position, task: shownTask(plan, position), ...ranBy, attempt: number }];
  };
  return (events: readonly ChronicleEvent[]): RunLogLine[] => events.flatMap(lineOf);
}
