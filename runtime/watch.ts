/**
 * What an executor process and whoever watches it share: a few numbers in shared memory. The watcher
 * reads them without the process having to answer, so a blocked event loop changes nothing.
 */
const WATCH_BYTES = 56;

const Field = {
  /** When the running attempt is out of time, in milliseconds since the epoch; 0 for never. */
  Deadline: 0,
  /** Resident memory that the running attempt may reach, in bytes; 0 for no limit. */
  MemoryLimit: 1,
  /** Highest resident memory seen since the attempt began, in bytes. */
  PeakMemory: 2,
  /** Task and number of the running attempt; -1 for none. */
  Task: 3,
  Attempt: 4,
  /** How often memory is looked at, in milliseconds. */
  PollMs: 5,
} as const;

/** The running attempt as its watcher sees it. */
export interface Watched {
  readonly deadline: number;
  readonly memoryLimitBytes: number;
  readonly task: number;
  readonly attempt: number;
  readonly pollMs?: number | undefined;
}

/** How often a watchdog looks by default, in milliseconds. */
const POLL_MS = 50;

/** View on the shared numbers. */
export class WatchBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #fields: Float64Array;

  constructor(buffer = new SharedArrayBuffer(WATCH_BYTES)) {
    this.buffer = buffer;
    this.#fields = new Float64Array(buffer);
  }

  begin({ deadline, memoryLimitBytes, task, attempt, pollMs = POLL_MS }: Watched, residentBytes: number): void {
    this.#fields[Field.PollMs] = pollMs;
    this.#fields[Field.Task] = task;
    this.#fields[Field.Attempt] = attempt;
    this.#fields[Field.PeakMemory] = residentBytes;
    this.#fields[Field.MemoryLimit] = memoryLimitBytes;
    this.#fields[Field.Deadline] = deadline;
  }

  /** The running attempt is out of time later, or at no time. */
  moveDeadline(deadline: number): void {
    this.#fields[Field.Deadline] = deadline;
  }

  end(): void {
    this.#fields[Field.Deadline] = 0;
    this.#fields[Field.MemoryLimit] = 0;
    this.#fields[Field.Task] = -1;
  }

  noteMemory(bytes: number): void {
    if (bytes > this.#fields[Field.PeakMemory]) this.#fields[Field.PeakMemory] = bytes;
  }

  get peakMemoryBytes(): number {
    return this.#fields[Field.PeakMemory];
  }

  get pollMs(): number {
    return this.#fields[Field.PollMs] || POLL_MS;
  }

  read(): Watched {
    return {
      deadline: this.#fields[Field.Deadline],
      memoryLimitBytes: this.#fields[Field.MemoryLimit],
      task: this.#fields[Field.Task],
      attempt: this.#fields[Field.Attempt],
    };
  }
}

/** Why a watcher ends an executor process: its last note, left on a pipe of its own. */
export interface DeathNote {
  readonly kind: "timeout" | "out-of-memory" | "orphaned";
  readonly task: number;
  readonly attempt: number;
  readonly seen: string;
}

/** Share of the memory limit from which on a task is told to save its state. */
const MEMORY_NOTICE_SHARE = 0.85;

/** What a task should know before it is too late; undefined while all is well. */
export function notice({ memoryLimitBytes, task }: Watched, residentBytes: number): string | undefined {
  if (task < 0 || memoryLimitBytes === 0 || residentBytes < memoryLimitBytes * MEMORY_NOTICE_SHARE) return undefined;
  return "memory is running out";
}

/** Time after the deadline for an attempt that heard `ctx.signal` to end by itself, in milliseconds. */
export const DEADLINE_GRACE_MS = 250;

/** Decides whether the process has to end now. Pure: what it looks at is passed in. */
export function judge(watched: Watched, now: number, residentBytes: number, orphaned: boolean): DeathNote | undefined {
  const { task, attempt } = watched;
  if (orphaned) return { kind: "orphaned", task, attempt, seen: "the lab's process is gone" };
  if (watched.memoryLimitBytes > 0 && residentBytes > watched.memoryLimitBytes) {
    const mb = (bytes: number) => Math.round(bytes / 2 ** 20);
    const seen = `${mb(residentBytes)} MB in use, ${mb(watched.memoryLimitBytes)} MB allowed`;
    return { kind: "out-of-memory", task, attempt, seen };
  }
  if (watched.deadline > 0 && now > watched.deadline + DEADLINE_GRACE_MS) {
    return { kind: "timeout", task, attempt, seen: "still running after its timeoutMs" };
  }
  return undefined;
}
