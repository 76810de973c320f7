import type { FailureKind, Usage } from "../../sdk/wire/outcome.ts";
import type { ToldEvent, ToldKind, ToldTasks } from "./told-run.ts";

export const TASK_STATUSES = ["failed", "running", "pending", "done", "cached", "cancelled"] as const;

/** How a task stands; `cancelled` are also those that a failed one blocks. */
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** One attempt of a task, as far as is known of it. Times are milliseconds since the epoch. */
export interface AttemptModel {
  readonly attempt: number;
  /** When its inputs were there, or the pause after the last attempt was over. */
  readonly readyAt: number;
  dispatchedAt: number;
  lane: string;
  executor: string;
  /** Undefined while it goes on. */
  kind?: FailureKind | "ok" | "suspended" | "unknown";
  startedAt?: number;
  endedAt?: number;
  memoryMb?: number;
  usage?: Usage;
  peakMemoryMb?: number;
  seen?: string;
  /** What was decided then, and why. */
  decided?: string;
  costUsd?: number;
}

/** A line that a task wrote. */
export interface LogLine {
  readonly at: number;
  readonly attempt: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

/** Why a task has no result. */
export interface TaskFailure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly blockedBy?: number;
  readonly logTail: readonly string[];
  readonly stack?: string;
}

/** A task of a run. */
export interface TaskModel {
  readonly position: number;
  readonly name: string;
  readonly params: string;
  readonly dependencies: readonly number[];
  /** Position of the task that runs it, where one does. */
  readonly parent?: number;
  /** False where nothing that was asked for needs it, since results of its dependents are cached. */
  wanted: boolean;
  status: TaskStatus;
  readonly attempts: AttemptModel[];
  /** When it got its result or its failure. */
  settledAt?: number;
  failure?: TaskFailure | undefined;
  readonly log: LogLine[];
  /** When the pause before its next attempt is over. */
  nextAt?: number;
}

/** What is known of a run, folded from its chronicle. It grows in place; `version` says that it did. */
export interface RunModel {
  /** Those that tasks run join them when they are asked for. */
  readonly tasks: TaskModel[];
  readonly kinds: ToldKind[];
  readonly kindOf: number[];
  readonly notices: { readonly at: number; readonly text: string }[];
  version: number;
  startedAt: number | undefined;
  /** Time of its last event. */
  lastAt: number;
  isEnded: boolean;
}

/** A run of which nothing has happened yet. */
export function newRunModel(told: ToldTasks): RunModel {
  return {
    tasks: told.kind.map((kind, position) =>
      newTask(position, told.kinds[kind].name, told.params[position], told.dependencies[position]),
    ),
    kinds: [...told.kinds],
    kindOf: [...told.kind],
    notices: [],
    version: 0,
    startedAt: undefined,
    lastAt: 0,
    isEnded: false,
  };
}

function newTask(position: number, name: string, params: string, dependencies: readonly number[]): TaskModel {
  return { position, name, params, dependencies, wanted: true, status: "pending", attempts: [], log: [] };
}

/** Takes in what happened. */
export function takeIn(model: RunModel, events: readonly ToldEvent[]): void {
  for (const event of events) {
    takeInOne(model, event);
    model.lastAt = Math.max(model.lastAt, event.at);
  }
  model.version += 1;
}

function takeInOne(model: RunModel, event: ToldEvent): void {
  switch (event.type) {
    case "driven":
      begin(model, event);
      break;
    case "nested":
      join(model, event);
      break;
    case "suspended": {
      const task = model.tasks[event.task];
      end(model, task, event.last);
      task.status = "pending";
      task.nextAt = event.at;
      break;
    }
    case "dispatched":
      event.tasks.forEach((position, index) => {
        dispatch(model, model.tasks[position], event, event.attempts[index]);
      });
      break;
    case "retried": {
      const task = model.tasks[event.task];
      end(model, task, event.last);
      task.status = "pending";
      task.nextAt = event.at + event.delayMs;
      break;
    }
    case "beside-ended":
      end(model, model.tasks[event.task], event.last);
      break;
    case "done": {
      const task = model.tasks[event.task];
      if (event.last) {
        const { usage } = event.last;
        const { startedAt, endedAt, peakMemoryMb } = usage;
        end(model, task, { ...event.last, kind: "ok", startedAt, endedAt, peakMemoryMb });
      }
      settle(task, "done", event.at);
      break;
    }
    case "failed": {
      const { at, kind, message, blockedBy, logTail, stack, last } = event;
      const task = model.tasks[event.task];
      if (last) end(model, task, last);
      settle(task, kind === "cancelled" || blockedBy !== undefined ? "cancelled" : "failed", at);
      const blocking = blockedBy === undefined ? {} : { blockedBy };
      task.failure = { kind, message, logTail, ...blocking, ...(stack === undefined ? {} : { stack }) };
      break;
    }
    case "reopened": {
      const task = model.tasks[event.task];
      task.status = "pending";
      task.failure = undefined;
      task.nextAt = event.at;
      break;
    }
    case "log": {
      const { at, attempt, level, text } = event;
      model.tasks[event.task].log.push({ at, attempt, level, text });
      break;
    }
    case "notice":
      model.notices.push({ at: event.at, text: event.text });
      break;
    case "ended":
      model.isEnded = true;
      for (const task of model.tasks) {
        // What nobody waited for goes on without the run.
        if (task.parent !== undefined && (task.status === "pending" || task.status === "running")) {
          task.status = "cancelled";
        }
        leaveOpenAttempts(task, event.at);
      }
  }
}

