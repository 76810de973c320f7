import type { Lane } from "../../sdk/core/offer.ts";
import type { FailureKind } from "../../sdk/wire/outcome.ts";
import type { Begun } from "./adopted.ts";
import type { Agenda } from "./agenda.ts";
import type { Fate } from "./fate.ts";
import type { HandedOn, Order, OrderedAttempt, Report, SimulatedOutcome } from "./messages.ts";
import type { Scenario, ScenarioTask } from "./scenario.ts";
import { Storage } from "./storage.ts";

/** What all simulated executors live in; it outlives every driver. */
export interface Surroundings {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly fate: Fate;
  readonly storage: Storage;
  /** Attempts being executed right now. */
  readonly executing: Set<Execution>;
  /** Executions begun so far, by position of the task. */
  readonly executions: Map<number, number>;
  /** What is being worked on, by `lab/assignment`, where later drivers may take it over. */
  readonly begun?: Map<string, Begun>;
  /** Whatever executors of a lab say, whether it listens or not. */
  overheard?(lab: string, report: Report): void;
}

/** One attempt being executed somewhere. */
export interface Execution {
  readonly order: Order;
  readonly attempt: OrderedAttempt;
  /** It was killed, or its executor died: whatever it does now has no effect. */
  isOver: boolean;
}

/** How an execution is going to end. */
interface Ending {
  readonly afterMs: number;
  readonly kind: "ok" | FailureKind;
  /** It takes its executor with it, and everything that waits there. */
  readonly isFatal: boolean;
  /** Who was being executed is known afterwards. */
  readonly isMarked?: boolean;
  readonly atServiceLimit?: boolean;
  readonly lost?: readonly number[];
}

interface ExecutionHooks {
  /** It runs tasks, and waits for them. */
  asks(children: readonly number[], answer: (results: readonly string[] | undefined) => void): void;
  /** Whether the driver lives, and awaits it. */
  isAwaited(): boolean;
  ended(outcome: SimulatedOutcome): void;
  /** The executor died of it. */
  died(failure: { kind: FailureKind; culprit?: number; atServiceLimit?: boolean }): void;
}

/** Executes one attempt: loads its inputs, computes, stores, commits, and only then tells. */
export function execute(
  around: Surroundings,
  order: Order,
  attempt: OrderedAttempt,
  handed: HandedOn,
  hooks: ExecutionHooks,
): Execution {
  const { scenario, agenda, fate, storage, executing, executions } = around;
  const task = scenario.tasks[attempt.position];
  const number = (executions.get(attempt.position) ?? 0) + 1;
  executions.set(attempt.position, number);
  const subject = `${task.id}/${number}`;
  const execution: Execution = { order, attempt, isOver: false };
  executing.add(execution);
  const given = attempt.inputs.map((input, at) => input ?? handed.get(task.dependencies[at]));
  if (given.some((input) => input === undefined)) {
    fate.count("passed over");
    agenda.in(0, () => {
      executing.delete(execution);
      if (execution.isOver) return;
      execution.isOver = true;
      hooks.ended({ kind: "passed-over" });
    });
    return execution;
  }
  const hashes = given.map((input) => input?.hash as string);
  const gone = attempt.handles.filter((each) => storage.isGone(each));
  if (gone.length > 0) fate.count("handle missed");
  const missing = [...task.dependencies.filter((_, at) => attempt.inputs[at] && !storage.has(hashes[at])), ...gone];
  let ending = missing.length > 0 ? lostInputs(missing) : endingOf(task, order.lane, around, subject);
  const children = missing.length > 0 ? [] : task.children;
  let results: readonly string[] = [];
  let isWaiting = false;
  if (children.length > 0) {
    const isNested = ending.kind === "ok";
    agenda.in(Math.floor(ending.afterMs / 2), () => {
      if (execution.isOver) {
        executing.delete(execution);
        return;
      }
      isWaiting = true;
      fate.count("nested");
      hooks.asks(children, (found) => {
        if (!isWaiting || execution.isOver) return;
        isWaiting = false;
        if (!isNested) return;
        if (found) results = found;
        else ending = { ...ending, kind: "user-error" };
        agenda.in(Math.ceil(ending.afterMs / 2), end);
      });
      if (isNested) waitOn(0);
    });
    if (!isNested) agenda.in(ending.afterMs, end);
  } else agenda.in(ending.afterMs, end);
  return execution;

  /** It waits: it may be killed, suspended, or forgotten by a driver that is gone. */
  function waitOn(sinceMs: number): void {
    const about = `${subject} waits ${sinceMs}`;
    agenda.in(WAIT_STEP_MS, () => {
      if (execution.isOver) executing.delete(execution);
      if (execution.isOver || !isWaiting) return;
      const isForgotten = sinceMs >= FORGOTTEN_MS;
      const isKilled = sinceMs === 0 && fate.strikes("death", about);
      const isSuspended = order.lane.service === "lambda" && task.policy.maxRetries > 0;
      const patienceMs = SUSPENDED_MS * 2 ** Math.min(attempt.suspensions, 10);
      if (isSuspended && sinceMs >= patienceMs && !isKilled) {
        fate.count("suspended");
        isWaiting = false;
        execution.isOver = true;
        executing.delete(execution);
        hooks.ended({ kind: "suspended" });
      } else if (isKilled || (isForgotten && !hooks.isAwaited())) {
        isWaiting = false;
        execution.isOver = true;
        executing.delete(execution);
        hooks.died({ kind: "executor-lost", culprit: attempt.task });
      } else if (sinceMs >= (order.lane.maxTimeoutMs ?? Number.POSITIVE_INFINITY)) {
        isWaiting = false;
        execution.isOver = true;
        executing.delete(execution);
        hooks.died({ kind: "timeout", culprit: attempt.task, atServiceLimit: true });
      } else waitOn(sinceMs + WAIT_STEP_MS);
    });
  }

  function end(): void {
    isWaiting = false;
    executing.delete(execution);
    if (execution.isOver) return;
    execution.isOver = true;
    if (ending.isFatal) {
      const { kind, isMarked, atServiceLimit } = ending;
      hooks.died({
        kind: kind as FailureKind,
        ...(isMarked ? { culprit: attempt.task } : {}),
        ...(atServiceLimit ? { atServiceLimit } : {}),
      });
    } else if (ending.kind === "ok") {
      const inputs = [...hashes, ...results];
      const value = Storage.valueOf(task, inputs, number);
      if (attempt.isUnstored) {
        fate.count("unstored");
        const held = storage.holdBack(attempt.position, task, value, inputs);
        handed.set(attempt.position, held);
        hooks.ended({ kind: "ok", value: held, durationMs: ending.afterMs, isUnstored: true });
        return;
      }
      const record = storage.commit(attempt.position, task, value, inputs, attempt.generation);
      // What does not count is not handed on.
      if (record.value.hash === value) handed.set(attempt.position, record.value);
      loseLater(around, task, record.value.hash, subject);
      hooks.ended({ kind: "ok", value: record.value, durationMs: ending.afterMs });
    } else {
      const isCrowded = ending.kind === "out-of-memory" && order.atOnce > 1;
      if (isCrowded) fate.count("crowded");
      const crowded = isCrowded ? { crowded: true as const } : {};
      hooks.ended({ kind: ending.kind, ...(ending.lost ? { lost: ending.lost } : {}), ...crowded });
    }
  }
}

