import { readFileSync } from "node:fs";
import type { LiveUsage } from "../sdk/wire/live-usage.ts";
import type { Mark } from "./mark.ts";
import { treeMemory } from "./memory.ts";
import { processTree } from "./process-tree.ts";

/** Of `/proc/…/stat`; Linux reports to programs in hundredths of a second whatever its own clock is. */
const MS_PER_TICK = 10;

/** CPU time of a process and of everything it started and that still runs, in milliseconds. */
function treeCpuMs(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      // The name stands in brackets and may hold anything; what is counted comes after it.
      const [user, system] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13);
      ticks += Number(user) + Number(system);
    } catch {
      // It ended in the meantime.
    }
  }
  return ticks * MS_PER_TICK;
}

/** Looks from the outside at what an executor process uses, so that it does not have to answer. */
export class UsageMeter {
  readonly #pid: number;
  #attempt = "";
  #peakMemoryMb = 0;
  #lastCpuMs: number | undefined;
  #lastAt = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Notes memory that somebody else has looked at, and from where on CPU time counts for a new attempt. */
  note({ task, since }: Mark, memoryBytes: number, now: number): void {
    const isNew = this.#isNew(`${task}/${since}`);
    const memoryMb = Math.round(memoryBytes / 2 ** 20);
    this.#peakMemoryMb = isNew ? memoryMb : Math.max(this.#peakMemoryMb, memoryMb);
    if (isNew) this.#cpuPercent(now);
  }

  #isNew(attempt: string): boolean {
    const isNew = attempt !== this.#attempt;
    this.#attempt = attempt;
    return isNew;
  }

  /** @param running The task that the process executes, and since when: its peak is its own. */
  look({ task, since }: Mark, now: number): LiveUsage {
    const memoryMb = Math.round(treeMemory(this.#pid) / 2 ** 20);
    const isNew = this.#isNew(`${task}/${since}`);
    this.#peakMemoryMb = isNew ? memoryMb : Math.max(this.#peakMemoryMb, memoryMb);
    const cpuPercent = this.#cpuPercent(now);
    return { memoryMb, peakMemoryMb: this.#peakMemoryMb, ...(cpuPercent === undefined ? {} : { cpuPercent }) };
  }

  #cpuPercent(now: number): number | undefined {
    if (process.platform !== "linux") return undefined;
    const cpuMs = treeCpuMs(this.#pid);
    const before = this.#lastCpuMs;
    const passedMs = now - this.#lastAt;
    this.#lastCpuMs = cpuMs;
    this.#lastAt = now;
    // A child that has ended takes its time along.
    return before === undefined || passedMs <= 0
      ? undefined
      : Math.max(0, Math.round(((cpuMs - before) / passedMs) * 100));
  }
}