/** A driver begins or takes over: what it does not tell again is not running any more. */
function begin(model: RunModel, { at, wanted, cached }: ToldEvent & { type: "driven" }): void {
  const isFirst = model.startedAt === undefined;
  model.startedAt ??= at;
  model.isEnded = false;
  const isWanted = new Set(wanted);
  const isCached = new Set(cached);
  for (const task of model.tasks) {
    if (task.parent !== undefined) {
      // Asked for again, it is told of again.
      if (task.status === "running") task.status = "pending";
      continue;
    }
    task.wanted = isWanted.has(task.position) || (!isFirst && task.wanted);
    if (isCached.has(task.position)) {
      // What an earlier driver's attempts have made since is a result, not a find.
      if (task.attempts.length === 0) settle(task, "cached", at);
      else if (task.status !== "done") settle(task, "done", at);
    } else if (!isFirst && task.status !== "pending") {
      task.status = "pending";
      task.failure = undefined;
      task.nextAt = at;
    }
    if (isCached.has(task.position)) leaveOpenAttempts(task, at);
  }
}

/** A task runs tasks, some of which the run may have had before. */
function join(model: RunModel, { at, parent, positions, wanted, cached, fresh }: ToldEvent & { type: "nested" }): void {
  for (const { kind, params, dependencies } of fresh) {
    const text = JSON.stringify(kind);
    const known = model.kinds.findIndex((each) => each.name === kind.name && JSON.stringify(each) === text);
    model.kindOf.push(known < 0 ? model.kinds.push(kind) - 1 : known);
    const task = newTask(model.tasks.length, kind.name, params, dependencies);
    model.tasks.push({ ...task, parent, wanted: false });
  }
  const isCached = new Set(cached);
  const isWanted = new Set(wanted);
  for (const position of positions) {
    if (!isWanted.has(position)) continue;
    const task = model.tasks[position];
    task.wanted = true;
    if (isCached.has(position)) {
      if (task.status !== "done") settle(task, task.attempts.length === 0 ? "cached" : "done", at);
    } else {
      Object.assign(task, { status: "pending", failure: undefined, nextAt: at });
    }
  }
}

function dispatch(
  model: RunModel,
  task: TaskModel,
  { at, beside, lane, executor = "" }: ToldEvent & { type: "dispatched" },
  attempt: number,
): void {
  task.status = "running";
  const known = task.attempts.find((each) => each.attempt === attempt && each.kind === undefined);
  if (known) {
    // A new driver has taken it over.
    known.lane = lane;
    known.executor = executor || known.executor;
    return;
  }
  if (!beside) leaveOpenAttempts(task, at);
  const ready = beside ? at : Math.min(at, readyAt(model, task));
  task.attempts.push({ attempt, readyAt: ready, dispatchedAt: at, lane, executor });
}

function readyAt(model: RunModel, task: TaskModel): number {
  let ready = task.nextAt ?? model.startedAt ?? 0;
  for (const position of task.dependencies) ready = Math.max(ready, model.tasks[position].settledAt ?? 0);
  return ready;
}

type Ending = Partial<Omit<AttemptModel, "usage" | "memoryMb" | "peakMemoryMb">> & {
  readonly attempt: number;
  readonly lane: string;
  readonly executor: string;
  readonly memoryMb?: number | undefined;
  readonly peakMemoryMb?: number | undefined;
  readonly usage?: Usage | undefined;
};

function end(model: RunModel, task: TaskModel, ending: Ending): void {
  let known = task.attempts.findLast(({ attempt }) => attempt === ending.attempt);
  if (!known) {
    const at = ending.startedAt ?? model.lastAt;
    const { attempt, lane, executor } = ending;
    known = { attempt, lane, executor, readyAt: Math.min(at, readyAt(model, task)), dispatchedAt: at };
    task.attempts.push(known);
  }
  // One by one: of ten thousand attempts that is several times as fast as going through their names.
  const { kind, lane, executor, startedAt, endedAt, memoryMb, usage, peakMemoryMb, seen, decided, costUsd } = ending;
  if (kind !== undefined) known.kind = kind;
  if (lane !== "") known.lane = lane;
  if (executor !== "") known.executor = executor;
  if (startedAt !== undefined) known.startedAt = startedAt;
  if (endedAt !== undefined) known.endedAt = endedAt;
  if (memoryMb !== undefined) known.memoryMb = memoryMb;
  if (usage !== undefined) known.usage = usage;
  if (peakMemoryMb !== undefined) known.peakMemoryMb = peakMemoryMb;
  if (seen !== undefined && seen !== "") known.seen = seen;
  if (decided !== undefined && decided !== "") known.decided = decided;
  if (costUsd !== undefined) known.costUsd = costUsd;
}

/** Nobody said how they ended: another attempt was faster, or their driver is gone. */
function leaveOpenAttempts(task: TaskModel, at: number): void {
  for (const attempt of task.attempts) {
    if (attempt.kind !== undefined) continue;
    attempt.kind = "unknown";
    attempt.endedAt = at;
  }
}

function settle(task: TaskModel, status: TaskStatus, at: number): void {
  task.status = status;
  task.settledAt = at;
  delete task.nextAt;
  if (status === "done" || status === "cached") task.failure = undefined;
}
