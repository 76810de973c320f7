import type { FanIn } from "../wire/fan-in.ts";
import type { BatchOptions } from "./batch.ts";
import { chainFrom } from "./chain.ts";
import { fanInsAfter } from "./fan-ins.ts";
import type { TaskTable } from "./task-table.ts";

/** What has to be known to tell which tasks go along with others. */
interface Known {
  /** Whether a task that waits may go out with one that is about to, as far as the two go. */
  goesWith(task: number, first: number): boolean;
  /** How long a task is counted with, in milliseconds; undefined while that is not known. */
  cautiousMs(task: number): number | undefined;
  /** Whether tasks like this one run tasks. */
  isParent(task: number): boolean;
  /** Whether what the task's run may cost is bounded. */
  isBounded(task: number): boolean;
  /** Fan-ins that the executor of a running task was told of. */
  fanInsOf(running: number): readonly number[];
}

/** Chooses what the executor of a dispatch goes on with by itself. */
export class FollowUps {
  readonly #tasks: TaskTable;
  readonly #batch: BatchOptions;
  readonly #known: Known;

  constructor(tasks: TaskTable, batch: BatchOptions, known: Known) {
    this.#tasks = tasks;
    this.#batch = batch;
    this.#known = known;
  }

  /** What needs nothing but these. @param takers Executors that could share it. */
  chainAfter(first: readonly number[], takers: number): number[] {
    const costMs = (task: number) => this.#costMs(task, first[0]);
    return chainFrom(first, this.#tasks, { batch: this.#batch, takers, costMs });
  }

  /**
   * What others have a part of, too: whoever brings the last of it goes on.
   *
   * @param allGoOut All that is ready goes out at this moment.
   */
  fanInsAfter(within: readonly number[], allGoOut: boolean): FanIn[] {
    const { fanIns, targetMs } = this.#batch;
    // What nobody has decided yet cannot be paid for in advance.
    if (!fanIns || this.#known.isBounded(within[0])) return [];
    const chosen = fanInsAfter(within, this.#tasks, {
      targetMs,
      allGoOut,
      costMs: (task) => (this.#known.isParent(task) ? undefined : this.#costMs(task, within[0])),
      isKnownTo: (running, fanIn) => this.#known.fanInsOf(running).includes(fanIn),
    });
    return chosen.map((task) => ({ task, attempt: this.#tasks.attempt[task] + 1 }));
  }

  /** How long a task is counted with behind others; undefined where it may not go with the first of them. */
  #costMs(task: number, first: number): number | undefined {
    return this.#known.goesWith(task, first) ? this.#known.cautiousMs(task) : undefined;
  }
}
