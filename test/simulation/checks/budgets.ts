import type { Command } from "../../../sdk/core/commands.ts";
import type { AttemptFailure, SchedulerEvent, StartFailureKind } from "../../../sdk/core/events.ts";
import { BUDGETS } from "../../../sdk/core/ladder.ts";
import type { Lane } from "../../../sdk/core/offer.ts";
import { TaskState } from "../../../sdk/core/task-table.ts";
import type { FailureKind } from "../../../sdk/wire/outcome.ts";
import { Check } from "./check.ts";
import type { OpenAssignment } from "./ledger.ts";

interface Account {
  charged: number;
  outOfMemoryAtTop: number;
  objectsLost: number;
  evictions: number;
  /** Retries that nothing bounds, since they cost nothing. */
  dueAt: number;
}

/** How often in a row executors of a pool did not start. */
interface FailedStarts {
  broken: number;
  evicted: number;
  /** That was once too often, by this; others may still come. */
  tooOftenBy?: StartFailureKind;
}

/** What the current event may be held against: each task with the kind of its failure and its lane. */
type Blame = Map<
  number,
  {
    readonly kind: FailureKind;
    readonly lane: Lane;
    readonly atServiceLimit: boolean;
    /** What it has missed cannot be made again. */
    readonly lostForGood?: boolean | undefined;
  }
>;

const CHARGED: readonly FailureKind[] = ["user-error", "executor-lost", "timeout"];
const isShared = (kind: FailureKind) => kind === "throttled" || kind === "spot-interruption" || kind === "cancelled";

/** Every retry and every failure has its cause, and each is charged where it belongs and nowhere else. */
export class Budgets extends Check {
  readonly #accounts = new Map<number, Account>();
  readonly #failedStarts = new Map<string, FailedStarts>();
  /** How many executors of a pool may still come. */
  readonly #starting = new Map<string, number>();
  /** Executors that take work, each with its pool. */
  readonly #alive = new Map<string, string>();
  /** How often runs found the result of a task gone. */
  readonly #timesMissed = new Map<number, number>();
  /** Tasks that are being made again. */
  readonly #reopened = new Set<number>();
  #blame: Blame = new Map();
  /**
   * A pool that has failed to start too often with the current event, and who has waited for it. A task that goes there
   * since one of these is judged, such as its parent, has not waited yet: with it the pool is tried anew.
   */
  #givenUp: { readonly pool: string; readonly waiting: readonly number[] } | undefined;

