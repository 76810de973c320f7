import { attemptUsd } from "../../../sdk/core/attempt-cost.ts";
import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import { TaskState } from "../../../sdk/core/task-table.ts";
import { Check } from "./check.ts";

/** Second attempts: only beside a straggler, where they take nothing from others; and one outcome of two. */
export class Seconds extends Check {
  /** Results of each type so far. */
  readonly #done = new Map<string, number>();
  readonly #begunAt = new Map<number, number>();
  /** The shortest of each type so far, in milliseconds. */
  readonly #shortest = new Map<string, number>();
  #spentUsd = 0;
  #onSecondsUsd = 0;
  readonly #parents = new Set<string>();

  override nested(_run: number, parent: number): void {
    this.#parents.add(this.specOf(parent).type);
  }

  override event(event: SchedulerEvent): void {
    if (event.type === "charged") this.#spentUsd += event.usd;
    if (event.type !== "attempt-ended" || !("durationMs" in event.end)) return;
    const { type } = this.specOf(event.task);
    this.#done.set(type, (this.#done.get(type) ?? 0) + 1);
    const { durationMs } = event.end;
    this.#shortest.set(type, Math.min(this.#shortest.get(type) ?? durationMs, durationMs));
  }

  override command(command: Command): void {
    switch (command.type) {
      case "dispatch":
        this.#begunAt.set(command.assignment, this.scene.around.agenda.now);
        if (command.beside !== undefined) this.#second(command);
        else for (const task of command.tasks) this.#mustBeAlone(task, "is dispatched");
        break;
      case "joined":
        this.#mustBeAlone(command.task, "is gone on with");
        break;
      case "retry":
        this.#mustBeAlone(command.task, "is tried again");
        break;
      case "settled":
        this.#mustBeAlone(command.task, "is settled");
        break;
      case "goes-on": {
        const others = this.scene.ledger.openOf(command.task).length;
        this.require("one of two", others === 1, () => `${others} attempts of task ${command.task} go on`);
        break;
      }
      default:
    }
  }

  #mustBeAlone(task: number, what: string): void {
    const open = this.scene.ledger.openOf(task).length;
    this.require("one of two", open === 0, () => `task ${task} ${what}, and ${open} attempts of it are in flight`);
  }

  #second({ assignment, tasks, lane, executor }: Command & { type: "dispatch" }): void {
    const { around, driver, ledger } = this.scene;
    const [task] = tasks;
    const { type, policy } = this.specOf(task);
    const firsts = ledger.openOf(task);
    const [first] = firsts;
    const rule = around.scenario.speculation;
    const what = `assignment ${assignment}, a second attempt of task ${task}`;
    this.require("two at most", firsts.length === 1, () => `${what} is beside ${firsts.length} others`);
    this.require("speculation", rule !== undefined && policy.maxRetries > 0, () => `${what} must not be`);
    const isElsewhere = executor === undefined || firsts.every((each) => each.executor !== executor);
    this.require("another executor", isElsewhere, () => `${what} is on the executor of the first`);
    this.require("not twice", !this.#parents.has(type), () => `${what} would run tasks a second time`);
    const tookMs = around.agenda.now - (this.#begunAt.get(first?.id ?? -1) ?? 0);
    const floorMs = lane.service === "local" ? 1_000 : 5_000;
    this.require("straggler", tookMs >= floorMs, () => `${what} comes after ${tookMs} ms`);
    const known = this.#done.get(type) ?? 0;
    this.require("straggler", known >= (rule?.minDone ?? 0), () => `${what}: ${known} others are known`);
    this.#onSecondsUsd += attemptUsd(lane, this.#shortest.get(type) ?? 0, 0);
    const isCheap = this.#onSecondsUsd <= 0.1 * this.#spentUsd + 1e-12;
    this.require("cheap", isCheap, () => `${what}: ${this.#onSecondsUsd} of ${this.#spentUsd} dollars`);
    driver.entries.forEach((_, other) => {
      if (driver.scheduler.tasks.state[other] !== TaskState.Ready) return;
      const isWaiting = driver.scheduler.laneOf(other).group === lane.group;
      this.require("takes nothing", !isWaiting, () => `${what}, and task ${other} waits for ${lane.group}`);
    });
  }
}
