import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** How long a write may wait for its turn before its user is told, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Tells who waits for a write that does not get its turn: a process that is stopped (Ctrl-Z, `kill -STOP`) in the
 * middle of a commit holds the file for all others until it goes on or ends.
 *
 * @param file The database file.
 * @param committed Resolves when what was written so far is committed; at once when nothing is under way.
 * @returns Ends the watch.
 */
export function watchLock(file: string, committed: () => PromiseLike<unknown>): () => void {
  let isWaiting = false;
  let isTold = false;
  const timer = setInterval(() => {
    if (!isWaiting) {
      isWaiting = true;
      void committed().then(() => {
        isWaiting = false;
        isTold = false;
      });
    } else if (!isTold) {
      isTold = true;
      process.emitWarning(inTheWay(file), "StratolabWarning");
    }
  }, PATIENCE_MS).unref();
  return () => clearInterval(timer);
}

function inTheWay(file: string): string {
  const waits = `nothing could be written to ${file} for ${PATIENCE_MS / 1_000} s`;
  const stopped = stoppedUsers(file);
  if (stopped.length === 0)
    return `${waits}: another process holds its lock, or the disk does not answer. Still waiting`;
  const pids = stopped.join(", ");
  return (
    `${waits}: process ${pids} has it open and is stopped, and may hold its lock. ` +
    `Continue it (kill -CONT ${stopped.join(" ")}) or end it; what waits goes on then`
  );
}

/** Processes that are stopped and have a file open; none where the system does not tell. */
function stoppedUsers(file: string): number[] {
  return pids().filter((pid) => {
    try {
      if (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "latin1"))) return false;
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
    } catch {
      // It has ended, or is somebody else's.
      return false;
    }
  });
}

function pids(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}
