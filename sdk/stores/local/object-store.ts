import { randomBytes } from "node:crypto";
import {
  closeSync,
  createWriteStream,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  unlinkSync,
  writev,
  writevSync,
} from "node:fs";
import { access, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { Encoded } from "../../wire/codec/frame.ts";
import { fileStamp, markMapped } from "../mapped-bytes.ts";
import { keyNamed, type ObjectName, type ObjectStore, type StoredObject } from "../object-store.ts";
import { reuse } from "../reuse.ts";
import { mapFile } from "./file-mapping.ts";

/** Chunks a single writev takes; Linux allows 1,024 (IOV_MAX). */
const CHUNKS_PER_WRITE = 512;

/** Up to this size a file is read and written at once: four ways to another thread and back take longer. */
const AT_ONCE_BYTES = 2 * 1024 ** 2;

/** From this size on a file is mapped: below, reading it is as fast. */
const MAPPED_BYTES = 256 * 1024;

/** Bytes a single read takes; Linux gives at most 2 GB. */
const READ_AT_ONCE = 1024 ** 3;

const writePieces = promisify(writev);

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT";

/**
 * Objects as files in a folder. A file appears under its name only when it is whole: it is written
 * beside and linked into place, and a link, unlike a rename, never replaces one that is there.
 */
export class LocalObjectStore implements ObjectStore {
  readonly isRemote = false;
  readonly #root: string;
  readonly #unfinished: string;
  /** Folders that were there once. */
  readonly #folders = new Set<string>();

  readonly #sweepEnded: () => Promise<boolean>;

  /** @param sweepEnded Waits for a clean-up that is deleting objects; false where none is. */
  constructor(root: string, sweepEnded: () => Promise<boolean>) {
    this.#root = root;
    this.#sweepEnded = sweepEnded;
    this.#unfinished = join(root, ".unfinished");
  }

  #path(key: string): string {
    return join(this.#root, ...key.split("/"));
  }

  put(name: ObjectName, content: Encoded): Promise<string | undefined> {
    const isLarge = content.byteLength > AT_ONCE_BYTES || content.chunks.length > CHUNKS_PER_WRITE;
    return this.#put(name, (unfinished) =>
      isLarge ? writeChunks(unfinished, content.chunks) : writeAtOnce(unfinished, content),
    );
  }

  async putStream(key: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    // What it gives is gone when it was given: no second try where a folder has been removed.
    this.#folders.clear();
    await this.#putOnce(key, async (unfinished) => {
      await pipeline(content, createWriteStream(unfinished, { flags: "wx" }));
      return undefined;
    });
  }

  async #put(name: ObjectName, write: WriteFile): Promise<string | undefined> {
    try {
      return await this.#putOnce(name, write);
    } catch (error) {
      if (!isMissing(error) || this.#folders.size === 0) throw error;
      // Somebody has removed a folder that was made before.
      this.#folders.clear();
      return this.#putOnce(name, write);
    }
  }

  async #putOnce(name: ObjectName, write: WriteFile): Promise<string | undefined> {
    const unfinished = join(this.#unfinished, randomBytes(12).toString("hex"));
    this.#makeFolder(this.#unfinished);
    try {
      // A large one is written beside this thread, which finds its name meanwhile.
      const [file, key] = await Promise.all([write(unfinished), this.#placeFor(name)]);
      const path = this.#path(key);
      for (;;) {
        if (linkIfAbsent(unfinished, path)) return file;
        if (await this.touch(key)) return undefined;
      }
    } finally {
      removeIfThere(unfinished);
    }
  }

  /** The key of an object, with a folder for it. */
  async #placeFor(name: ObjectName): Promise<string> {
    const key = await keyNamed(name);
    this.#makeFolder(dirname(this.#path(key)));
    return key;
  }

  // Names of files are made and removed at once: a way to another thread and back takes ten times as long.

  #makeFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    mkdirSync(folder, { recursive: true });
    this.#folders.add(folder);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return openAtOnce(this.#path(key)) ?? (await readWhole(this.#path(key)));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async has(key: string): Promise<boolean> {
    return access(this.#path(key)).then(
      () => true,
      () => false,
    );
  }

  getStart(key: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return this.getRange(key, 0, maxBytes);
  }

  async getRange(key: string, start: number, bytes: number): Promise<Uint8Array | undefined> {
    try {
      return await readWhole(this.#path(key), start, bytes);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const info = await stat(this.#path(key)).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    return info && { key, bytes: info.size, modifiedAtMs: info.mtimeMs };
  }

  touch(key: string): Promise<boolean> {
    return reuse({
      stat: () => this.stat(key),
      refresh: () => refreshed(this.#path(key)),
      sweepEnded: this.#sweepEnded,
    });
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => rm(this.#path(key), { force: true })));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = prefix.includes("/") ? prefix.slice(0, prefix.lastIndexOf("/")) : "";
    for await (const path of filesBelow(join(this.#root, folder))) {
      const key = relative(this.#root, path).split(sep).join("/");
      if (key.startsWith(".unfinished/") || !key.startsWith(prefix)) continue;
      const info = await stat(path).catch(() => undefined);
      if (info) yield { key, bytes: info.size, modifiedAtMs: info.mtimeMs };
    }
  }
}

/** False where there is a file already. */
function linkIfAbsent(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Writes a new file. @returns What tells it from any other, where that will be asked. */
type WriteFile = (path: string) => string | undefined | Promise<string | undefined>;

/** Makes a file as old as this moment; false where there is none. */
async function refreshed(path: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Reads into memory of its own, so that typed arrays in it are aligned; readFile stops at 2 GB. */
async function readWhole(path: string, start = 0, maxBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const size = Math.max(0, Math.min(maxBytes, (await file.stat()).size - start));
    const bytes = Buffer.allocUnsafeSlow(size);
    let offset = 0;
    while (offset < size) {
      const { bytesRead } = await file.read(bytes, offset, Math.min(size - offset, READ_AT_ONCE), start + offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
    }
    return bytes.subarray(0, offset);
  } finally {
    await file.close();
  }
}

/** The whole of a small file, a large one mapped; undefined for a large one where there is no mapping. */
function openAtOnce(path: string): Uint8Array | undefined {
  const file = openSync(path, "r");
  try {
    const info = fstatSync(file, { bigint: true });
    const size = Number(info.size);
    const mapped = size < MAPPED_BYTES ? undefined : mapFile(file, size);
    if (mapped) {
      markMapped(mapped, fileStamp(info));
      return mapped;
    }
    return size > AT_ONCE_BYTES ? undefined : readAtOnce(file, size);
  } finally {
    closeSync(file);
  }
}

function readAtOnce(file: number, size: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  while (offset < size) {
    const read = readSync(file, bytes, offset, size - offset, offset);
    if (read === 0) break;
    offset += read;
  }
  return bytes.subarray(0, offset);
}

function writeAtOnce(path: string, { chunks, byteLength }: Encoded): string | undefined {
  const file = openSync(path, "wx");
  try {
    if (byteLength === 0) return undefined;
    const written = writevSync(file, chunks as Uint8Array[]);
    if (written < byteLength) throw new Error(`the disk took ${written} of ${byteLength} bytes of ${path}`);
    return byteLength < MAPPED_BYTES ? undefined : fileStamp(fstatSync(file, { bigint: true }));
  } finally {
    closeSync(file);
  }
}

/** The first piece is under way when this returns. */
async function writeChunks(path: string, chunks: readonly Uint8Array[]): Promise<string> {
  const file = openSync(path, "wx");
  try {
    for (let start = 0; start < chunks.length; start += CHUNKS_PER_WRITE) {
      await writeAll(file, chunks.slice(start, start + CHUNKS_PER_WRITE));
    }
    return fileStamp(fstatSync(file, { bigint: true }));
  } finally {
    closeSync(file);
  }
}

/** A single writev may write less than it was given, at 2 GB and on a full disk. */
async function writeAll(file: number, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = [...chunks];
  while (rest.length > 0) {
    let { bytesWritten } = await writePieces(file, rest);
    let done = 0;
    while (done < rest.length && bytesWritten >= rest[done].byteLength) bytesWritten -= rest[done++].byteLength;
    rest = rest.slice(done);
    if (rest.length > 0) rest[0] = rest[0].subarray(bytesWritten);
  }
}

async function* filesBelow(folder: string): AsyncIterable<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}
