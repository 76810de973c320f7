/**
 * What an executor process and whoever watches it share: a few numbers in shared memory. The watcher
 * reads them without the process having to answer, so a blocked event loop changes nothing.
 */
const WATCH_BYTES = 64;
/** Where the watcher's rest lies, behind the numbers. */
const REST_OFFSET = 56;

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
  /** How often memory is looked at, in milliseconds, where that was asked for; else 0. */
  PollMs: 5,
  /** When an attempt with a memory limit began last, in milliseconds since the epoch. */
  LimitedAt: 6,
} as const;

/** The running attempt as its watcher sees it. */
export interface Watched {
  readonly deadline: number;
  readonly memoryLimitBytes: number;
  readonly task: number;
  readonly attempt: number;
  readonly pollMs?: number | undefined;
}

/** Time after the deadline for an attempt that heard `ctx.signal` to end by itself, in milliseconds. */
export const DEADLINE_GRACE_MS = 250;

/** How often a watchdog looks by default at an attempt whose memory is limited, in milliseconds. */
const POLL_MS = 50;
/**
 * And where none is limited: each look takes about a millisecond from the tasks, whose code is in the processor's
 * caches instead of its own.
 */
const UNLIMITED_POLL_MS = 200;
/** Attempts follow each other: whose memory is limited so long after the last one is watched as closely, in milliseconds. */
const STAYS_LIMITED_MS = 1_000;

/** View on the shared numbers. */
export class WatchBoard {
  readonly buffer: SharedArrayBuffer;
  readonly #fields: Float64Array;
  /** 1 while the watcher takes a long rest. */
  readonly #rest: Int32Array;

  constructor(buffer = new SharedArrayBuffer(WATCH_BYTES)) {
    this.buffer = buffer;
    this.#fields = new Float64Array(buffer, 0, REST_OFFSET / 8);
    this.#rest = new Int32Array(buffer, REST_OFFSET, 1);
  }

  begin({ deadline, memoryLimitBytes, task, attempt, pollMs = 0 }: Watched, now: number, residentBytes: number): void {
    this.#fields[Field.PollMs] = pollMs;
    this.#fields[Field.Task] = task;
    this.#fields[Field.Attempt] = attempt;
    this.#fields[Field.PeakMemory] = residentBytes;
    this.#fields[Field.MemoryLimit] = memoryLimitBytes;
    this.#fields[Field.Deadline] = deadline;
    if (memoryLimitBytes === 0) return;
    this.#fields[Field.LimitedAt] = now;
    if (Atomics.exchange(this.#rest, 0, 0) === 1) Atomics.notify(this.#rest, 0);
  }

  /** The watcher waits until it is time for its next look; not on a thread that runs an event loop. */
  rest(now: number): void {
    const ms = this.restMs(now);
    const isLong = ms > POLL_MS;
    Atomics.store(this.#rest, 0, Number(isLong));
    Atomics.wait(this.#rest, 0, Number(isLong), ms);
  }

  /** How long until the next look, in milliseconds. */
  restMs(now: number): number {
    const isLimited = now - this.#fields[Field.LimitedAt] < STAYS_LIMITED_MS || this.#fields[Field.MemoryLimit] > 0;
    const pollMs = this.#fields[Field.PollMs] || (isLimited ? POLL_MS : UNLIMITED_POLL_MS);
    const deadline = this.#fields[Field.Deadline];
    if (deadline === 0) return pollMs;
    return Math.min(pollMs, Math.max(deadline + DEADLINE_GRACE_MS + 1 - now, 1));
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
