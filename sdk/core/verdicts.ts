import type { FailureKind } from "../wire/outcome.ts";
import type { Command } from "./commands.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { AttemptFailure, StartFailureKind } from "./events.ts";
import { BUDGETS, type Decision, decide, nothingSpent, type Spent } from "./ladder.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { waitsFor } from "./nesting.ts";
import type { Lane } from "./offer.ts";
import type { Rungs } from "./rungs.ts";
import { Setups } from "./setups.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

const GIVEN_UP = "the runtime environment that it has in common with others cannot be set up";

/** What follows from a verdict. */
interface Consequences {
  emit(command: Command): void;
  /** The task is to be tried again as soon as it may. */
  enqueue(task: number): void;
  /** The task may not go before this much time has passed, in milliseconds. */
  backOff(task: number, delayMs: number): void;
  settleFailed(task: number, kind: FailureKind, why: string): void;
  /** Nobody wants the task any more. */
  giveUp(task: number, kind: FailureKind): void;
}

interface VerdictParts {
  readonly tasks: TaskTable;
  readonly rungs: Rungs;
  readonly lifecycle: Lifecycle;
  readonly dispatcher: Dispatcher;
  /** Draws the jitter. */
  readonly random: () => number;
  readonly consequences: Consequences;
}

/** Judges failures: what each says of sizes and capacity, what it costs the task, and where that goes next. */
export class Verdicts {
  readonly #parts: VerdictParts;
  readonly #spent = new Map<number, Spent>();
  /** How often results that runs asked for were gone. */
  readonly #timesLost = new Map<number, number>();
  readonly #setups = new Setups();

  constructor(parts: VerdictParts) {
    this.#parts = parts;
  }

