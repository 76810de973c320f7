import type { LabPlan } from "../planning.ts";
import { type ChronicleEvent, hasBit, type ToldAttempt, type ToldSuccess } from "../wire/chronicle.ts";
import type { FailureKind, ThrownError, Usage } from "../wire/outcome.ts";

/** How a task stands. `not-needed`: whatever depends on it was found in the cache. */
export type TaskStatus = "done" | "cached" | "failed" | "cancelled" | "running" | "pending" | "not-needed";

/** One attempt, as far as it is known. Times are milliseconds since the epoch. */
export interface AttemptHistory {
  readonly attempt: number;
  /** When it could have begun: its inputs were there, and the pause after the last attempt was over. */
  readonly readyAt: number;
  /** The pause before it, after another one had failed. */
  readonly pauseMs: number;
  /** Absent where no executor was found for it. */
  readonly dispatchedAt?: number;
  /** Why there; absent where it was taken over from another driver. */
  readonly why?: string;
  lane: string;
  executor: string;
  /** Absent while it runs; `unknown` where its driver was gone, or another attempt was faster. */
  kind?: FailureKind | "ok" | "unknown";
  startedAt?: number;
  endedAt?: number;
  seen?: string;
  decided?: string;
  memoryMb?: number;
  peakMemoryMb?: number;
  usage?: Usage;
  costUsd?: number;
}

/** Why a task has no result. */
export interface FailureHistory {
  readonly kind: FailureKind;
  readonly message: string;
  /** Position of the task whose failure kept this one from running. */
  readonly blockedBy?: number;
  readonly error?: ThrownError;
}

/** What became of one task of a run. */
export interface TaskHistory {
  /** Its position in the run. */
  readonly position: number;
  readonly name: string;
  readonly dependencies: readonly number[];
  /** Position of the task that runs it, where one does. */
  readonly parent?: number;
  status: TaskStatus;
  readonly attempts: AttemptHistory[];
  /** When it was decided that it has its result, or none. */
  settledAt?: number;
  failure?: FailureHistory | undefined;
  /** It had to be made again, since its result was lost. */
  wasReopened: boolean;
}

/** What an attempt came to; dollars are only known of some. */
type Ending = (ToldAttempt | (Omit<ToldAttempt, "memoryMb"> & Pick<ToldSuccess, "memoryMb">)) & {
  readonly costUsd?: number | undefined;
};

/** Puts together what became of each task, from what happened in the run. */
export function taskHistories({ tasks, parents }: LabPlan, events: readonly ChronicleEvent[]): TaskHistory[] {
  const folding = new Folding(
    tasks.map(({ name, dependencies }, position) => ({
      position,
      name,
      dependencies,
      ...(parents?.has(position) ? { parent: parents.get(position) as number } : {}),
      status: "pending",
      attempts: [],
      wasReopened: false,
    })),
  );
  for (const event of events) folding.take(event);
  return folding.tasks;
}

class Folding {
  readonly tasks: TaskHistory[];
  #startedAt: number | undefined;
  /** When the next attempt of a task may begin, after the last one failed, and the pause until then. */
  readonly #next = new Map<TaskHistory, { readonly at: number; readonly pauseMs: number }>();
  /** Attempts of drivers that are gone: the next one may have taken them over. */
  readonly #orphans = new Set<AttemptHistory>();

  constructor(tasks: TaskHistory[]) {
    this.tasks = tasks;
  }

  take(event: ChronicleEvent): void {
    switch (event.type) {
      case "driven":
        this.#driven(event);
        break;
      case "dispatched":
        event.tasks.forEach((task, index) => {
          this.#dispatched(this.tasks[task], event.attempts[index], event);
        });
        break;
      case "retried": {
        const task = this.tasks[event.task];
        this.#ended(task, event.last, event.at);
        this.#next.set(task, { at: event.at + event.delayMs, pauseMs: event.delayMs });
        task.status = "pending";
        break;
      }
      case "beside-ended":
        this.#ended(this.tasks[event.task], event.last, event.at);
        break;
      case "nested":
        this.#nested(event);
        break;
      case "suspended": {
        const task = this.tasks[event.task];
        this.#ended(task, event.last, event.at);
        this.#next.set(task, { at: event.at, pauseMs: 0 });
        task.status = "pending";
        break;
      }
      case "ended":
        // What nobody waited for goes on without the run.
        for (const task of this.tasks) if (isOpen(task) && task.parent !== undefined) task.status = "cancelled";
        break;
      case "done": {
        const task = this.tasks[event.task];
        const { last, at } = event;
        if (last) this.#ended(task, succeeded(last), at);
        this.#settle(task, "done", at);
        break;
      }
      case "failed": {
        const { kind, message, blockedBy, last, error, at } = event;
        const task = this.tasks[event.task];
        if (last) this.#ended(task, last, at);
        this.#settle(task, kind === "cancelled" || blockedBy !== undefined ? "cancelled" : "failed", at);
        const blocking = blockedBy === undefined ? {} : { blockedBy };
        task.failure = { kind, message, ...blocking, ...(error ? { error } : {}) };
        break;
      }
      case "reopened": {
        const task = this.tasks[event.task];
        this.#next.set(task, { at: event.at, pauseMs: 0 });
        const wasReopened = task.wasReopened || event.failed === undefined;
        Object.assign(task, { status: "pending", failure: undefined, wasReopened });
        break;
      }
      default:
    }
  }

