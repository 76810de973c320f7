import type { Assignment } from "./assignments.ts";
import type { Lane } from "./offer.ts";
import { Sizing } from "./sizing.ts";
import type { TaskShape } from "./task-shape.ts";
import type { TaskTable } from "./task-table.ts";

/** Where tasks stand on their ladders: which lane each is in, or will be in next. */
export class Rungs {
  /** What is known of the memory that tasks of each type need. */
  readonly sizing = new Sizing();
  readonly #tasks: TaskTable;
  readonly #shapes: readonly TaskShape[];

  constructor(tasks: TaskTable, shapes: readonly TaskShape[]) {
    this.#tasks = tasks;
    this.#shapes = shapes;
  }

  shapeOf(task: number): TaskShape {
    return this.#shapes[this.#tasks.shape[task]];
  }

  ladderOf(task: number): readonly Lane[] {
    const { ladder, onDemandLadder } = this.shapeOf(task).placement;
    return this.#tasks.onDemand[task] ? onDemandLadder : ladder;
  }

  /** The lane a task is in, or will be in next. */
  laneOf(task: number): Lane {
    return this.ladderOf(task)[this.#tasks.rung[task]] as Lane;
  }

  /** Puts a task where an earlier driver had it; false where there is no such lane for it. */
  placeIn(task: number, lane: string): boolean {
    const { ladder, onDemandLadder } = this.shapeOf(task).placement;
    const rung = ladder.findIndex(({ name }) => name === lane);
    const onDemandRung = onDemandLadder.findIndex(({ name }) => name === lane);
    if (rung < 0 && onDemandRung < 0) return false;
    this.#tasks.onDemand[task] = rung < 0 ? 1 : 0;
    this.#tasks.rung[task] = rung < 0 ? onDemandRung : rung;
    return true;
  }

  /** Moves a task up to the first size that is not known to be too small for it; at most to the largest. */
  growToFit(task: number): void {
    const { type } = this.shapeOf(task);
    if (!this.sizing.knows(type)) return;
    const tooSmallMb = this.sizing.tooSmallFor(type, this.#tasks.inputBytes(task));
    if (tooSmallMb === 0) return;
    const ladder = this.ladderOf(task);
    while (this.#tasks.rung[task] + 1 < ladder.length && (ladder[this.#tasks.rung[task]].memoryMb ?? 0) <= tooSmallMb) {
      this.#tasks.rung[task] += 1;
    }
  }

  /** The same size on capacity that is not taken away. */
  leaveSpot(task: number): void {
    const { onDemandLadder } = this.shapeOf(task).placement;
    const memoryMb = this.laneOf(task).memoryMb ?? 0;
    const at = onDemandLadder.findIndex((lane) => (lane.memoryMb ?? 0) >= memoryMb);
    this.#tasks.onDemand[task] = 1;
    this.#tasks.rung[task] = at >= 0 ? at : onDemandLadder.length - 1;
  }

  /** Whether others of its kind have run out of memory since where an attempt is. */
  isTooSmall({ lane, tasks: [task] }: Assignment): boolean {
    const { type } = this.shapeOf(task);
    if (!this.sizing.knows(type)) return false;
    return (lane.memoryMb ?? Number.POSITIVE_INFINITY) <= this.sizing.tooSmallFor(type, this.#tasks.inputBytes(task));
  }
}