  #of(task: number): Account {
    let account = this.#accounts.get(task);
    if (!account) {
      account = { charged: 0, outOfMemoryAtTop: 0, objectsLost: 0, evictions: 0, dueAt: 0 };
      this.#accounts.set(task, account);
    }
    return account;
  }

  override event(event: SchedulerEvent): void {
    this.#blame = new Map();
    this.#givenUp = undefined;
    const { ledger } = this.scene;
    switch (event.type) {
      case "attempt-ended": {
        const { assignment, task, end } = event;
        const open = ledger.get(assignment);
        // What ran short beside others is nobody's fault.
        const isHeld = !("durationMs" in end) && !end.crowded;
        if (open?.open.has(task) && isHeld) this.#hold(end, open.lane, [task]);
        break;
      }
      case "assignment-failed": {
        const open = ledger.get(event.assignment);
        if (open && !ranShort(event.end, [open])) this.#hold(event.end, open.lane, [...open.open]);
        break;
      }
      case "executor-gone": {
        const assignments = ledger.assignmentsOf(event.executor);
        const tasks = assignments.flatMap(({ open }) => [...open]);
        this.#alive.delete(event.executor);
        if (!event.end || tasks.length === 0 || ranShort(event.end, assignments)) break;
        this.#hold(event.end, assignments[0].lane, tasks, event.end.culprit);
        break;
      }
      case "start-failed":
        this.#startFailed(event);
        break;
      case "executor-ready":
        this.#failedStarts.delete(event.lane.pool as string);
        this.#changeStarting(event.lane, -1);
        this.#alive.set(event.executor, event.lane.pool as string);
        break;
      case "lost":
        this.#missed(event.tasks);
        break;
      default:
    }
  }

  /** One is to blame where it is known or was alone; what is free of charge may hit all. */
  #hold(
    { kind, atServiceLimit = false, lostForGood }: AttemptFailure,
    lane: Lane,
    tasks: readonly number[],
    culprit = tasks.length === 1 ? tasks[0] : undefined,
  ): void {
    const held = isShared(kind) ? tasks : tasks.filter((task) => task === culprit);
    for (const task of held) this.#blame.set(task, { kind, lane, atServiceLimit, lostForGood });
  }

  /** What is gone each time a run wants it may be given up. */
  #missed(tasks: readonly number[]): void {
    for (const task of tasks) {
      // Several may miss the same result.
      if (this.#reopened.has(task)) continue;
      const times = (this.#timesMissed.get(task) ?? 0) + 1;
      this.#timesMissed.set(task, times);
      const isBounded = times <= BUDGETS.objectsLost + 1;
      this.require("bounded", isBounded, () => `the result of task ${task} was lost ${times} times`);
      const lane = this.scene.driver.scheduler.laneOf(task);
      if (times > BUDGETS.objectsLost) this.#blame.set(task, { kind: "object-lost", lane, atServiceLimit: false });
    }
  }

  #changeStarting({ pool = "" }: Lane, by: number): number {
    const starting = Math.max(0, (this.#starting.get(pool) ?? 0) + by);
    this.#starting.set(pool, starting);
    return starting;
  }

  #startFailed({ lane, kind: last, count }: SchedulerEvent & { type: "start-failed" }): void {
    const starting = this.#changeStarting(lane, -count);
    const pool = lane.pool as string;
    const failed = this.#failedStarts.get(pool) ?? { broken: 0, evicted: 0 };
    if (last === "spot-interruption") failed.evicted += 1;
    else if (last === "start-failed") failed.broken += 1;
    this.#failedStarts.set(pool, failed);
    const isBroken =
      (last === "start-failed" && failed.broken > BUDGETS.startFailures) ||
      (last === "spot-interruption" && failed.evicted >= BUDGETS.spotInterruptionsBeforeOnDemand);
    const kind = isBroken ? last : failed.tooOftenBy;
    if (kind === undefined || [...this.#alive.values()].includes(pool)) return;
    failed.tooOftenBy = kind;
    if (starting > 0) return;
    this.#failedStarts.delete(pool);
    this.#givenUp = { pool, waiting: this.#waitingFor(pool) };
    // Whoever waits for the pool may be judged.
    this.scene.driver.entries.forEach((_, task) => {
      this.#blame.set(task, { kind, lane, atServiceLimit: false });
    });
  }

  override command(command: Command): void {
    if (command.type === "retry") this.#retried(command);
    else if (command.type === "reopened") this.#reopened.add(command.task);
    else if (command.type === "settled") this.#settled(command);
    else if (command.type === "dispatch") for (const task of command.tasks) this.#dispatched(task, command.lane);
    else if (command.type === "joined") this.#dispatched(command.task, command.lane);
    else if (command.type === "start-executors") this.#changeStarting(command.lane, command.count);
    else if (command.type === "stop-executor") this.#alive.delete(command.executor);
  }

  override afterStep(): void {
    if (this.#givenUp === undefined) return;
    const { pool, waiting } = this.#givenUp;
    const still = this.#waitingFor(pool).filter((task) => waiting.includes(task));
    this.require("start failures", still.length === 0, () => `task ${still[0]} goes on waiting for ${pool}`);
    this.#givenUp = undefined;
  }

  #waitingFor(pool: string): number[] {
    const { entries, scheduler } = this.scene.driver;
    return entries.flatMap((_, task) => {
      const isWaiting = scheduler.tasks.state[task] === TaskState.Ready && scheduler.laneOf(task).pool === pool;
      return isWaiting ? task : [];
    });
  }

  #retried({ task, kind, lane, delayMs }: Command & { type: "retry" }): void {
    const account = this.#of(task);
    const { policy } = this.specOf(task);
    const blame = this.#blame.get(task);
    const justified = blame?.kind === kind;
    this.require("evidence", justified, () => `task ${task} is retried for ${kind}, and nothing like it was reported`);
    if (!blame) return;
    account.dueAt = this.scene.around.agenda.now + delayMs;
    this.require("backoff", delayMs <= 60_000, () => `task ${task} is to wait for ${delayMs} ms`);
    const isCutFree = kind === "timeout" && blame.atServiceLimit && lane.maxTimeoutMs === undefined;
    if (CHARGED.includes(kind) && !isCutFree) {
      account.charged += 1;
      this.require("maxRetries", account.charged <= policy.maxRetries, () => `task ${task} is retried once too often`);
    }
    if (kind === "timeout" && this.#mayOutlast(task, blame)) {
      this.require("free of charge", isCutFree, () => `task ${task} was cut by the service, and is retried there`);
    }
    if (kind === "user-error") {
      this.require("retryOn", policy.retryOn === true, () => `task ${task} is retried for an error not in retryOn`);
    }
    if (kind === "out-of-memory" && (lane.memoryMb ?? 0) <= (blame.lane.memoryMb ?? 0)) {
      account.outOfMemoryAtTop += 1;
      const isWithin = account.outOfMemoryAtTop <= policy.maxOomRetries;
      this.require("maxOomRetries", isWithin, () => `task ${task} is retried at the same size once too often`);
    }
    if (kind === "object-lost") {
      account.objectsLost += 1;
      const isBounded = account.objectsLost <= BUDGETS.objectsLost;
      this.require("bounded", isBounded, () => `task ${task} has lost its inputs ${account.objectsLost} times`);
    }
    if (kind === "spot-interruption") account.evictions += 1;
  }

  /** The service cut the attempt at its own longest, and one of the larger sizes has no such bound. */
  #mayOutlast(task: number, { lane, atServiceLimit }: { lane: Lane; atServiceLimit: boolean }): boolean {
    const { ladder } = this.scene.driver.scheduler.shapeOf(task).placement;
    const at = ladder.findIndex(({ name }) => name === lane.name);
    return atServiceLimit && ladder.some(({ maxTimeoutMs }, position) => position > at && maxTimeoutMs === undefined);
  }

  #dispatched(task: number, lane: Lane): void {
    const { driver, around } = this.scene;
    const { dueAt, evictions } = this.#of(task);
    this.require("backoff", around.agenda.now >= dueAt, () => `task ${task} goes before its wait is over`);
    const { placement } = driver.scheduler.shapeOf(task);
    const enough = evictions >= BUDGETS.spotInterruptionsBeforeOnDemand && placement.onDemandLadder.length > 0;
    this.require(
      "on demand",
      !(enough && lane.spot),
      () => `task ${task} was evicted ${evictions} times: ${lane.name}`,
    );
  }

  #settled({ task, kind, why, blockedBy }: Command & { type: "settled" }): void {
    this.#reopened.delete(task);
    if (kind === "ok" || kind === "cancelled" || blockedBy !== undefined) {
      this.#accounts.delete(task);
      return;
    }
    const account = this.#of(task);
    const { policy } = this.specOf(task);
    const blame = this.#blame.get(task);
    this.require(
      "evidence",
      blame?.kind === kind,
      () => `task ${task} failed with ${kind}, and nothing like it was seen`,
    );
    this.#accounts.delete(task);
    // Of a cancelled run nothing is tried again; `Cancellation` sees to it that it was cancelled.
    if (why === "the run was cancelled" || !blame) return;
    const isUsedUp: Partial<Record<FailureKind, boolean>> = {
      "user-error": policy.retryOn === false || account.charged === policy.maxRetries,
      "executor-lost": account.charged === policy.maxRetries,
      timeout: account.charged === policy.maxRetries && !this.#mayOutlast(task, blame),
      "out-of-memory": account.outOfMemoryAtTop === policy.maxOomRetries,
      "object-lost":
        blame.lostForGood ||
        account.objectsLost === BUDGETS.objectsLost ||
        (this.#timesMissed.get(task) ?? 0) > BUDGETS.objectsLost,
      "start-failed": true,
    };
    this.require("not given up early", isUsedUp[kind] === true, () => `task ${task} is given up for ${kind}: ${why}`);
  }
}

/** Memory that has run out where several had it. */
const ranShort = ({ kind }: AttemptFailure, assignments: readonly OpenAssignment[]): boolean =>
  kind === "out-of-memory" && assignments.some(({ atOnce }) => atOnce > 1);
