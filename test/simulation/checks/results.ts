import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import type { ScenarioRun } from "../scenario.ts";
import { Storage } from "../storage.ts";
import { Check } from "./check.ts";

/** One outcome for each task, none lost, none wrong, and no work before its inputs or twice. */
export class Results extends Check {
  readonly #settled = new Map<number, "ok" | "failed">();
  /** Tasks whose results are known to be there. */
  readonly #done = new Set<number>();
  /** Runs that have ended, and tasks delivered to each. */
  readonly #ended = new Set<number>();
  readonly #delivered = new Map<string, number>();
  readonly #runs: ScenarioRun[] = [];
  /** Inputs that the attempt in question could not load. */
  #missed: readonly number[] = [];
  #retriedForInputs: number | undefined;
  /** What tasks have missed that was none of their inputs: it has to be there before they go again. */
  readonly #awaited = new Map<number, readonly number[]>();

  override opened(run: number, wanted: ScenarioRun): void {
    this.#runs[run] = wanted;
    this.#noteFound();
  }

  override nested(): void {
    this.#noteFound();
  }

  #noteFound(): void {
    this.scene.driver.entries.forEach(({ value }, task) => {
      if (value) this.#done.add(task);
    });
  }

  override event(event: SchedulerEvent): void {
    this.#missed = event.type === "attempt-ended" && "lost" in event.end ? (event.end.lost ?? []) : [];
  }

  override afterStep(): void {
    const retried = this.#retriedForInputs;
    this.#retriedForInputs = undefined;
    // One whose other inputs have failed for good needs nothing any more.
    if (retried === undefined || this.#settled.has(retried)) return;
    for (const task of this.#missed) {
      this.require("made again", !this.#done.has(task), () => `task ${task} is lost, and nobody makes it again`);
    }
  }

  override command(command: Command): void {
    switch (command.type) {
      case "retry":
        if (command.kind === "object-lost") this.#missedBy(command.task);
        break;
      case "dispatch":
        command.tasks.forEach((task, at) => {
          this.#dispatched(task, command.tasks.slice(0, at));
        });
        break;
      case "joined":
        this.#joined(command.task);
        break;
      case "settled": {
        const { task, kind } = command;
        this.require("one outcome", !this.#settled.has(task), () => `task ${task} is settled again, as ${kind}`);
        this.#settled.set(task, kind === "ok" ? "ok" : "failed");
        if (kind !== "ok") break;
        this.#done.add(task);
        const record = this.scene.around.storage.records.get(this.positionOf(task));
        const isThere = record !== undefined || this.scene.around.storage.heldBack.has(this.positionOf(task));
        this.require("nothing lost", isThere, () => `task ${task} is done, and nothing is committed`);
        break;
      }
      case "reopened":
        this.#settled.delete(command.task);
        this.#done.delete(command.task);
        break;
      case "run-ended":
        this.#ended.add(command.run);
        break;
      default:
    }
  }

  #missedBy(task: number): void {
    this.#retriedForInputs = task;
    const inputs = this.scene.driver.entries[task].dependencies.map((each) => each.task);
    this.#awaited.set(
      task,
      this.#missed.filter((each) => !inputs.includes(each)),
    );
  }

  #dispatched(task: number, before: readonly number[]): void {
    const what = () => `task ${task}`;
    this.require("nothing twice", !this.#done.has(task), () => `${what()} is dispatched, and its result is there`);
    this.require("one outcome", !this.#settled.has(task), () => `${what()} is dispatched, and it is settled`);
    for (const producer of this.#awaited.get(task) ?? []) {
      const isThere = this.#done.has(producer);
      this.require("inputs first", isThere, () => `${what()} is dispatched before ${producer}, which it has missed`);
    }
    this.#awaited.delete(task);
    for (const { task: dependency } of this.scene.driver.entries[task].dependencies) {
      const isFirst = this.#done.has(dependency) || before.includes(dependency);
      this.require("inputs first", isFirst, () => `${what()} is dispatched before ${dependency}`);
    }
  }

  /** Its inputs are there, whatever the driver knows of that. */
  #joined(task: number): void {
    const what = () => `task ${task}`;
    this.require("nothing twice", !this.#done.has(task), () => `${what()} is gone on with, and its result is there`);
    this.require("one outcome", !this.#settled.has(task), () => `${what()} is gone on with, and it is settled`);
    const { heldBack, records } = this.scene.around.storage;
    for (const { planned } of this.scene.driver.entries[task].dependencies) {
      // What was done and not stored may be missed by it, and is made again then.
      const isThere = records.has(Number(planned.key)) || heldBack.has(Number(planned.key));
      this.require("inputs first", isThere, () => `${what()} is gone on with before ${planned.key} is there`);
    }
  }

  override delivered(run: number, position: number, value: string | undefined): void {
    const name = `${run}/${position}`;
    this.#delivered.set(name, (this.#delivered.get(name) ?? 0) + 1);
    if (value !== undefined) this.#verify(position, value);
  }

  /** A result is right if it was committed, and computed from inputs that are right. */
  #verify(position: number, value: string, seen = new Set<string>()): void {
    if (seen.has(value)) return;
    seen.add(value);
    const { scenario, storage } = this.scene.around;
    const task = scenario.tasks[position];
    const record = storage.past.get(value);
    this.require("nothing wrong", record !== undefined, () => `task ${position} gave ${value}, never committed`);
    if (!record) return;
    const [, execution] = /^\d+\.(\d+)\(/.exec(value) ?? [];
    const right = Storage.valueOf(task, record.inputs, Number(execution ?? 0));
    this.require("nothing wrong", value === right, () => `task ${position} gave ${value} instead of ${right}`);
    record.inputs.forEach((input, at) => {
      this.#verify([...task.dependencies, ...task.children][at], input, seen);
    });
  }

  override atEnd(): void {
    this.#runs.forEach((run, index) => {
      this.require("every run ends", this.#ended.has(index), () => `run ${index} has not ended`);
      for (const target of run.targets) {
        const times = this.#delivered.get(`${index}/${target}`) ?? 0;
        this.require("one outcome", times === 1, () => `run ${index} was given task ${target} ${times} times`);
      }
    });
  }
}
