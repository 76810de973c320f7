import { deleteChildFailures, readChildFailures, writeChildFailure } from "../stores/child-failures.ts";
import type { Stores } from "../stores/stores.ts";
import type { ChildFailure } from "../wire/nested.ts";
import type { RunState } from "./run-state.ts";

interface KeptFailuresOptions {
  readonly stores: Stores;
  readonly namespace: string;
  /** Resolves when it is known whose the runs are: a driver that was replaced writes nothing. */
  certain(): Promise<void>;
}

/** What failed for one task that runs tasks. */
interface Kept {
  /** Of earlier drivers, by cache key. */
  readonly inherited: Map<string, ChildFailure>;
  /** Cache keys of all that is in the table. */
  readonly children: Set<string>;
  /** Writes for one task go one after another. */
  writing: Promise<void>;
}

/**
 * Why tasks failed that other tasks run, for the next driver of the run: it makes the tasks that run them again, and
 * is not to try again what has failed for them. A failure is kept before the task that waits is told of it.
 */
export class KeptFailures {
  readonly #options: KeptFailuresOptions;
  readonly #byRun = new WeakMap<RunState, Map<string, Kept>>();

  constructor(options: KeptFailuresOptions) {
    this.#options = options;
  }

  /** A run has had other drivers: what failed with them counts. */
  async recall(runId: string): Promise<ReadonlyMap<string, Kept>> {
    const { stores, namespace } = this.#options;
    const byParent = new Map<string, Kept>();
    for (const { parent, failure } of await readChildFailures(stores, namespace, runId)) {
      const kept = keptIn(byParent, parent);
      kept.inherited.set(failure.key, failure);
      kept.children.add(failure.key);
    }
    return byParent;
  }

  begin(run: RunState, recalled: ReadonlyMap<string, Kept>): void {
    this.#byRun.set(run, new Map(recalled));
  }

  /**
   * What failed with earlier drivers for the attempt that was given up with them. It is told once: whoever asks again
   * has it tried again.
   */
  inherit(run: RunState, parent: string, child: string): ChildFailure | undefined {
    const inherited = this.#byRun.get(run)?.get(parent)?.inherited;
    const failure = inherited?.get(child);
    inherited?.delete(child);
    return failure;
  }

  /** A task has failed for one that runs it. */
  keep(run: RunState, parent: string, failure: ChildFailure): void {
    const { stores, namespace } = this.#options;
    const kept = this.#of(run, parent);
    if (kept.children.has(failure.key)) return;
    kept.children.add(failure.key);
    this.#write(run, kept, () => writeChildFailure(stores, namespace, run.id, { parent, failure }));
  }

  /** Resolves when everything is kept that failed for a task; undefined where nothing did. */
  written(run: RunState, parent: string): Promise<void> | undefined {
    return this.#byRun.get(run)?.get(parent)?.writing;
  }

  /** What failed for a task is to be tried again, or it has ended. */
  forget(run: RunState, parent: string): void {
    const { stores, namespace } = this.#options;
    const kept = this.#byRun.get(run)?.get(parent);
    if (!kept || kept.children.size === 0) return;
    const children = [...kept.children];
    kept.children.clear();
    kept.inherited.clear();
    this.#write(run, kept, () => deleteChildFailures(stores, namespace, run.id, parent, children));
  }

  #of(run: RunState, parent: string): Kept {
    let byParent = this.#byRun.get(run);
    if (!byParent) {
      byParent = new Map();
      this.#byRun.set(run, byParent);
    }
    return keptIn(byParent, parent);
  }

  #write(run: RunState, kept: Kept, write: () => Promise<void>): void {
    kept.writing = kept.writing
      .then(() => this.#options.certain())
      // Without it, it is tried again by the next driver: that costs something, and is not wrong.
      .then(() => (run.lost ? undefined : write()))
      .catch(() => {});
  }
}

function keptIn(byParent: Map<string, Kept>, parent: string): Kept {
  let kept = byParent.get(parent);
  if (!kept) {
    kept = { inherited: new Map(), children: new Set(), writing: Promise.resolve() };
    byParent.set(parent, kept);
  }
  return kept;
}
