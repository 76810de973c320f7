import type { Scheduler } from "../core/scheduler.ts";
import type { LabPlan } from "../planning.ts";
import { readStatistics, writeStatistics } from "../stores/statistics.ts";
import type { Stores } from "../stores/stores.ts";
import type { RunState } from "./run-state.ts";

/** Of many short runs one after another all is written together, this often at most, in milliseconds. */
const WRITE_EVERY_MS = 200;

interface TypeStatisticsOptions {
  readonly stores: Stores;
  readonly namespace: string;
  readonly scheduler: Scheduler;
}

/** What runs measure of task types, from one run to the next. */
export class TypeStatistics {
  readonly #options: TypeStatisticsOptions;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: TypeStatisticsOptions) {
    this.#options = options;
  }

  /** Takes in what earlier runs measured of task types that this lab has not run yet. */
  async recall({ tasks }: LabPlan): Promise<void> {
    const { stores, namespace, scheduler } = this.#options;
    const names = new Set(tasks.map(({ name }) => name));
    const unknown = [...names].filter((name) => scheduler.estimateMs(name) === undefined);
    if (unknown.length === 0) return;
    for (const { name, meanMs, peakMemoryMb = 0, tooSmall } of await readStatistics(stores.table, namespace, unknown)) {
      if (meanMs !== undefined) scheduler.learnDuration(name, meanMs);
      scheduler.sizing.recall(name, tooSmall);
      scheduler.sizing.learnPeak(name, peakMemoryMb);
    }
  }

  /** Keeps what a run measured for the next one. */
  record(run: RunState): void {
    for (const name of run.ranTypes) this.#changed.add(name);
    if (this.#changed.size > 0) this.#timer ??= setTimeout(() => this.#write(), WRITE_EVERY_MS);
  }

  /** Resolves when everything that was recorded is written. */
  async written(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  /** Not worth failing a run for. */
  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { stores, namespace, scheduler } = this.#options;
    const written = [...this.#changed].map((name) => {
      const meanMs = scheduler.estimateMs(name);
      const deviationMs = scheduler.deviationMs(name);
      const tooSmall = scheduler.sizing.learned(name);
      const peakMemoryMb = scheduler.sizing.peakMemoryMb(name);
      const measured = { name, meanMs, deviationMs, peakMemoryMb, tooSmall };
      return writeStatistics(stores.table, namespace, measured).catch(() => {});
    });
    this.#changed.clear();
    this.#writing = Promise.all([this.#writing, ...written]);
  }
}
