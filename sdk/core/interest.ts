import type { Nesting } from "./nesting.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

/** A run, as far as it waits for tasks. */
export interface RunState {
  readonly failFast: boolean;
  /** Tasks the run waits for that are not settled. */
  unsettled: number;
  /** Cancelled: what is still in flight may finish, nothing is tried again. */
  draining: boolean;
  /** It was cancelled since nobody wanted the task any more whose attempt has opened it. */
  orphaned: boolean;
  /** Tasks of it have no result for that reason: what became of it is none of the attempt's business. */
  cut: boolean;
  ended: boolean;
  readonly depth: number;
  /** Tasks it has waited for; only of nested runs, which are many and small. */
  readonly members: number[] | undefined;
}

/** Which runs wait for which tasks. A task has an owner, whose account it is on; others may wait for it as well. */
export class Interest {
  readonly runs: RunState[] = [];
  readonly #tasks: TaskTable;
  readonly #nesting: Nesting;
  /** Runs beside its owner that wait for a task; most tasks have none. */
  readonly #alsoWanted = new Map<number, number[]>();

  constructor(tasks: TaskTable, nesting: Nesting) {
    this.#tasks = tasks;
    this.#nesting = nesting;
  }

  addRun(failFast: boolean, parent: number | undefined): number {
    const depth = parent === undefined ? 0 : this.#tasks.depth[parent] + 1;
    const members = parent === undefined ? undefined : [];
    const state = {
      failFast,
      unsettled: 0,
      draining: false,
      orphaned: false,
      cut: false,
      ended: false,
      depth,
      members,
    };
    return this.runs.push(state) - 1;
  }

  /** The task's owner waits for it. */
  want(run: number, task: number): void {
    const state = this.runs[run];
    state.unsettled += 1;
    state.ended = false;
    state.members?.push(task);
    this.#tasks.depth[task] = Math.max(this.#tasks.depth[task], state.depth);
  }

  /** A run waits for a task that another one owns. */
  wantToo(run: number, task: number): void {
    this.want(run, task);
    this.#alsoWanted.set(task, [...(this.#alsoWanted.get(task) ?? []), run]);
  }

  /** Takes a run's wish for a task back; true where no other run waits for the task. */
  leave(run: number, task: number): boolean {
    const remaining = this.runsOf(task).filter((other) => other !== run);
    if (remaining.length === 0) return true;
    this.#tasks.owner[task] = remaining[0];
    if (remaining.length > 1) this.#alsoWanted.set(task, remaining.slice(1));
    else this.#alsoWanted.delete(task);
    this.runs[run].unsettled -= 1;
    this.noteMissing(run);
    return false;
  }

  /**
   * A task is settled: nobody waits for it any more.
   *
   * @returns Who did; each has one task less to wait for.
   */
  settled(task: number): readonly number[] {
    const runs = this.runsOf(task);
    this.#alsoWanted.delete(task);
    return runs;
  }

  /** A run will not have a task's result. */
  noteMissing(run: number): void {
    const state = this.runs[run];
    state.cut ||= state.orphaned;
  }

  /** Runs that wait for a task that is not settled. */
  runsOf(task: number): readonly number[] {
    const others = this.#alsoWanted.get(task);
    return others ? [this.#tasks.owner[task], ...others] : [this.#tasks.owner[task]];
  }

  /** Whether some run goes on that waits for the task. */
  isWantedByOneThatGoesOn(task: number): boolean {
    return this.runsOf(task).some((run) => !this.runs[run].draining);
  }

  /** Whether a run waits for the task: not for one that is settled, or skipped, or only others' concern. */
  isWantedBy(run: number, task: number): boolean {
    if (this.#tasks.isSettled(task) || this.#tasks.state[task] === TaskState.Skipped) return false;
    return this.runsOf(task).includes(run);
  }

  /** Whether a run wants a task that counts, and is not one that the task itself runs, at any distance. */
  isWanted(task: number, counts: (run: RunState) => boolean, seen = new Set([task])): boolean {
    return this.runsOf(task).some((run) => {
      if (!counts(this.runs[run])) return false;
      const parent = this.#nesting.parentOf(run);
      if (parent === undefined || this.#tasks.isSettled(parent)) return true;
      if (seen.has(parent)) return false;
      seen.add(parent);
      return this.isWanted(parent, counts, seen);
    });
  }

  /** Tasks that a run waits for. */
  unsettledOf(run: number): number[] {
    const { members } = this.runs[run];
    if (members) return members.filter((task) => this.isWantedBy(run, task));
    const found: number[] = [];
    for (let task = 0; task < this.#tasks.count; task++) if (this.isWantedBy(run, task)) found.push(task);
    return found;
  }
}
