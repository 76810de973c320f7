import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { watchLock } from "./lock-watch.ts";
import { SeenCommits } from "./seen-commits.ts";

/** A database file that this process has open, once for all who use it. */
export interface SharedDatabase<Value, Key extends [string, string]> {
  readonly db: RootDatabase<Value, Key>;
  readonly seen: SeenCommits;
  /** Closes the file when nobody else in this process uses it; resolves when what was written is committed. */
  readonly release: () => Promise<void>;
}

interface Opened {
  readonly db: RootDatabase;
  readonly endWatch: () => void;
  /** Absent where a copy of an earlier version has opened it. */
  seen?: SeenCommits;
  users: number;
}

/** One for the whole process: it may have this module twice, from two copies of the package. */
const REGISTRY = Symbol.for("stratolab.local-databases");
const everywhere = globalThis as { [REGISTRY]?: Map<string, Opened> };
everywhere[REGISTRY] ??= new Map();
const opened = everywhere[REGISTRY];

/**
 * Opens an LMDB file, or joins those of this process that have it open already.
 *
 * A second handle in one process is no luxury but a deadlock: opening takes the file's write lock on the main
 * thread, while a write of the first handle may hold it and wait for a callback of that same thread.
 *
 * @param path The file; its folder must be there.
 */
export function openShared<Value, Key extends [string, string]>(path: string): SharedDatabase<Value, Key> {
  const file = join(realpathSync(dirname(path)), basename(path));
  const entry = opened.get(file) ?? openFile(file);
  opened.set(file, entry);
  entry.users += 1;
  entry.seen ??= new SeenCommits(entry.db);
  let released = false;
  return {
    db: entry.db as unknown as RootDatabase<Value, Key>,
    seen: entry.seen,
    release: async () => {
      if (released) return;
      released = true;
      entry.users -= 1;
      // What is under way ends first: whoever opens the file meanwhile joins this handle.
      await entry.db.committed;
      if (entry.users > 0 || opened.get(file) !== entry) return;
      opened.delete(file);
      entry.endWatch();
      await entry.db.close();
    },
  };
}

function openFile(file: string): Opened {
  const db = open({ path: file, encoding: "msgpack" });
  return { db, endWatch: watchLock(file, () => db.committed), users: 0 };
}