/** How often one that waits is looked at. */
const WAIT_STEP_MS = 1_500;
/** Longest that an invocation waits, the first time. */
const SUSPENDED_MS = 3_000;
/** One whose driver does not know of it any more ends after this. */
const FORGOTTEN_MS = 60_000;

const lostInputs = (lost: readonly number[]): Ending => ({ afterMs: 1, kind: "object-lost", isFatal: false, lost });

function loseLater(
  { agenda, fate, storage }: Surroundings,
  { inline, nature }: ScenarioTask,
  value: string,
  subject: string,
) {
  if (nature === "vanishes") {
    fate.count("vanished");
    storage.lose(value);
    return;
  }
  if (inline || !fate.strikes("lost-object", subject)) return;
  agenda.in(fate.below(5_000, `lost ${subject}`), () => storage.lose(value));
}

/** What becomes of an attempt that has its inputs: the first of all that may happen to it. */
function endingOf(task: ScenarioTask, lane: Lane, { scenario, fate }: Surroundings, subject: string): Ending {
  const isCut = lane.maxTimeoutMs !== undefined && (task.demand.timeoutMs ?? Infinity) > lane.maxTimeoutMs;
  const limitMs = isCut ? (lane.maxTimeoutMs as number) : (task.demand.timeoutMs ?? Infinity);
  // Without any limit it would hang for ever, and so would the run: rightly.
  const usualMs =
    task.durationMs < 10_000 && fate.strikes("straggler", subject) ? 10 * task.durationMs + 20_000 : task.durationMs;
  const lastsMs = limitMs < Infinity && fate.strikes("hang", subject) ? Infinity : usualMs;
  const atSomeTimeMs = fate.below(Math.min(lastsMs, limitMs), `moment ${subject}`);
  const isMarked = fate.chance(0.7, `mark ${subject}`);

  if (task.needsMb > (lane.memoryMb ?? scenario.heapMb)) {
    fate.count(lane.memoryMb === undefined ? "heap limit" : "too small");
    return outOfMemory(atSomeTimeMs, isMarked, fate, subject);
  }
  if (fate.strikes("out-of-memory", subject)) return outOfMemory(atSomeTimeMs, isMarked, fate, subject);
  if (task.nature === "kills") {
    fate.count("poison");
    return { afterMs: atSomeTimeMs, kind: "executor-lost", isFatal: true };
  }
  if (lane.spot && fate.strikes("eviction", subject)) {
    return { afterMs: atSomeTimeMs, kind: "spot-interruption", isFatal: true };
  }
  if (fate.strikes("death", subject)) return { afterMs: atSomeTimeMs, kind: "executor-lost", isFatal: true, isMarked };
  if (lastsMs > limitMs) {
    fate.count(isCut ? "service limit" : "timeout");
    if (isCut) return { afterMs: limitMs, kind: "timeout", isFatal: true, atServiceLimit: true };
    return { afterMs: limitMs, kind: "timeout", isFatal: fate.chance(0.5, `blocked ${subject}`), isMarked: true };
  }
  const throws = task.nature === "throws" || fate.strikes("user-error", subject);
  return { afterMs: lastsMs, kind: throws ? "user-error" : "ok", isFatal: false };
}

/** Noticed by the supervisor in time, or by nobody before the process died. */
function outOfMemory(afterMs: number, isMarked: boolean, fate: Fate, subject: string): Ending {
  return { afterMs, kind: "out-of-memory", isFatal: fate.chance(0.6, `kernel ${subject}`), isMarked };
}
