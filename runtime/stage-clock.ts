import type { Usage } from "../sdk/wire/outcome.ts";
import { processCpuMs } from "./cpu-time.ts";

/** Times the stages of an attempt: load, run, store. */
export class StageClock {
  readonly #startedAt = Date.now();
  readonly #cpuMs = processCpuMs();
  readonly #marks = [performance.now()];

  next(): void {
    this.#marks.push(performance.now());
  }

  #stage(index: number): number {
    const start = this.#marks[index];
    if (start === undefined) return 0;
    return (this.#marks[index + 1] ?? performance.now()) - start;
  }

  get runMs(): number {
    return this.#stage(1);
  }

  usage(bytesIn: number, bytesOut: number, peakMemoryMb: number): Usage {
    return {
      startedAt: this.#startedAt,
      endedAt: Date.now(),
      loadMs: this.#stage(0),
      runMs: this.#stage(1),
      storeMs: this.#stage(2),
      cpuMs: processCpuMs() - this.#cpuMs,
      peakMemoryMb,
      bytesIn,
      bytesOut,
    };
  }
}
