import { TaskState, type TaskTable } from "../core/task-table.ts";
import type { LabPlan } from "../planning.ts";
import type { Task } from "../task.ts";
import { toRunAgain } from "./lineage.ts";
import type { RunBook } from "./run-book.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** A task that is known by its stored result, and what it depends on. */
export interface RebuiltTask {
  readonly task: Task<unknown>;
  readonly plan: LabPlan;
}

interface RemakingOptions {
  readonly book: RunBook;
  readonly tasks: Pick<TaskTable, "state" | "unwanted">;
  /** Finds a task by its cache key; undefined where nothing is stored of it. Rejects where its code is not here. */
  rebuild(key: string): Promise<RebuiltTask | undefined>;
  /** Begins a run of it although its result is stored, which may cost no more than what another run has left. */
  start(rebuilt: RebuiltTask, within: RunState): Promise<RunState>;
  /** Nobody needs a run any more that was begun here. */
  cancel(run: RunState): void;
  notice(text: string): void;
}

/**
 * Tasks that run again since attempts of others have missed what they had put. Those that are part of a run here
 * are opened again there. Others were forgotten with their run, found in the cache, or run by another lab: these are
 * read from the store, and have a run of their own, as when `lab.get` misses something.
 */
export class Remaking {
  readonly #options: RemakingOptions;
  readonly #begun = new Map<string, Promise<TaskEntry | Error | undefined>>();

  constructor(options: RemakingOptions) {
    this.#options = options;
  }

  /** Whether some of these tasks, by their cache keys, are part of no run here, so that one has to begin. */
  isNeeded(entry: TaskEntry, producers: readonly string[]): boolean {
    return this.#unknownOf(entry, producers).length > 0;
  }

  /**
   * Has those run again that are part of no run here, as far as that can be.
   *
   * @returns When they are part of one: why others cannot run again, as far as there is something to say.
   */
  async begin(entry: TaskEntry, producers: readonly string[]): Promise<readonly string[]> {
    const reasons = await Promise.all(
      this.#unknownOf(entry, producers).map(async (key) => {
        const producer = await this.#runOf(key, entry);
        if (producer instanceof Error) return [producer.message];
        if (producer) this.#note(entry, key, producer);
        return [];
      }),
    );
    return reasons.flat();
  }

  /**
   * Which tasks have to run again for an attempt that has missed what these have put. Those that follow it are told
   * where it lies then.
   */
  forAttempt(entry: TaskEntry, producers: readonly string[]): readonly TaskEntry[] {
    const again = toRunAgain(entry, producers, (key) => this.#known(entry, key));
    for (const key of producers) {
      const producer = again.find(({ planned }) => planned.key === key) ?? this.#known(entry, key);
      if (producer) this.#note(entry, key, producer);
    }
    return again;
  }

  /** Resolves when no run is about to begin. */
  async idle(): Promise<void> {
    await Promise.all(this.#begun.values());
  }

  #note(entry: TaskEntry, key: string, producer: TaskEntry): void {
    entry.remade ??= new Map();
    entry.remade.set(key, producer);
  }

  #unknownOf(entry: TaskEntry, producers: readonly string[]): readonly string[] {
    const unknown = producers.filter((key) => !this.#known(entry, key));
    if (unknown.length === 0) return unknown;
    const inputs = new Set(toRunAgain(entry, unknown, () => undefined).map(({ planned }) => planned.key));
    return unknown.filter((key) => !inputs.has(key));
  }

  /** By the code as it is now, a task that was rebuilt may have another key. */
  #known(entry: TaskEntry, key: string): TaskEntry | undefined {
    const known = this.#options.book.byKey.get(key);
    if (known && this.#isUsable(known)) return known;
    const rebuilt = entry.remade?.get(key);
    return rebuilt && this.#isUsable(rebuilt) ? rebuilt : undefined;
  }

  /** It was not forgotten since, and did not fail, or only since nobody wanted it: then it is opened again. */
  #isUsable(entry: TaskEntry): boolean {
    const { book, tasks } = this.#options;
    const { task } = entry;
    return book.entries[task] === entry && (tasks.state[task] !== TaskState.Failed || tasks.unwanted[task] === 1);
  }

  /** Several attempts may miss what one task has put. */
  async #runOf(key: string, entry: TaskEntry): Promise<TaskEntry | Error | undefined> {
    for (let going = this.#begun.get(key); going; ) {
      const begun = await going;
      if (begun && !(begun instanceof Error) && this.#isUsable(begun)) return begun;
      // Another attempt may have found that before, and begun anew.
      const latest = this.#begun.get(key);
      if (latest === going) break;
      going = latest;
    }
    const beginning = this.#begin(key, this.#options.book.runOf(entry)).catch((error: Error) => error);
    this.#begun.set(key, beginning);
    return beginning;
  }

  async #begin(key: string, within: RunState): Promise<TaskEntry | undefined> {
    const { cancel, notice, rebuild, start } = this.#options;
    const rebuilt = await rebuild(key);
    if (!rebuilt || within.isOver) return undefined;
    const run = await start(rebuilt, within);
    notice(`what ${rebuilt.task} has put is lost: it runs again, in run ${run.id}`);
    void within.ended.then(() => cancel(run));
    // The lab may be about to be closed.
    if (within.isOver) await run.ended;
    return run.targets[0];
  }
}
