import type { Assignment, AttemptSpec } from "../sdk/wire/attempt.ts";
import type { AttemptAbort } from "./attempt-abort.ts";
import type { MarkWriter } from "./mark.ts";
import { ownMemory } from "./memory.ts";
import type { SpawnedProcesses } from "./spawned.ts";
import type { WatchBoard } from "./watch.ts";

/** Attempts longer than this, in milliseconds, have their memory measured at their end. */
const WORTH_MEASURING_MS = 20;

/** What an executor's attempts are watched with, one after another. */
export class Watching {
  readonly board: WatchBoard;
  readonly mark: MarkWriter;
  readonly spawned: SpawnedProcesses;
  /** As it was measured last, in bytes. */
  lastMemory = ownMemory();

  constructor(board: WatchBoard, mark: MarkWriter, spawned: SpawnedProcesses) {
    this.board = board;
    this.mark = mark;
    this.spawned = spawned;
  }
}

/** What happens around a task's own code: its deadline, its memory, and the mark for those who watch. */
export class AttemptWatch {
  readonly #watching: Watching;
  readonly #spec: AttemptSpec;
  readonly #monitor: Assignment["memoryMonitor"];
  readonly #abort: AttemptAbort;
  #timer: NodeJS.Timeout | undefined;
  /** When it began; later by the time that it has waited for tasks of its own. */
  #begunAt = 0;
  #endedAt = 0;
  #isEnded = false;
  #waitingSince = 0;
  #peakMemoryMb = 0;

  constructor(watching: Watching, spec: AttemptSpec, monitor: Assignment["memoryMonitor"], abort: AttemptAbort) {
    this.#watching = watching;
    this.#spec = spec;
    this.#monitor = monitor;
    this.#abort = abort;
  }

  begin(): void {
    const { board, mark, lastMemory } = this.#watching;
    const { task, attempt } = this.#spec;
    const { pollMs } = this.#monitor || {};
    this.#begunAt = Date.now();
    mark.set(task, this.#begunAt);
    board.begin(
      { deadline: this.#deadline, memoryLimitBytes: this.#limitMb * 2 ** 20, task, attempt, pollMs },
      this.#begunAt,
      lastMemory,
    );
    this.#setTimer();
  }

  /** What it waits for is not its own time. */
  wait(isWaiting: boolean): void {
    const { board, mark } = this.#watching;
    const { task } = this.#spec;
    clearTimeout(this.#timer);
    if (isWaiting) {
      this.#waitingSince = Date.now();
      mark.set(task, Number.MAX_SAFE_INTEGER);
      board.moveDeadline(0);
      return;
    }
    this.#begunAt += Date.now() - this.#waitingSince;
    mark.set(task, this.#begunAt);
    board.moveDeadline(this.#deadline);
    this.#setTimer();
  }

  end(): void {
    if (this.#begunAt === 0 || this.#isEnded) return;
    const { board, mark, spawned } = this.#watching;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#endedAt = Date.now();
    // Measuring takes longer than many a task: of short ones the watchdog's latest look has to do.
    if (this.#endedAt - this.#begunAt > WORTH_MEASURING_MS) {
      this.#watching.lastMemory = ownMemory();
      board.noteMemory(this.#watching.lastMemory);
    }
    this.#peakMemoryMb = Math.round(board.peakMemoryBytes / 2 ** 20);
    board.end();
    mark.clear();
    spawned.end();
  }

  /** Highest memory since it began, in MB. Whoever asks is past the task's own code, also where that has thrown. */
  get peakMemoryMb(): number {
    this.end();
    return this.#peakMemoryMb;
  }

  get isOvertime(): boolean {
    const { timeoutMs } = this.#spec.resources;
    return timeoutMs !== undefined && this.#endedAt >= this.#begunAt + timeoutMs;
  }

  get #limitMb(): number {
    const { memoryMb } = this.#spec.resources;
    if (memoryMb === undefined || this.#monitor === false) return 0;
    return Math.max(1, memoryMb - (this.#monitor?.marginMb ?? 0));
  }

  get #deadline(): number {
    const { timeoutMs } = this.#spec.resources;
    return timeoutMs === undefined ? 0 : this.#begunAt + timeoutMs;
  }

  #setTimer(): void {
    const { timeoutMs } = this.#spec.resources;
    if (timeoutMs === undefined) return;
    const overtime = new Error(`the attempt took longer than its timeoutMs of ${timeoutMs}`);
    this.#timer = setTimeout(() => this.#abort.abort(overtime), this.#deadline - Date.now());
  }
}