  /** An attempt in a lane has failed. */
  attemptFailed(task: number, end: AttemptFailure, lane: Lane): void {
    const { consequences, lifecycle, rungs, tasks } = this.#parts;
    this.learnFrom(task, end, lane);
    if (!lifecycle.mayRetry(task)) {
      consequences.giveUp(task, end.kind);
      return;
    }
    const { placement, policy } = rungs.shapeOf(task);
    const ladder = rungs.ladderOf(task);
    const rung = tasks.rung[task];
    // What it has put itself it puts again.
    const others = end.lost?.filter((other) => other !== task);
    // What waits for this one, such as the task that runs it, cannot be made again for it.
    const lost = others?.filter((other) => !waitsFor(other, task, lifecycle.waits));
    const outlasting = end.atServiceLimit ? ladder.findIndex((other, at) => at > rung && !other.maxTimeoutMs) : -1;
    const decision = decide(end.kind, this.#spentOf(task), policy, {
      canGrow: rung + 1 < ladder.length,
      canLeaveSpot: ladder[rung].spot && placement.onDemandLadder.length > 0,
      canOutlast: outlasting >= 0,
      retryable: end.retryable ?? false,
      isLostForGood: end.lostForGood || (lost?.length === 0 && others?.length !== 0),
    });
    if (decision.action === "fail") {
      consequences.settleFailed(task, end.kind, decision.why);
      return;
    }
    if (decision.move === "grow") tasks.rung[task] = rung + 1;
    else if (decision.move === "outlast") tasks.rung[task] = outlasting;
    else if (decision.move === "leave-spot") rungs.leaveSpot(task);
    this.#retry(task, { ...end, ...(lost ? { lost } : {}) }, decision);
  }

  #retry(task: number, end: AttemptFailure, { backoffMs, why }: Decision & { action: "retry" }): void {
    const { consequences, lifecycle, random, rungs, tasks } = this.#parts;
    const delayMs = backoffMs === 0 ? 0 : Math.ceil(random() * backoffMs);
    const { kind, lost } = end;
    const attempt = tasks.attempt[task];
    consequences.emit({ type: "retry", task, attempt, kind, delayMs, lane: rungs.laneOf(task), why });
    if (lost) {
      // Waiting first, so that what is reopened counts as what it waits for. Where one of its inputs has
      // failed for good, that is its end: the others need not be made again for it.
      lifecycle.waitForInputs(task);
      if (tasks.isSettled(task)) return;
      lifecycle.waitForOthers(task, lost);
      lifecycle.reopen(lost, lifecycle.runsOf(task));
      // What is to be made again may itself need something that has failed for good.
      if (tasks.isSettled(task)) return;
    } else if (delayMs > 0) consequences.backOff(task, delayMs);
    consequences.enqueue(task);
  }

  /** What a failure says of capacity and sizes, whatever becomes of the task. */
  learnFrom(task: number, { kind, crowded }: AttemptFailure, lane: Lane): void {
    if (kind === "throttled") this.#parts.dispatcher.capacity.throttled(lane.group);
    // What others had of the memory says nothing about the size.
    if (kind === "out-of-memory" && !crowded && lane.memoryMb !== undefined) this.#learnTooSmall(task, lane.memoryMb);
  }

  /** A size was too small: whatever waits for it and needs as much goes to a larger one, too. */
  #learnTooSmall(task: number, memoryMb: number): void {
    const { consequences, dispatcher, rungs, tasks } = this.#parts;
    const { type } = rungs.shapeOf(task);
    // What waits has been moved when the first of its kind failed; looking once more for each of a thousand takes long.
    if (!rungs.sizing.learnTooSmall(type, tasks.inputBytes(task), memoryMb)) return;
    for (const sibling of dispatcher.takeQueued(type, memoryMb)) consequences.enqueue(sibling);
  }

  /** An attempt has begun in a runtime environment. */
  setupWentWell({ runtimeEnv }: Lane): void {
    if (runtimeEnv !== undefined) this.#setups.wentWell(runtimeEnv);
  }

  /** A runtime environment that is given up fails those that have just tried, and all that wait for it. */
  giveUpSetup({ kind }: AttemptFailure, { runtimeEnv }: Lane, tried: readonly number[]): void {
    if (kind !== "setup-failed" || runtimeEnv === undefined) return;
    const { consequences, dispatcher, tasks } = this.#parts;
    const inFlight = () => dispatcher.inFlightIn(runtimeEnv);
    if (!this.#setups.failed(runtimeEnv, inFlight)) return;
    for (const task of [...tried, ...dispatcher.takeQueuedIn(runtimeEnv)]) {
      // Judging one before it may have ended the run, and this one with it.
      if (!tasks.isSettled(task)) consequences.settleFailed(task, kind, GIVEN_UP);
    }
  }

  /**
   * Executors have failed to start.
   *
   * @param judged Tasks that have waited for them as long as they may.
   */
  startFailed(judged: readonly number[], lane: Lane, kind: StartFailureKind): void {
    const { rungs, tasks } = this.#parts;
    for (const task of judged) {
      // Judging one before it may have ended the run, and this one with it.
      if (tasks.state[task] !== TaskState.Ready) continue;
      if (kind === "spot-interruption") {
        // Its executors were evicted as often as a task may be.
        this.#spentOf(task).spotInterruptions = BUDGETS.spotInterruptionsBeforeOnDemand - 1;
        this.attemptFailed(task, { kind }, lane);
        continue;
      }
      // The pool has failed as often as a task may: what is left is other capacity, or the end.
      const hasOther = lane.spot && rungs.shapeOf(task).placement.onDemandLadder.length > 0;
      this.#spentOf(task).startFailures = hasOther ? 0 : BUDGETS.startFailures;
      this.attemptFailed(task, { kind: "start-failed" }, lane);
    }
  }

  /** Results are gone that some runs have asked for. One that is gone each time is given up in the end. */
  resultsLost(lostTasks: readonly number[], runs: readonly number[]): void {
    const { consequences, lifecycle, tasks } = this.#parts;
    // Several runs may miss the same result: what is being made again is not lost once more.
    const lost = lostTasks.filter((task) => tasks.state[task] === TaskState.Done);
    lifecycle.reopen(lostTasks, runs);
    for (const task of lost) {
      const times = (this.#timesLost.get(task) ?? 0) + 1;
      this.#timesLost.set(task, times);
      if (times <= BUDGETS.objectsLost || tasks.isSettled(task)) continue;
      consequences.settleFailed(task, "object-lost", `its result was lost ${times} times`);
    }
  }

  /** The task is settled: what its failures have cost counts no more. */
  forget(task: number): void {
    this.#spent.delete(task);
  }

  #spentOf(task: number): Spent {
    let spent = this.#spent.get(task);
    if (!spent) {
      spent = nothingSpent();
      this.#spent.set(task, spent);
    }
    return spent;
  }
}
