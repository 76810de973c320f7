import { readFileSync } from "node:fs";
import { processesWith } from "./scripts.ts";

/** Memory of processes over time, as their proportional share of it (PSS), in MB. */
export class MemorySampler {
  readonly #mark: string;
  readonly #timer: NodeJS.Timeout;
  /** Highest of any one process. */
  peakOfOne = 0;
  /** Highest of all together. */
  peakOfAll = 0;

  /** @param mark Text in the environment of the processes to look at. */
  constructor(mark: string) {
    this.#mark = mark;
    this.#timer = setInterval(() => this.#sample(), 40);
  }

  #sample(): void {
    const sizes = processesWith(this.#mark).map(shareOf);
    this.peakOfOne = Math.max(this.peakOfOne, ...sizes);
    this.peakOfAll = Math.max(
      this.peakOfAll,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function shareOf(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
