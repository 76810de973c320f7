import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessTable } from "./process-table.ts";

const ROUNDS = 200;
const ROUND_MS = 10;

/**
 * Kills every process whose owner starts with `prefix`, again and again until none is left, since
 * one may fork while others die. Gives up after some seconds on what the kernel cannot kill.
 */
export async function killOwned(table: ProcessTable, prefix: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const processes = table.owned(prefix);
    if (processes.length === 0) return;
    for (const { pid } of processes) signalProcess(pid, "SIGKILL");
    await sleep(ROUND_MS);
  }
}

/** Sends a signal; says whether the process (or, for a negative id, its group) was still there. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