  #driven({ at, wanted, cached }: ChronicleEvent & { type: "driven" }): void {
    const isFirst = this.#startedAt === undefined;
    this.#startedAt ??= at;
    for (const task of this.tasks) {
      for (const attempt of task.attempts) if (attempt.kind === undefined) this.#orphans.add(attempt);
      if (hasBit(cached, task.position)) {
        // What an earlier driver's attempts have brought is a result, not a find.
        if (task.attempts.length > 0) this.#settle(task, "done", task.settledAt ?? at);
        else if (task.status !== "done") this.#settle(task, "cached", at);
      } else if (isFirst) {
        if (!hasBit(wanted, task.position)) task.status = "not-needed";
      } else if (task.parent !== undefined) {
        // Asked for again, it is told of again.
        if (isOpen(task)) task.status = "pending";
      } else if (task.status !== "not-needed" || hasBit(wanted, task.position)) {
        Object.assign(task, { status: "pending", failure: undefined, settledAt: undefined });
        this.#next.set(task, { at, pauseMs: 0 });
      }
    }
  }

  #nested({ at, positions, wanted, cached }: ChronicleEvent & { type: "nested" }): void {
    positions.forEach((position, index) => {
      if (!hasBit(wanted, index)) return;
      const task = this.tasks[position];
      if (hasBit(cached, index)) {
        // What an earlier driver's attempts have brought is a result, not a find.
        if (task.status !== "done") this.#settle(task, task.attempts.length > 0 ? "done" : "cached", at);
        return;
      }
      Object.assign(task, { status: "pending", failure: undefined, settledAt: undefined });
      this.#next.set(task, { at, pauseMs: 0 });
    });
  }

  #dispatched(
    task: TaskHistory,
    attempt: number,
    { at, lane, executor = "", why, beside }: ChronicleEvent & { type: "dispatched" },
  ): void {
    const last = task.attempts.at(-1);
    const isTakenOver =
      last !== undefined && this.#orphans.delete(last) && last.attempt === attempt && last.executor === executor;
    task.status = "running";
    if (isTakenOver) return;
    if (!beside) this.#leaveOpen(task);
    const { readyAt, pauseMs } = beside ? { readyAt: at, pauseMs: 0 } : this.#readiness(task, at);
    const reason = why === undefined ? {} : { why };
    task.attempts.push({ attempt, readyAt, pauseMs, dispatchedAt: at, lane, executor, ...reason });
  }

  /** @param at When it began at the latest. */
  #readiness(task: TaskHistory, at: number) {
    const next = this.#next.get(task);
    let readyAt = next?.at ?? this.#startedAt ?? at;
    for (const position of task.dependencies) readyAt = Math.max(readyAt, this.tasks[position].settledAt ?? 0);
    return { readyAt: Math.min(readyAt, at), pauseMs: next?.pauseMs ?? 0 };
  }

  #ended(task: TaskHistory, ending: Ending, at: number): void {
    let known = task.attempts.findLast(({ attempt, kind }) => attempt === ending.attempt && kind === undefined);
    if (!known) {
      // No executor was found for it, or it was found when its driver was gone.
      const { attempt, lane, executor } = ending;
      known = { attempt, ...this.#readiness(task, Math.min(at, ending.startedAt)), lane, executor };
      task.attempts.push(known);
    }
    const told = Object.entries(ending).filter(([, value]) => value !== undefined && value !== "");
    Object.assign(known, Object.fromEntries(told));
  }

  #settle(task: TaskHistory, status: TaskStatus, at: number): void {
    this.#leaveOpen(task);
    task.status = status;
    task.settledAt = at;
  }

  /** Nobody will say how they ended. */
  #leaveOpen(task: TaskHistory): void {
    for (const attempt of task.attempts) attempt.kind ??= "unknown";
  }
}

const isOpen = ({ status }: TaskHistory) => status === "pending" || status === "running";

function succeeded({ usage, ...last }: ToldSuccess): Ending {
  const { startedAt, endedAt, peakMemoryMb } = usage;
  const seen = `it took ${Math.round(endedAt - startedAt)} ms`;
  return { ...last, usage, kind: "ok", startedAt, endedAt, peakMemoryMb, seen, decided: "its result is kept" };
}
