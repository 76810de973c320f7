import { ceilingMs, ceilingUsd } from "./attempt-cost.ts";
import { DurationEstimate } from "./batch.ts";
import type { Lane } from "./offer.ts";
import type { TaskKind } from "./task-facts.ts";
import type { TaskTable } from "./task-table.ts";

/** What is expected of attempts, by what earlier ones of their types took. */
export class Estimates {
  readonly #tasks: TaskTable;
  readonly #kindOf: (shape: number) => TaskKind;
  readonly #byType = new Map<string, DurationEstimate>();

  constructor(tasks: TaskTable, kindOf: (shape: number) => TaskKind) {
    this.#tasks = tasks;
    this.#kindOf = kindOf;
  }

  /** How long attempts of a type take. */
  of(type: string): DurationEstimate {
    let estimate = this.#byType.get(type);
    if (!estimate) {
      estimate = new DurationEstimate();
      this.#byType.set(type, estimate);
    }
    return estimate;
  }

  /** How long those of tasks of a shape take. */
  ofShape(shape: number): DurationEstimate {
    return this.of(this.#kindOf(shape).type);
  }

  /** The most that an attempt of a task in a lane is expected to cost, in dollars. */
  ceilingUsd(task: number, lane: Lane): number {
    const { type, timeoutMs } = this.#kindOf(this.#tasks.shape[task]);
    const ms = ceilingMs(lane, this.of(type).cautiousMs, timeoutMs);
    return ceilingUsd(lane, ms, this.#tasks.paramBytes[task]);
  }
}
