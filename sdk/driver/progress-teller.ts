import type { Command } from "../core/commands.ts";
import type { LabPlan, PlannedTask } from "../planning.ts";
import type { RunnerEvent } from "../runners/runner.ts";
import type { FailureKind } from "../wire/outcome.ts";
import type { LookedUp } from "./look-up.ts";
import type { ProgressListener } from "./progress-events.ts";
import type { RunState } from "./run-state.ts";
import type { Reopened, TaskEntry } from "./task-entry.ts";

/** Turns what the driver sees into progress events. */
export class ProgressTeller {
  readonly #tell: ProgressListener;
  readonly #runnerName: string;

  constructor(tell: ProgressListener, runnerName: string) {
    this.#tell = tell;
    this.#runnerName = runnerName;
  }

  /** `expectedUsd`: what a task will cost, where that is known. */
  runStarted(
    { id: runId, costUsd }: Pick<RunState, "id" | "costUsd">,
    plan: LabPlan,
    { records, needed }: LookedUp,
    expectedUsd: (planned: PlannedTask) => number | undefined,
  ): void {
    const types = new Map<string, { name: string; total: number; cached: number; usd: number | undefined }>();
    plan.tasks.forEach((planned, position) => {
      if (!needed[position]) return;
      const { name } = planned;
      const type = types.get(name) ?? { name, total: 0, cached: 0, usd: 0 };
      type.total += 1;
      if (records[position]) type.cached += 1;
      else if (type.usd !== undefined) type.usd = added(type.usd, expectedUsd(planned));
      types.set(name, type);
    });
    const known = [...types.values()].map(({ usd, ...type }) => ({ ...type, ...(usd ? { expectedUsd: usd } : {}) }));
    const before = costUsd > 0 ? { costUsd } : {};
    this.#tell({ type: "run-started", runId, runner: this.#runnerName, at: Date.now(), types: known, ...before });
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

  charged(runId: string, name: string | undefined, usd: number): void {
    this.#tell({ type: "cost", runId, at: Date.now(), usd, ...(name === undefined ? {} : { name }) });
  }

  dispatched(runId: string, name: string, count: number, at: number): void {
    this.#tell({ type: "task-started", runId, at, name, count });
  }

  secondBegan(
    runId: string,
    { planned: { name, task } }: TaskEntry,
    about: { readonly at: number; readonly attempt: number; readonly why: string; readonly lane: string },
  ): void {
    this.#tell({ type: "second-attempt", runId, name, task: String(task), ...about });
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

  reopened(runId: string, { planned: { name } }: TaskEntry, was: Reopened): void {
    this.#tell({ type: "task-reopened", runId, at: Date.now(), name, ...was });
  }

  log({ planned: { name, task } }: TaskEntry, { runId, at, level, text }: RunnerEvent & { type: "log" }): void {
    this.#tell({ type: "log", runId, at, name, task: String(task), level, text });
  }

  notice(text: string): void {
    this.#tell({ type: "notice", at: Date.now(), text });
  }
}

/** A sum of which one part is not known is not known. */
const added = (sum: number, part: number | undefined) => (part === undefined ? undefined : sum + part);
