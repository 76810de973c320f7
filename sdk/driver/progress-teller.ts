import type { Command } from "../core/commands.ts";
import type { LabPlan } from "../planning.ts";
import type { RunnerEvent } from "../runners/runner.ts";
import type { FailureKind } from "../wire/outcome.ts";
import type { LookedUp } from "./look-up.ts";
import type { ProgressListener } from "./progress-events.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Turns what the driver sees into progress events. */
export class ProgressTeller {
  readonly #tell: ProgressListener;
  readonly #runnerName: string;

  constructor(tell: ProgressListener, runnerName: string) {
    this.#tell = tell;
    this.#runnerName = runnerName;
  }

  runStarted(runId: string, plan: LabPlan, { records, needed }: LookedUp): void {
    const types = new Map<string, { name: string; total: number; cached: number }>();
    plan.tasks.forEach(({ name }, position) => {
      if (!needed[position]) return;
      const type = types.get(name) ?? { name, total: 0, cached: 0 };
      type.total += 1;
      if (records[position]) type.cached += 1;
      types.set(name, type);
    });
    this.#tell({ type: "run-started", runId, runner: this.#runnerName, at: Date.now(), types: [...types.values()] });
  }

  tasksAdded(runId: string, entries: readonly TaskEntry[]): void {
    const types = new Map<string, { name: string; total: number; cached: number }>();
    for (const { planned, value } of entries) {
      const type = types.get(planned.name) ?? { name: planned.name, total: 0, cached: 0 };
      type.total += 1;
      if (value) type.cached += 1;
      types.set(planned.name, type);
    }
    this.#tell({ type: "tasks-added", runId, at: Date.now(), types: [...types.values()] });
  }

  suspended(runId: string, { planned: { name } }: TaskEntry): void {
    this.#tell({ type: "task-suspended", runId, at: Date.now(), name });
  }

  runEnded(runId: string): void {
    this.#tell({ type: "run-ended", runId, at: Date.now() });
  }

  dispatched(runId: string, name: string, count: number, at: number): void {
    this.#tell({ type: "task-started", runId, at, name, count });
  }

  done(runId: string, { planned: { name } }: TaskEntry): void {
    this.#tell({ type: "task-done", runId, at: Date.now(), name });
  }

  failed(
    runId: string,
    { planned: { name, task } }: TaskEntry,
    kind: FailureKind,
    message: string,
    ran: boolean,
  ): void {
    this.#tell({ type: "task-failed", runId, at: Date.now(), name, task: String(task), kind, message, ran });
  }

  retried(runId: string, { planned, lastFailure }: TaskEntry, command: Command & { type: "retry" }): void {
    const { attempt, kind, why, delayMs, lane } = command;
    this.#tell({
      type: "task-retried",
      runId,
      at: Date.now(),
      name: planned.name,
      task: String(planned.task),
      attempt,
      kind,
      seen: lastFailure?.seen ?? "",
      why,
      delayMs,
      lane: lane.name,
    });
  }

  reopened(runId: string, { planned: { name } }: TaskEntry, wasDone: boolean): void {
    this.#tell({ type: "task-reopened", runId, at: Date.now(), name, wasDone });
  }

  log({ planned: { name, task } }: TaskEntry, { runId, at, level, text }: RunnerEvent & { type: "log" }): void {
    this.#tell({ type: "log", runId, at, name, task: String(task), level, text });
  }

  notice(text: string): void {
    this.#tell({ type: "notice", at: Date.now(), text });
  }
}
