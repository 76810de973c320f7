/** Entry of a local executor process: an executor with its watchdog beside it. */
import { Worker } from "node:worker_threads";
import { serve } from "./executor.ts";
import { WatchBoard } from "./watch.ts";

/** File descriptor that the watchdog's last note goes to. */
const NOTE_FD = 5;

// While the bundle is being built there is time for what nearly every lab needs: the compiled part of its stores.
void import("../sdk/stores/local/open.ts").catch(() => {});
const board = new WatchBoard();
board.end();
const workerData = { board: board.buffer, noteFd: NOTE_FD, parentPid: process.ppid };
const watchdog = new Worker(new URL("./watchdog.js", import.meta.url), { workerData, execArgv: [], env: {} });
watchdog.unref();
const executor = serve(board);
watchdog.on("message", (reason: string) => executor.notice(reason));
