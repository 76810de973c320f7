import { readdirSync, readFileSync } from "node:fs";

const EVERY_MS = 20;

/** Highest memory of processes while something is done, as their proportional share of it (PSS), in MB. */
export interface PeakMemory {
  readonly ofOne: number;
  readonly ofAll: number;
}

/**
 * Measures the processes that have a mark in their environment while something is done. Looking costs time, so
 * what is timed is not measured and what is measured is not timed.
 */
export async function peakMemory(mark: string, act: () => Promise<unknown>): Promise<PeakMemory> {
  let [ofOne, ofAll] = [0, 0];
  const timer = setInterval(() => {
    const sizes = readdirSync("/proc")
      .filter((name) => isMarked(name, mark))
      .map(shareOf);
    ofOne = Math.max(ofOne, ...sizes);
    ofAll = Math.max(
      ofAll,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  }, EVERY_MS);
  try {
    await act();
  } finally {
    clearInterval(timer);
  }
  return { ofOne, ofAll };
}

function isMarked(name: string, mark: string): boolean {
  try {
    return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, "latin1").includes(mark);
  } catch {
    return false;
  }
}

function shareOf(pid: string): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
