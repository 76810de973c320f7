import type { Command } from "../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../sdk/core/events.ts";
import { BUDGETS } from "../../sdk/core/ladder.ts";
import { capacityGroups } from "../../sdk/core/route.ts";
import type { Scheduler } from "../../sdk/core/scheduler.ts";
import { TaskState } from "../../sdk/core/task-table.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** What must hold at every step of every run, whatever goes wrong in it. */
export class Invariants {
  readonly violations: string[] = [];
  readonly #scenario: Scenario;
  readonly #scheduler: Scheduler;
  readonly #world: World;
  readonly #settled = new Map<number, string>();
  readonly #inFlight = new Map<number, number>();
  readonly #assignments = new Map<number, { group: string; open: Set<number> }>();
  readonly #chargedFailures = new Map<number, number>();
  #ended = 0;

  constructor(scenario: Scenario, scheduler: Scheduler, world: World) {
    this.#scenario = scenario;
    this.#scheduler = scheduler;
    this.#world = world;
  }

  #require(holds: boolean, what: () => string): void {
    if (!holds) this.violations.push(what());
  }

  event(event: SchedulerEvent): void {
    if (event.type === "attempt-ended") this.#close(event.assignment, event.task);
  }

  command(command: Command): void {
    switch (command.type) {
      case "dispatch":
        this.#dispatched(command);
        break;
      case "settled": {
        const { task, kind } = command;
        this.#require(
          !this.#settled.has(task),
          () => `task ${task} settled twice: ${this.#settled.get(task)}, then ${kind}`,
        );
        this.#settled.set(task, kind);
        const lossy = this.#scenario.faults.lostObject > 0;
        this.#require(
          kind !== "ok" || lossy || this.#world.committed.has(task),
          () => `task ${task} settled ok without a commit`,
        );
        this.#require(
          command.blockedBy === undefined || this.#settled.get(command.blockedBy) !== "ok",
          () => `task ${task} is blocked by ${command.blockedBy}, which is ok`,
        );
        break;
      }
      case "reopened":
        this.#require(
          this.#scenario.faults.lostObject > 0,
          () => `task ${command.task} reopened though nothing was lost`,
        );
        this.#settled.delete(command.task);
        break;
      case "retry": {
        if (["user-error", "executor-lost", "timeout"].includes(command.kind)) {
          const charged = (this.#chargedFailures.get(command.task) ?? 0) + 1;
          this.#chargedFailures.set(command.task, charged);
          const { maxRetries } = this.#scenario.tasks[command.task].policy;
          this.#require(
            charged <= maxRetries || this.#scenario.faults.lostObject > 0,
            () => `task ${command.task} was retried ${charged} times, maxRetries is ${maxRetries}`,
          );
        }
        break;
      }
      case "kill":
        for (const task of command.tasks) this.#close(command.assignment, task);
        break;
      case "run-ended":
        this.#ended += 1;
        break;
      default:
    }
  }

  #dispatched(command: Command & { type: "dispatch" }): void {
    const open = new Set(command.tasks);
    this.#assignments.set(command.assignment, { group: command.lane.group, open });
    command.tasks.forEach((task, position) => {
      const spec = this.#scenario.tasks[task];
      this.#require(command.attempts[position] >= 1, () => `task ${task} has attempt ${command.attempts[position]}`);
      this.#require(!this.#settled.has(task), () => `task ${task} dispatched though it is settled`);
      for (const dependency of spec.dependencies) {
        const done = this.#scheduler.tasks.state[dependency] === TaskState.Done;
        this.#require(done, () => `task ${task} dispatched before its dependency ${dependency}`);
      }
      const before = this.#inFlight.get(task);
      const elsewhere = before !== undefined && this.#assignments.get(before)?.open.has(task);
      const believed = this.#scheduler.tasks.assignment[task];
      this.#require(!elsewhere || believed === command.assignment, () => `task ${task} is in two assignments`);
      this.#inFlight.set(task, command.assignment);
      const ladderMemory = command.lane.memoryMb;
      const asked = spec.demand.memoryMb;
      this.#require(
        ladderMemory === undefined || asked === undefined || ladderMemory >= asked,
        () => `task ${task} asked for ${asked} MB and was given ${ladderMemory}`,
      );
    });
  }

  #close(assignment: number, task: number): void {
    this.#assignments.get(assignment)?.open.delete(task);
  }

  afterStep(): void {
    for (const group of capacityGroups(this.#scenario.offer)) {
      const used = this.#scheduler.capacityInUse(group.name);
      this.#require(used >= 0 && used <= group.slots, () => `group ${group.name} uses ${used} of ${group.slots} slots`);
    }
  }

  atEnd(): void {
    const { tasks } = this.#scheduler;
    const cancelled = this.#scenario.cancel !== undefined;
    for (let task = 0; task < tasks.count; task++) {
      const state = tasks.state[task];
      const over = state === TaskState.Done || state === TaskState.Failed;
      this.#require(over, () => `task ${task} is left in state ${state}`);
      if (state === TaskState.Failed) this.#checkFailure(task, cancelled);
    }
    this.#require(this.#ended === 1, () => `run ended ${this.#ended} times`);
    this.#require(this.#scheduler.inFlight === 0, () => `${this.#scheduler.inFlight} assignments still in flight`);
    this.#require(this.#world.running === 0, () => `${this.#world.running} bodies still run`);
  }

  /** A task may only fail for a reason that the scenario gave it. */
  #checkFailure(task: number, cancelled: boolean): void {
    const kind = this.#settled.get(task);
    const spec = this.#scenario.tasks[task];
    const { faults } = this.#scenario;
    const possible: Record<string, boolean> = {
      "user-error": spec.alwaysFails || faults.userError > 0,
      "executor-lost": faults.executorDeath > 0 || faults.lostResponse > 0,
      "out-of-memory": spec.needsMb > 64 || faults.outOfMemory > 0,
      "start-failed": faults.startFailure > 0 && BUDGETS.startFailures > 0,
      "object-lost": faults.lostObject > 0,
      cancelled: true,
      // Never a reason to give up, unless the run was cancelled and only drained.
      "spot-interruption": cancelled && faults.spotInterruption > 0,
      throttled: cancelled && faults.throttle > 0,
    };
    this.#require(
      kind !== undefined && possible[kind] === true,
      () => `task ${task} failed with ${kind} without cause`,
    );
    if (kind !== "cancelled" || cancelled || this.#scenario.failFast) return;
    const blocked = spec.dependencies.some(
      (dependency) => this.#scheduler.tasks.state[dependency] === TaskState.Failed,
    );
    this.#require(blocked, () => `task ${task} was cancelled though nothing it needs has failed`);
  }
}
