import { accessSync, closeSync, constants, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The mark: sixteen bytes in a file that an executor process and its supervisor share. The process
 * writes there which task it is executing; the supervisor can read it at any time, also when the
 * process is gone. A write costs about a microsecond, where a message would cost ten.
 */
const MARK_BYTES = 16;

/** The task being executed, and since when in milliseconds since the epoch. */
export interface Mark {
  readonly task: number;
  readonly since: number;
}

/** The process's side. */
export class MarkWriter {
  readonly #fd: number;
  readonly #fields = new Float64Array(MARK_BYTES / 8);
  /** Nothing is executed any more, and that is not written yet. */
  #isClearing = false;

  constructor(fd: number) {
    this.#fd = fd;
    this.#write(-1, 0);
  }

  set(task: number, since: number): void {
    this.#isClearing = false;
    this.#write(task, since);
  }

  /** No user code is being executed; the next attempt may begin in this turn of the event loop, and says so itself. */
  clear(): void {
    if (this.#isClearing) return;
    this.#isClearing = true;
    process.nextTick(() => {
      if (!this.#isClearing) return;
      this.#isClearing = false;
      this.#write(-1, 0);
    });
  }

  #write(task: number, since: number): void {
    this.#fields[0] = task;
    this.#fields[1] = since;
    writeSync(this.#fd, this.#fields, 0, MARK_BYTES, 0);
  }
}

/** Memory where there is some: a write to a disk waits while the kernel commits what others have written there. */
function markFolder(): string {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK);
    return SHARED_MEMORY;
  } catch {
    return tmpdir();
  }
}

const SHARED_MEMORY = "/dev/shm";

/** The supervisor's side. */
export class MarkFile {
  readonly fd: number;
  #closed = false;
  readonly #fields = new Float64Array(MARK_BYTES / 8);

  constructor(name: string) {
    const path = join(markFolder(), `stratolab-mark-${name}`);
    this.fd = openSync(path, "w+");
    // The open file lives on without its name, and is gone when both processes are.
    if (process.platform !== "win32") unlinkSync(path);
  }

  /** What the process was executing last; undefined when it was nothing, or the file was closed. */
  read(): Mark | undefined {
    if (this.#closed) return undefined;
    const bytes = readSync(this.fd, this.#fields, 0, MARK_BYTES, 0);
    const [task, since] = this.#fields;
    return bytes < MARK_BYTES || task < 0 ? undefined : { task, since };
  }

  close(): void {
    this.#closed = true;
    closeSync(this.fd);
  }
}
