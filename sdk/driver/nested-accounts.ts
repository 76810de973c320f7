import { LabError } from "../errors.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Bounds on what tasks may run. */
export interface NestingLimits {
  /** How deep tasks may run tasks that run tasks. */
  readonly maxDepth: number;
  /** How many tasks one attempt may run. */
  readonly maxTasks: number;
}

/** What a task's attempts have run so far. */
export interface Account {
  /** The attempt that `tasks` counts for. */
  assignment: string;
  tasks: number;
  /** Runs of the scheduler that were opened by any of its attempts. */
  readonly runs: number[];
  /** Those of them that an attempt waited for until it was suspended. */
  kept: readonly number[];
}

/** What tasks have run, by the index of the task in the scheduler, and whether they may run more. */
export class NestedAccounts {
  readonly #limits: NestingLimits;
  readonly #accounts = new Map<number, Account>();

  constructor(limits: NestingLimits) {
    this.#limits = limits;
  }

  has(task: number): boolean {
    return this.#accounts.has(task);
  }

  get(task: number): Account | undefined {
    return this.#accounts.get(task);
  }

  of(task: number): Account {
    let account = this.#accounts.get(task);
    if (!account) {
      account = { assignment: "", tasks: 0, runs: [], kept: [] };
      this.#accounts.set(task, account);
    }
    return account;
  }

  delete(task: number): void {
    this.#accounts.delete(task);
  }

  /**
   * An attempt of a task wants to run so many more.
   *
   * @param depth How deep the tasks would be.
   * @throws LabError when that is too deep, or too many.
   */
  charge(parent: TaskEntry, assignment: string, count: number, depth: number): void {
    const { maxDepth, maxTasks } = this.#limits;
    const { task } = parent.planned;
    if (depth > maxDepth) {
      throw new LabError(
        "too-deep",
        `${task} is ${depth - 1} tasks deep, and may run no tasks of its own: maxNestedDepth is ` +
          `${maxDepth}. Give the lab a larger one, or let the recursion end sooner`,
      );
    }
    const account = this.of(parent.task);
    if (account.assignment !== assignment) account.tasks = 0;
    account.assignment = assignment;
    account.tasks += count;
    if (account.tasks > maxTasks) {
      throw new LabError(
        "too-many-tasks",
        `${task} wants to run ${account.tasks} tasks: maxNestedTasks is ${maxTasks}. ` +
          "Give the lab a larger one, or let each task do more",
      );
    }
  }
}
