import { rateOf } from "../../../sdk/core/attempt-cost.ts";
import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import type { Lane } from "../../../sdk/core/offer.ts";
import type { ScenarioRun } from "../scenario.ts";
import { Check } from "./check.ts";

interface Purse {
  readonly maxUsd: number;
  spentUsd: number;
  isSpent: boolean;
}

interface Held {
  readonly run: number;
  readonly usd: number;
}

const ROUNDING_USD = 1e-9;

/** Nothing is begun that its run may not be able to pay, and no run is given up that could. */
export class CostKept extends Check {
  readonly #purses = new Map<number, Purse>();
  /** From whose purse the runs of attempts are paid. */
  readonly #payers = new Map<number, number>();
  /** Assignments of which an attempt waits for a run: by assignment, those runs. */
  readonly #waiting = new Map<number, Set<number>>();
  /** What is reserved for attempts, by assignment and task. */
  readonly #attempts = new Map<number, Map<number, Held>>();
  /** What is reserved for executors on their way, by pool. */
  readonly #starts = new Map<string, Held[]>();

  override opened(run: number, { maxCostUsd }: ScenarioRun): void {
    if (maxCostUsd !== undefined) this.#purses.set(run, { maxUsd: maxCostUsd, spentUsd: 0, isSpent: false });
  }

  override nested(run: number, parent: number): void {
    this.#payers.set(run, this.#payerOf(this.scene.driver.scheduler.tasks.owner[parent]));
  }

  #payerOf(run: number): number {
    return this.#payers.get(run) ?? run;
  }

  override event(event: SchedulerEvent): void {
    switch (event.type) {
      case "charged": {
        const purse = this.#purses.get(this.#payerOf(event.run));
        this.require("charged", event.usd >= 0, () => `run ${event.run} is given ${-event.usd} dollars`);
        if (purse) purse.spentUsd += event.usd;
        break;
      }
      case "parked": {
        const runs = this.#waiting.get(event.assignment) ?? new Set();
        this.#waiting.set(event.assignment, runs.add(event.run));
        break;
      }
      case "attempt-ended":
      case "passed-over":
      case "suspended":
        this.#attempts.get(event.assignment)?.delete(event.task);
        break;
      case "assignment-failed":
        this.#attempts.delete(event.assignment);
        break;
      case "executor-gone":
        for (const { id } of this.scene.ledger.assignmentsOf(event.executor)) this.#attempts.delete(id);
        break;
      case "executor-ready":
        this.#starts.get(event.lane.pool as string)?.shift();
        break;
      case "start-failed":
        this.#starts.get(event.lane.pool as string)?.splice(0, event.count);
        break;
      default:
    }
  }

  override command(command: Command): void {
    switch (command.type) {
      case "kill":
        for (const task of command.tasks) this.#attempts.get(command.assignment)?.delete(task);
        break;
      case "start-executors": {
        const { perSecond, minimumSeconds } = rateOf(command.lane);
        const starts = this.#starts.get(command.lane.pool as string) ?? [];
        for (let each = 0; each < command.count; each++) {
          starts.push({ run: command.run, usd: perSecond * minimumSeconds });
        }
        this.#starts.set(command.lane.pool as string, starts);
        this.#mustBePaid(command.run, "an executor");
        break;
      }
      case "dispatch":
        this.#dispatched(command);
        break;
      case "joined": {
        const run = this.#payerOf(this.scene.driver.scheduler.tasks.owner[command.task]);
        const isUnbounded = !this.#purses.has(run);
        this.require("budgets kept", isUnbounded, () => `task ${command.task} begins, and nothing is reserved for it`);
        break;
      }
      case "run-ended":
        for (const runs of this.#waiting.values()) runs.delete(command.run);
        break;
      case "budget-spent": {
        const { run, neededUsd } = command;
        const purse = this.#purses.get(run);
        if (purse) purse.isSpent = true;
        const isEnough = !purse || purse.spentUsd + neededUsd <= purse.maxUsd - ROUNDING_USD;
        this.require("not given up early", !isEnough, () => `run ${run} could pay ${neededUsd} dollars`);
        const open = this.#reserved(run) - this.#stuck(run);
        this.require("not given up early", open < ROUNDING_USD, () => `run ${run} may get ${open} dollars back`);
        break;
      }
      default:
    }
  }

  #dispatched({ assignment, lane, tasks, reservedUsd }: Command & { type: "dispatch" }): void {
    const { tasks: table } = this.scene.driver.scheduler;
    const held = new Map<number, Held>();
    this.#attempts.set(assignment, held);
    tasks.forEach((task, position) => {
      const run = this.#payerOf(table.owner[task]);
      const purse = this.#purses.get(run);
      if (!purse) return;
      const usd = reservedUsd?.[position] ?? 0;
      held.set(task, { run, usd });
      const leastUsd = this.#leastOf(task, lane);
      this.require("reserved", usd >= leastUsd, () => `task ${task} holds ${usd} dollars, and takes ${leastUsd}`);
      this.require("budgets kept", !purse.isSpent, () => `task ${task} begins though run ${run} is spent`);
      this.#mustBePaid(run, `task ${task}`);
    });
  }

  /** What the time of a task's type, as it was measured, or the longest that it may take, costs. */
  #leastOf(task: number, lane: Lane): number {
    const { type, demand } = this.specOf(task);
    const bound = Math.min(demand.timeoutMs ?? Infinity, lane.maxTimeoutMs ?? Infinity);
    const ms = Math.min(this.scene.driver.scheduler.estimateMs(type) ?? Math.min(bound, 3_600_000), bound);
    return (rateOf(lane).perSecond * ms) / 1000;
  }

  #mustBePaid(paying: number, what: string): void {
    const run = this.#payerOf(paying);
    const purse = this.#purses.get(run);
    if (!purse) return;
    const usd = purse.spentUsd + this.#reserved(run);
    const isPaid = usd <= purse.maxUsd + ROUNDING_USD;
    this.require("budgets kept", isPaid, () => `${what} brings run ${run} to ${usd} of ${purse.maxUsd} dollars`);
  }

  #reserved(run: number): number {
    const all = [...this.#attempts.values()].flatMap((held) => [...held.values()]).concat(...this.#starts.values());
    return all.reduce((sum, held) => (this.#payerOf(held.run) === run ? sum + held.usd : sum), 0);
  }

  /** What attempts hold that wait for what they run, and are never begun twice. */
  #stuck(run: number): number {
    let usd = 0;
    for (const [assignment, runs] of this.#waiting) {
      if (runs.size === 0) continue;
      for (const [task, held] of this.#attempts.get(assignment) ?? []) {
        if (held.run === run && this.specOf(task).policy.maxRetries === 0) usd += held.usd;
      }
    }
    return usd;
  }
}
