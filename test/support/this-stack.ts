import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";
import { type DeployedStack, FAILURE, WORKERS } from "./deployed-stack.ts";

let mine: DeployedStack | undefined;

/** The local AWS of this file; no other file uses it at the same time. */
export function thisStack(): DeployedStack {
  if (!mine) throw new Error("no local AWS was taken: test/support/use-deployed-stack.ts does that");
  return mine;
}

/**
 * Takes a local AWS that no other worker has, until this process ends, as soon as there is one. Vitest's own
 * numbers of workers do not do: between two projects one may be given twice.
 *
 * @throws when no stack could be deployed.
 */
export async function takeStack(): Promise<DeployedStack> {
  const folder = inject("deployedStacks");
  while (!mine) {
    const failure = join(folder, FAILURE);
    if (existsSync(failure)) throw new Error(`the stack was not deployed: ${readFileSync(failure, "utf8")}`);
    const files = Array.from({ length: WORKERS }, (_, index) => join(folder, `${index}.json`));
    const free = files.find((file) => existsSync(file) && take(`${file}.lock`));
    if (free) mine = JSON.parse(readFileSync(free, "utf8")) as DeployedStack;
    else await sleep(50);
  }
  return mine;
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  // A worker that was killed leaves its own behind; of those that see it, one can move it away.
  try {
    if (isAlive(Number(readFileSync(lock, "utf8")))) return false;
    renameSync(lock, `${lock}-${process.pid}`);
  } catch {
    return false;
  }
  return take(lock);
}

function isAlive(pid: number): boolean {
  try {
    // One that has taken it this moment has not written its name yet.
    return pid === 0 || process.kill(pid, 0);
  } catch {
    return false;
  }
}
