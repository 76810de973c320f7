import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { RunDriver } from "../stores/runs.ts";

/**
 * What tells machines apart on which numbers of processes mean the same: its name alone does not, since all
 * environments of Lambda have one name, and containers number their processes for themselves.
 */
function machineOf(): string {
  const read = (get: () => string) => {
    try {
      return get().trim();
    } catch {
      // Not Linux: the name has to do.
      return "";
    }
  };
  const boot = read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const processes = read(() => readlinkSync("/proc/self/ns/pid"));
  return createHash("sha256").update([hostname(), boot, processes].join("\n")).digest("hex").slice(0, 16);
}

let self: RunDriver | undefined;

/** This process, as the driver of runs. */
export function thisProcess(): RunDriver {
  self ??= { host: hostname(), pid: process.pid, machine: machineOf() };
  return self;
}

/** Whether a driver is certainly gone: a process of this very machine that is not there any more. */
export function isCertainlyGone({ machine, pid }: RunDriver): boolean {
  if (machine === undefined || machine !== thisProcess().machine) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
