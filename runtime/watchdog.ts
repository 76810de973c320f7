/**
 * The watchdog of a local executor: a thread beside the one that runs user code, so that it sees
 * what happens also while that one is blocked. It ends the whole process with a note on why.
 */
import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { treeMemory } from "./memory.ts";
import { Family } from "./process-tree.ts";
import { judge, notice, WatchBoard } from "./watch.ts";

interface WatchdogData {
  readonly board: SharedArrayBuffer;
  readonly noteFd: number;
  readonly parentPid: number;
}

const { board: shared, noteFd, parentPid } = workerData as WatchdogData;
const board = new WatchBoard(shared);
const family = new Family(process.pid);

/** The task that was told last. */
let noticed: number | undefined;

for (;;) {
  board.rest(Date.now());
  family.look();
  const residentBytes = treeMemory(process.pid);
  board.noteMemory(residentBytes);
  const watched = board.read();
  const reason = notice(watched, residentBytes);
  if (reason && noticed !== watched.task) parentPort?.postMessage(reason);
  noticed = reason ? watched.task : undefined;
  const note = judge(watched, Date.now(), residentBytes, process.ppid !== parentPid);
  if (!note) continue;
  try {
    writeSync(noteFd, `${JSON.stringify(note)}\n`);
  } catch {
    // Nobody is left to read it.
  }
  family.kill();
  process.kill(process.pid, "SIGKILL");
}
