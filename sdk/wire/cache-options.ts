/**
 * Where results of a task type lie, in the place of the lab's own storage: any place that every executor of the
 * task reaches. What is stored under a key never changes, and the bytes are the library's own format: it checks
 * them by their hash whenever they are loaded. Hold yours against `storageConformance` in `stratolab/conformance`.
 *
 * @example
 * class FolderStorage implements CacheStorage {
 *   constructor(readonly folder: string) {}
 *   async put(key: string, bytes: Uint8Array) {
 *     const file = join(this.folder, key);
 *     await mkdir(dirname(file), { recursive: true });
 *     const unfinished = `${file}.${randomUUID()}`;
 *     await writeFile(unfinished, bytes);
 *     await rename(unfinished, file); // whole or not at all
 *   }
 *   get = (key: string) => readFile(join(this.folder, key)).catch(() => undefined);
 *   delete = async (keys: readonly string[]) => {
 *     for (const key of keys) await rm(join(this.folder, key), { force: true });
 *   };
 * }
 * export const trainModel = task({ name: "trainModel", cache: { storage: new FolderStorage("/mnt/models") }, run });
 */
export interface CacheStorage {
  /** Stores bytes. The same bytes may be stored twice under one key, by several processes at once. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The bytes, or undefined where there are none. Rejects where that cannot be found out. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Deletes; keys that are not there are no error. */
  delete(keys: readonly string[]): Promise<void>;
}

/** A length of time in seconds, minutes, hours, or days. */
export type Duration = `${number}${"s" | "m" | "h" | "d"}`;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds above 0; undefined for what is no length of time. */
export function durationMs(duration: unknown): number | undefined {
  const [, count, unit] = (typeof duration === "string" && /^(\d+(?:\.\d+)?)([smhd])$/.exec(duration)) || [];
  const ms = typeof duration === "number" ? duration : Number(count) * UNIT_MS[unit];
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** How results of a task type are kept. */
export interface CacheOptions {
  /** Results count for so long after they were made: `"45s"`, `"30m"`, `"12h"`, `"7d"`, or milliseconds. Default for good. */
  readonly ttl?: Duration | number;
  /** The same in milliseconds, as all lengths of time here: one of the two. */
  readonly ttlMs?: number;
  /** Where results lie. Default the lab's own storage. What is known of them lies there in any case. */
  readonly storage?: CacheStorage;
}

/** For how long results are kept, in milliseconds: 0 for their run only, undefined for good. */
export const keepMsOf = (cache: CacheOptions | false | undefined): number | undefined =>
  cache === false ? 0 : (cache?.ttlMs ?? durationMs(cache?.ttl));

export const storageOf = (cache: CacheOptions | false | undefined): CacheStorage | undefined =>
  cache === false ? undefined : cache?.storage;
