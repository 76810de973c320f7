import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import type { Lane } from "../../../sdk/core/offer.ts";
import { Check } from "./check.ts";

/** A size that failed for want of memory, for a task type and from some input size on. */
interface Known {
  readonly type: string;
  readonly sizeClass: number;
  readonly memoryMb: number;
}

const sizeClassOf = (bytes: number) => (bytes < 1 ? 0 : Math.floor(Math.log2(bytes)) + 1);

/** Sizes known to be too small are not tried again, by tasks like that, in this life or a later one. */
export class Sizes extends Check {
  readonly #known: Known[] = this.#recalled();

  /** What drivers before this one have written down. */
  #recalled(): Known[] {
    return [...this.scene.around.storage.sizing].flatMap(([type, known]) =>
      known.map(([sizeClass, memoryMb]) => ({ type, sizeClass, memoryMb })),
    );
  }

  override event(event: SchedulerEvent): void {
    const { ledger } = this.scene;
    if (event.type === "attempt-ended" && event.end.kind === "out-of-memory") {
      // What others had of the memory says nothing about the size.
      if (!event.end.crowded && ledger.awaits(event.assignment, event.task))
        this.#learn(event.task, ledger.get(event.assignment)?.lane);
    } else if (event.type === "assignment-failed" && event.end.kind === "out-of-memory") {
      const open = ledger.get(event.assignment);
      const [task] = open?.open ?? [];
      // One that waited for another of its assignment, whose result is lost by now, may not even have begun.
      const { pending } = this.scene.driver.scheduler.tasks;
      if (open?.open.size === 1 && open.atOnce === 1 && pending[task] === 0) this.#learn(task, open.lane);
    } else if (event.type === "executor-gone" && event.end?.kind === "out-of-memory") {
      const assignments = ledger.assignmentsOf(event.executor);
      if (assignments.some(({ atOnce }) => atOnce > 1)) return;
      const tasks = assignments.flatMap(({ open }) => [...open]);
      const culprit = event.end.culprit ?? (tasks.length === 1 ? tasks[0] : undefined);
      const lane = assignments.find(({ open }) => culprit !== undefined && open.has(culprit))?.lane;
      if (culprit !== undefined) this.#learn(culprit, lane);
    }
  }

  #learn(task: number, lane: Lane | undefined): void {
    if (lane?.memoryMb === undefined) return;
    this.#known.push({ type: this.specOf(task).type, sizeClass: this.#sizeClassOf(task), memoryMb: lane.memoryMb });
  }

  /** Of the params and all that they refer to. */
  #sizeClassOf(task: number): number {
    let bytes = this.specOf(task).paramBytes;
    // With those that it waited for since it had missed what they had put.
    this.scene.driver.scheduler.tasks.forEachDependency(task, (input) => {
      bytes += this.specOf(input).resultBytes;
    });
    return sizeClassOf(bytes);
  }

  override command(command: Command): void {
    if (command.type === "dispatch") for (const task of command.tasks) this.#dispatched(task, command.lane);
    else if (command.type === "joined") this.#dispatched(command.task, command.lane);
  }

  #dispatched(task: number, lane: Lane): void {
    const { memoryMb } = lane;
    if (memoryMb === undefined) return;
    const { type, demand } = this.specOf(task);
    const { placement } = this.scene.driver.scheduler.shapeOf(task);
    const asked = demand.memoryMb ?? 0;
    this.require("as asked", memoryMb >= asked, () => `task ${task} asked for ${asked} MB and is given ${memoryMb}`);
    const lanes = lane.spot ? placement.ladder : [...placement.ladder, ...placement.onDemandLadder];
    // Where there is nothing larger, the largest is tried as often as `maxOomRetries` allows.
    if (!lanes.some((other) => (other.memoryMb ?? 0) > memoryMb)) return;
    const sizeClass = this.#sizeClassOf(task);
    const known = this.#known.find(
      (each) => each.type === type && each.sizeClass <= sizeClass && each.memoryMb >= memoryMb,
    );
    this.require(
      "size",
      !known,
      () => `task ${task} (${type}) is given ${memoryMb} MB; ${known?.memoryMb} were too few`,
    );
  }
}
