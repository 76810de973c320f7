import type { LabPlan } from "../../sdk/planning.ts";
import { type ChronicleEvent, type ToldAttempt, type ToldSuccess, toBits } from "../../sdk/wire/chronicle.ts";
import type { Usage } from "../../sdk/wire/outcome.ts";

/** A plan of tasks named by one letter each, with the positions they depend on: `["a", [0]]`. */
export const planOf = (...tasks: readonly (readonly [name: string, dependencies?: readonly number[]])[]): LabPlan =>
  ({
    tasks: tasks.map(([name, dependencies = []], position) => ({
      name,
      dependencies,
      key: `${position}`,
      task: { toString: () => `${name}({ id: ${position} })` },
    })),
    targets: [tasks.length - 1],
  }) as never;

export const usage = (startedAt: number, endedAt: number): Usage => ({
  startedAt,
  endedAt,
  loadMs: 1,
  runMs: endedAt - startedAt - 3,
  storeMs: 2,
  cpuMs: 1,
  peakMemoryMb: 40,
  bytesIn: 10,
  bytesOut: 20,
});

interface Driven {
  readonly wanted: readonly number[];
  readonly cached?: readonly number[];
  readonly epoch?: number;
}

export const driven = (at: number, { wanted, cached = [], epoch = 1 }: Driven): ChronicleEvent => ({
  type: "driven",
  at,
  epoch,
  runner: "local",
  host: "here",
  pid: 1,
  wanted: toBits(64, (position) => wanted.includes(position)),
  cached: toBits(64, (position) => cached.includes(position)),
});

export const dispatched = (at: number, task: number, attempt = 1, executor = "e"): ChronicleEvent => ({
  type: "dispatched",
  at,
  lane: "local",
  executor,
  tasks: [task],
  attempts: [attempt],
  ...(attempt === 1 ? { why: "this machine" } : {}),
});

export const done = (at: number, task: number, used: Usage, extra: Partial<ToldSuccess> & { costUsd?: number } = {}) =>
  ({
    type: "done",
    at,
    task,
    last: { attempt: 1, lane: "local", memoryMb: undefined, executor: "e", usage: used, ...extra },
  }) as ChronicleEvent;

const lost = (startedAt: number, endedAt: number, attempt: number): ToldAttempt => ({
  attempt,
  kind: "executor-lost",
  lane: "local",
  executor: "e",
  startedAt,
  endedAt,
  seen: "exit 1",
  decided: "again",
});

export const retried = (at: number, task: number, startedAt: number, delayMs: number, attempt = 1): ChronicleEvent => ({
  type: "retried",
  at,
  task,
  last: lost(startedAt, at, attempt),
  why: "again",
  delayMs,
  lane: "local",
});

export const failed = (at: number, task: number, startedAt: number): ChronicleEvent => ({
  type: "failed",
  at,
  task,
  kind: "executor-lost",
  message: "gone",
  last: lost(startedAt, at, 1),
  logTail: [],
  ran: true,
});

export const blocked = (at: number, task: number, blockedBy: number): ChronicleEvent => ({
  type: "failed",
  at,
  task,
  kind: "cancelled",
  message: "blocked",
  blockedBy,
  logTail: [],
  ran: false,
});

export const logged = (at: number, task: number, text: string, level: "info" | "warn" = "info"): ChronicleEvent => ({
  type: "log",
  at,
  task,
  attempt: 1,
  level,
  text,
});
