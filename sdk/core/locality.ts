import type { TaskTable } from "./task-table.ts";

/** Results from this size on are worth going where they are, in bytes. */
const LARGE_BYTES = 2 ** 20;
/** Results that an executor is believed to have: it keeps those that it used last. */
const BELIEVED = 16;

/** Which executors have loaded or made which large results: a task goes where most of its inputs are. */
export class Locality {
  /** Executors by task, and tasks by executor, those used last at the end. */
  readonly #executors = new Map<number, Set<string>>();
  readonly #results = new Map<string, Set<number>>();

  /** An executor has made the result of a task, and loaded its inputs for that. */
  ran(task: number, executor: string, tasks: TaskTable): void {
    if (tasks.resultBytes[task] >= LARGE_BYTES) this.#note(task, executor);
    tasks.forEachDependency(task, (input) => {
      if (tasks.resultBytes[input] >= LARGE_BYTES) this.#note(input, executor);
    });
  }

  #note(task: number, executor: string): void {
    const results = this.#results.get(executor) ?? new Set();
    this.#results.set(executor, results);
    results.delete(task);
    results.add(task);
    this.#executors.set(task, (this.#executors.get(task) ?? new Set()).add(executor));
    for (const oldest of results) {
      if (results.size <= BELIEVED) break;
      results.delete(oldest);
      this.#drop(oldest, executor);
    }
  }

  #drop(task: number, executor: string): void {
    const executors = this.#executors.get(task);
    if (executors?.delete(executor) && executors.size === 0) this.#executors.delete(task);
  }

  /** The executor is gone, with what it had. */
  forget(executor: string): void {
    for (const task of this.#results.get(executor) ?? []) this.#drop(task, executor);
    this.#results.delete(executor);
  }

  /** Of the executors that may take a task, the one that has most of its large inputs; undefined where none has any. */
  best(task: number, tasks: TaskTable, mayTake: (executor: string) => boolean): string | undefined {
    if (this.#executors.size === 0) return undefined;
    const had = new Map<string, number>();
    tasks.forEachDependency(task, (input) => {
      for (const executor of this.#executors.get(input) ?? []) {
        had.set(executor, (had.get(executor) ?? 0) + tasks.resultBytes[input]);
      }
    });
    let best: string | undefined;
    for (const [executor, bytes] of had) {
      if (bytes > (best === undefined ? 0 : (had.get(best) ?? 0)) && mayTake(executor)) best = executor;
    }
    return best;
  }
}
