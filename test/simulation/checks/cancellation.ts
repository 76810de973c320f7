import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import type { ScenarioRun } from "../scenario.ts";
import { Check } from "./check.ts";

/** What is cancelled stops, and nothing else does. */
export class Cancellation extends Check {
  /** Tasks that each run needs, directly or for something else. */
  readonly #needs: Set<number>[] = [];
  readonly #runs: ScenarioRun[] = [];
  readonly #cancelled = new Set<number>();
  readonly #ended = new Set<number>();
  /** Runs that have just found a result gone. */
  readonly #missedBy = new Map<number, readonly number[]>();
  /** Tasks that are made again, and for which runs. */
  readonly #madeAgainFor = new Map<number, Set<number>>();
  readonly #settled = new Set<number>();
  /** Tasks that were cancelled one by one, and all that depend on them. */
  readonly #cancelledTasks = new Set<number>();
  readonly #failed = new Map<number, string>();
  /** Tasks that were ended, or not tried again, only since nobody wanted them any more. */
  readonly #unwanted = new Set<number>();
  /** The latest of those that have failed: runs are given it at once. */
  #latest: number | undefined;
  /** What has failed for good that others depend on. */
  readonly #blockedBy = new Map<number, number>();
  /** What the attempt that has just ended has missed. */
  #lost: readonly number[] = [];
  /** Tasks that were waited for since a task has missed what they had put, though none of them is an input of it. */
  readonly #missed = new Map<number, Set<number>>();
  /** Tasks whose attempts have opened runs. */
  readonly #parents = new Map<number, number>();
  /** Runs that wanted such a task when it was done: what it has left behind goes on for them. */
  readonly #heirs = new Map<number, readonly number[]>();
  /** Runs that are neither over nor cancelled, until something happens. */
  #goingOn: Set<number> | undefined;

  override opened(run: number, wanted: ScenarioRun, tasks: readonly number[]): void {
    this.#goingOn = undefined;
    this.#needs[run] = new Set();
    this.#need(run, tasks);
    this.#runs[run] = wanted;
  }

