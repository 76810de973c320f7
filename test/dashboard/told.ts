import { newRunModel, type RunModel, takeIn } from "../../dashboard/model/run-model.ts";
import type { ToldEvent, ToldTasks } from "../../dashboard/model/told-run.ts";
import type { Usage } from "../../sdk/wire/outcome.ts";

/** Tasks by name and dependencies; a task's params are its position. */
export function toldTasks(tasks: readonly (readonly [name: string, ...dependencies: number[]])[]): ToldTasks {
  const names = [...new Set(tasks.map(([name]) => name))];
  const policy = { maxRetries: 3, retryOn: false, maxOomRetries: 3 };
  return {
    kinds: names.map((name) => ({ name, version: "v", demand: { numGpus: 0, spot: true, resources: {} }, policy })),
    kind: tasks.map(([name]) => names.indexOf(name)),
    params: tasks.map((_, position) => `{ i: ${position} }`),
    dependencies: tasks.map(([, ...dependencies]) => dependencies),
    targets: [tasks.length - 1],
  };
}

const usage = (startedAt: number, endedAt: number): Usage => ({
  startedAt,
  endedAt,
  loadMs: 0,
  runMs: endedAt - startedAt,
  storeMs: 0,
  cpuMs: 1,
  peakMemoryMb: 30,
  bytesIn: 1,
  bytesOut: 1,
});

const upTo = (length: number) => Array.from({ length }, (_, position) => position);

/** A driver that begins with so many tasks. */
export const driven = (length: number, at = 0, cached: readonly number[] = [], epoch = 1): ToldEvent => ({
  type: "driven",
  at,
  epoch,
  runner: "local",
  host: "here",
  pid: 1,
  wanted: upTo(length),
  cached,
});

export const dispatched = (at: number, task: number, attempt = 1, executor = "e-0", lane = "local"): ToldEvent => ({
  type: "dispatched",
  at,
  lane,
  executor,
  tasks: [task],
  attempts: [attempt],
});

export const done = (at: number, task: number, startedAt: number, attempt = 1, costUsd?: number): ToldEvent => ({
  type: "done",
  at,
  task,
  last: {
    attempt,
    lane: "local",
    memoryMb: undefined,
    executor: "e-0",
    usage: usage(startedAt, at),
    ...(costUsd === undefined ? {} : { costUsd }),
  },
});

const failing = (attempt: number, startedAt: number, endedAt: number) => ({
  attempt,
  kind: "user-error" as const,
  lane: "local",
  executor: "e-0",
  startedAt,
  endedAt,
  seen: "Error: no",
  decided: "again",
});

export const retried = (at: number, task: number, startedAt: number, delayMs = 100): ToldEvent => ({
  type: "retried",
  at,
  task,
  last: failing(1, startedAt, at),
  why: "again",
  delayMs,
  lane: "local",
});

export const failed = (at: number, task: number, blockedBy?: number): ToldEvent => ({
  type: "failed",
  at,
  task,
  kind: blockedBy === undefined ? "user-error" : "cancelled",
  message: `task ${task} failed`,
  logTail: [],
  ran: blockedBy === undefined,
  ...(blockedBy === undefined ? { last: failing(1, at - 5, at) } : { blockedBy }),
});

export function modelAfter(tasks: ToldTasks, ...events: ToldEvent[]): RunModel {
  const model = newRunModel(tasks);
  takeIn(model, events);
  return model;
}
