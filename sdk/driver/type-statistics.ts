import type { Scheduler } from "../core/scheduler.ts";
import type { LabPlan } from "../planning.ts";
import { readStatistics, writeStatistics } from "../stores/statistics.ts";
import type { Stores } from "../stores/stores.ts";
import type { RunState } from "./run-state.ts";

interface TypeStatisticsOptions {
  readonly stores: Stores;
  readonly namespace: string;
  readonly scheduler: Scheduler;
}

/** What runs measure of task types, from one run to the next. */
export class TypeStatistics {
  readonly #options: TypeStatisticsOptions;
  readonly #writing = new Set<Promise<void>>();

  constructor(options: TypeStatisticsOptions) {
    this.#options = options;
  }

  /** Takes in what earlier runs measured of task types that this lab has not run yet. */
  async recall({ tasks }: LabPlan): Promise<void> {
    const { stores, namespace, scheduler } = this.#options;
    const names = new Set(tasks.map(({ name }) => name));
    const unknown = [...names].filter((name) => scheduler.estimateMs(name) === undefined);
    if (unknown.length === 0) return;
    for (const { name, meanMs, tooSmall } of await readStatistics(stores.table, namespace, unknown)) {
      if (meanMs !== undefined) scheduler.learnDuration(name, meanMs);
      scheduler.sizing.recall(name, tooSmall);
    }
  }

  /** Keeps what a run measured for the next one. Not worth failing a run for. */
  record(run: RunState): void {
    const { stores, namespace, scheduler } = this.#options;
    for (const name of run.ranTypes) {
      const meanMs = scheduler.estimateMs(name);
      const deviationMs = scheduler.deviationMs(name);
      const tooSmall = scheduler.sizing.learned(name);
      const written = writeStatistics(stores.table, namespace, { name, meanMs, deviationMs, tooSmall }).catch(() => {});
      this.#writing.add(written);
      void written.then(() => this.#writing.delete(written));
    }
  }

  /** Resolves when everything that was recorded is written. */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }
}