  #need(run: number, tasks: readonly number[]): void {
    const needs = new Set(tasks);
    // A set goes on to what is added while it is gone through.
    for (const task of needs) for (const below of this.#below(task)) needs.add(below);
    for (const task of needs) this.#needs[run].add(task);
    const waitsFor = new Set(tasks);
    for (const task of waitsFor) {
      // Nothing below a result that is there is waited for.
      if (this.scene.driver.entries[task]?.value !== undefined) continue;
      this.#madeAgainFor.get(task)?.add(run);
      for (const below of this.#below(task)) waitsFor.add(below);
    }
  }

  /** What a task waits for directly. */
  #below(task: number): readonly number[] {
    // What an attempt has missed may be part of no run here.
    const inputs = this.scene.driver.entries[task]?.dependencies.map((each) => each.task) ?? [];
    return [...inputs, ...(this.#missed.get(task) ?? [])];
  }

  override nested(run: number, parent: number, targets: readonly number[], tasks: readonly number[]): void {
    this.opened(run, { targets, atMs: 0, failFast: false, cancel: undefined }, tasks);
    this.#parents.set(run, parent);
    this.#goingOn = undefined;
  }

  override event(event: SchedulerEvent): void {
    this.#goingOn = undefined;
    this.#lost = event.type === "attempt-ended" && "lost" in event.end ? (event.end.lost ?? []) : [];
    if (event.type === "lost") {
      for (const run of event.runs) this.#ended.delete(run);
      for (const task of event.tasks) this.#missedBy.set(task, event.runs);
    }
    if (event.type !== "cancel") return;
    if (event.tasks === undefined) this.#cancelled.add(event.run);
    else for (const task of event.tasks) this.#cancelledTasks.add(task);
  }

  override command(command: Command): void {
    if (command.type === "settled") {
      this.#judge(command);
      if (command.kind === "ok") this.#leave(command.task);
      this.#settled.add(command.task);
      this.#goingOn = undefined;
    } else if (command.type === "retry" && command.kind === "object-lost") {
      this.#hasMissed(command.task);
    } else if (command.type === "budget-spent") {
      this.#cancelled.add(command.run);
      this.#goingOn = undefined;
    } else if (command.type === "run-ended") {
      this.#ended.add(command.run);
      this.#goingOn = undefined;
    } else if (command.type === "reopened") {
      this.#reopened(command.task);
      this.#goingOn = undefined;
    } else if (command.type === "joined") {
      const { task } = command;
      this.require("cancelled", this.#isWanted(task), () => `task ${task} is gone on with, and no run wants it`);
    } else if (command.type === "dispatch") {
      for (const task of command.tasks) {
        this.require("cancelled", this.#isWanted(task), () => `task ${task} is dispatched, and no run wants it`);
      }
    } else if (command.type === "kill" && command.reason === "cancelled") {
      for (const task of command.tasks) {
        const isMeant = !this.#isWanted(task) || this.#cancelledTasks.has(task);
        this.require("cancelled", isMeant, () => `task ${task} is killed, and a run wants it`);
      }
    }
  }

  #isWanted(task: number): boolean {
    this.#goingOn ??= this.#runsGoingOn();
    for (const run of this.#goingOn) if (this.#needsNow(run, task)) return true;
    return false;
  }

  #needsNow(run: number, task: number): boolean {
    const again = this.#madeAgainFor.get(task);
    return again ? again.has(run) : this.#needs[run].has(task);
  }

  /** A task is done: what it runs is left to those that wanted it. */
  #leave(task: number): void {
    if (![...this.#parents.values()].includes(task)) return;
    this.#goingOn ??= this.#runsGoingOn();
    const wanting = [...this.#goingOn].filter((run) => this.#needsNow(run, task));
    this.#heirs.set(task, wanting);
  }

  /** Runs that are neither over nor cancelled. */
  #runsGoingOn(): Set<number> {
    const kept = new Set<number>();
    for (let before = -1; before < kept.size; ) {
      before = kept.size;
      this.#needs.forEach((_, run) => {
        if (kept.has(run) || this.#cancelled.has(run)) return;
        const parent = this.#parents.get(run);
        if (parent === undefined || this.#isKept(parent, kept)) kept.add(run);
      });
    }
    return new Set([...kept].filter((run) => !this.#ended.has(run)));
  }

  /** What a task runs goes with it, unless it is done: then it goes with the last of those that wanted the task. */
  #isKept(parent: number, runs: ReadonlySet<number>): boolean {
    if (this.#failed.has(parent)) return false;
    if (this.#settled.has(parent)) return this.#heirs.get(parent)?.some((run) => runs.has(run)) ?? false;
    for (const run of runs) if (!this.#ended.has(run) && this.#needsNow(run, parent)) return true;
    return false;
  }

  /** Whoever needs a task needs what it waits for from now on. */
  #hasMissed(task: number): void {
    const before = this.#below(task);
    const others = this.#lost.filter((each) => !before.includes(each));
    if (others.length === 0) return;
    this.#missed.set(task, new Set([...(this.#missed.get(task) ?? []), ...others]));
    this.#needs.forEach((needs, run) => {
      if (needs.has(task)) this.#need(run, others);
    });
    this.#goingOn = undefined;
  }

  /** What was done before is wanted again by those that missed it, or still need it for something else. */
  #reopened(task: number): void {
    const runs = new Set(this.#missedBy.get(task));
    for (const dependent of this.scene.driver.entries) {
      // What was found in the cache is not settled, and needs nothing either.
      if (this.#settled.has(dependent.task) || dependent.value !== undefined) continue;
      if (!this.#below(dependent.task).includes(task)) continue;
      this.#needs.forEach((needs, run) => {
        if (needs.has(dependent.task)) runs.add(run);
      });
    }
    this.#madeAgainFor.set(task, runs);
    this.#missedBy.delete(task);
    this.#failed.delete(task);
    this.#unwanted.delete(task);
    this.#blockedBy.delete(task);
    this.#settled.delete(task);
  }

  /** A run that was not cancelled is given no task that was. */
  override delivered(run: number, position: number, value: string | undefined): void {
    if (value !== undefined || this.#cancelled.has(run) || this.#latest === undefined) return;
    const isMeant = !this.#unwanted.has(this.#blockedBy.get(this.#latest) ?? this.#latest);
    this.require("cancelled", isMeant, () => `run ${run} is given task ${position} as cancelled, and it was not`);
  }

  /** What ends with one run is no answer to a task that runs it: another run may want that. */
  override told(missing: readonly number[]): void {
    for (const task of missing) {
      const root = this.#blockedBy.get(task) ?? task;
      const isMeant = this.#failed.has(root) && !this.#unwanted.has(root);
      this.require(
        "told",
        isMeant,
        () => `the parent of task ${task} is told that it was cancelled, and nobody meant it`,
      );
    }
  }

  #judge({ task, kind, why, blockedBy }: Command & { type: "settled" }): void {
    if (kind === "ok") return;
    this.#failed.set(task, kind);
    this.#latest = task;
    if (blockedBy !== undefined) this.#blockedBy.set(task, blockedBy);
    else if (why === "the run was cancelled" || (kind === "cancelled" && !this.#cancelledTasks.has(task))) {
      this.#unwanted.add(task);
    }
    if (why === "the run was cancelled") {
      this.require("cancelled", !this.#isWanted(task), () => `task ${task} is not retried, and a run wants it`);
    }
    if (blockedBy !== undefined) {
      this.require("blocked", this.#failed.has(blockedBy), () => `task ${task} is blocked by ${blockedBy}: not failed`);
    } else if (kind === "cancelled") {
      const isMeant = !this.#isWanted(task) || this.#cancelledTasks.has(task);
      this.require("cancelled", isMeant, () => `task ${task} is cancelled, and a run wants it`);
    } else {
      this.#needs.forEach((needs, run) => {
        if (this.#runs[run].failFast && needs.has(task)) this.#cancelled.add(run);
      });
    }
  }
}
