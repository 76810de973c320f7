import type { FailureKind } from "../wire/outcome.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Lane } from "./offer.ts";
import type { Rungs } from "./rungs.ts";
import { tasksAtOnce } from "./side-by-side.ts";
import type { TaskKind } from "./task-facts.ts";
import type { TaskShape } from "./task-shape.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

interface ReadinessParts {
  readonly tasks: TaskTable;
  readonly shapes: readonly TaskShape[];
  readonly kinds: readonly TaskKind[];
  readonly rungs: Rungs;
  readonly lifecycle: Lifecycle;
  readonly dispatcher: Dispatcher;
  settleFailed(task: number, kind: FailureKind, why: string): void;
}

/** Which tasks may go to an executor, and which of them together. */
export class Readiness {
  readonly #parts: ReadinessParts;
  /** When tasks that wait before their next attempt may go; kept if they have to wait for an input meanwhile. */
  readonly #dueAt = new Map<number, number>();
  #now = 0;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** What time it is, from now on. */
  at(now: number): void {
    this.#now = now;
  }

  /** A task may not go earlier. */
  notBefore(task: number, dueAt: number): void {
    this.#dueAt.set(task, dueAt);
  }

  /** A task is settled, or made anew. */
  forget(task: number): void {
    this.#dueAt.delete(task);
  }

  /** A task is to go as soon as it may. */
  enqueue(task: number): void {
    const { dispatcher, lifecycle, rungs, settleFailed, tasks } = this.#parts;
    if (tasks.pending[task] > 0) {
      // An input was lost while an attempt was in flight: the next one has to wait for it.
      lifecycle.waitForInputs(task);
      return;
    }
    if (this.#isBackingOff(task)) {
      tasks.state[task] = TaskState.Backoff;
      return;
    }
    this.#dueAt.delete(task);
    rungs.growToFit(task);
    const lane = rungs.laneOf(task);
    if (lane === undefined) {
      // It was cached, so nobody minded that no executor here can run it; now its result is lost.
      settleFailed(task, "infeasible", "its stored result is lost, and no executor can run it");
      return;
    }
    const { uses } = rungs.shapeOf(task).placement;
    const grown = uses.memoryMb !== undefined && lane.memoryMb !== undefined;
    dispatcher.enqueue(task, lane, grown ? { ...uses, memoryMb: lane.memoryMb } : uses);
  }

  #isBackingOff(task: number): boolean {
    return this.#dueAt.size > 0 && (this.#dueAt.get(task) ?? 0) > this.#now;
  }

  /** Whether a task may go out with another: it needs the same executor, for the same run, and nothing speaks against it. */
  goesWith(task: number, first: number): boolean {
    const { rungs, tasks } = this.#parts;
    const { apart, depth, owner, shape } = tasks;
    if (apart[task] || depth[task] !== depth[first] || owner[task] !== owner[first]) return false;
    if (this.#isBackingOff(task)) return false;
    // How large its inputs will be is not known yet, and so not which sizes are too small.
    if (rungs.sizing.knows(rungs.shapeOf(task).type)) return false;
    if (rungs.laneOf(task)?.name !== rungs.laneOf(first)?.name) return false;
    return shape[task] === shape[first] || this.#isAlike(shape[task], shape[first]);
  }

  #isAlike(shape: number, other: number): boolean {
    const { kinds, shapes } = this.#parts;
    if (kinds[shape].alone) return false;
    const uses = Object.entries(shapes[shape].placement.uses);
    const others = shapes[other].placement.uses;
    return uses.length === Object.keys(others).length && uses.every(([name, amount]) => others[name] === amount);
  }

  /**
   * How many tasks of a shape an executor has at once. What may not be begun twice, and what waits for tasks of its own,
   * has its executor to itself.
   */
  atOnce(shape: number, lane: Lane): number {
    const { dispatcher, kinds, rungs, shapes } = this.#parts;
    const { alone, type } = kinds[shape];
    if (alone || dispatcher.seconds.isParent(type)) return 1;
    const { cpus = 1 } = shapes[shape];
    return tasksAtOnce(lane, { cpus, peakMemoryMb: rungs.sizing.peakMemoryMb(type) });
  }
}
