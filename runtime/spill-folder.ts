import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "stratolab-objects-";
/** At most this share of what is free on the disk when it is first written to. */
const SHARE_OF_FREE = 0.25;

/** Objects that an executor has no room for in memory, as files of this process; least recently used out. */
export class SpillFolder {
  readonly #folder: string;
  /** Sizes, least recently used first. */
  readonly #files = new Map<string, number>();
  #bytes = 0;
  #maxBytes: number | undefined;

  constructor(parent = tmpdir()) {
    this.#folder = join(parent, `${PREFIX}${process.pid}`);
    process.once("exit", () => rmSync(this.#folder, { recursive: true, force: true }));
    removeAbandoned(parent);
  }

  #path = (object: string) => join(this.#folder, createHash("sha256").update(object).digest("hex"));

  async read(object: string): Promise<Uint8Array | undefined> {
    const bytes = this.#files.get(object);
    if (bytes === undefined) return undefined;
    this.#files.delete(object);
    this.#files.set(object, bytes);
    const read = await readFile(this.#path(object)).catch(() => undefined);
    // Small files are read into memory that is shared with others, where nothing is aligned.
    return read && (read.buffer.byteLength === read.byteLength ? new Uint8Array(read.buffer) : new Uint8Array(read));
  }

  /** Writes an object where there is room for it. */
  async write(object: string, bytes: Uint8Array): Promise<void> {
    if (this.#files.has(object)) return;
    try {
      this.#maxBytes ??= await this.#room();
      if (bytes.byteLength > this.#maxBytes) return;
      this.#files.set(object, bytes.byteLength);
      this.#bytes += bytes.byteLength;
      for (const [oldest] of this.#files) {
        if (this.#bytes <= this.#maxBytes) break;
        await this.#remove(oldest);
      }
      await writeFile(this.#path(object), bytes);
    } catch {
      // A full disk, or one that may not be written to: it is fetched again when it is needed.
      await this.#remove(object);
    }
  }

  async #room(): Promise<number> {
    mkdirSync(this.#folder, { recursive: true });
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize * SHARE_OF_FREE;
  }

  async #remove(object: string): Promise<void> {
    this.#bytes -= this.#files.get(object) ?? 0;
    this.#files.delete(object);
    await rm(this.#path(object), { force: true }).catch(() => {});
  }
}

/** Processes that were killed leave their folders behind. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN;
    if (Number.isInteger(pid) && !isAlive(pid)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
