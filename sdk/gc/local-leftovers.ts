import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { bundleFolder, runtimeEnvFolder } from "../runners/local/bundle-file.ts";
import type { GarbageKind } from "./report.ts";

interface Settings {
  /** Only what was last changed before, in milliseconds since the epoch. */
  readonly olderThan: number;
  /** Whether a bundle's folder has to stay: executors of a lab load it at any time, and so may a run's next driver. */
  isNeeded(folder: string): boolean;
  /** False to tell only. */
  readonly remove: boolean;
}

interface Leftover {
  readonly kind: GarbageKind;
  readonly bytes: number;
}

/** What executors of a lab may load at any time. */
const KEPT_FOR_LABS: readonly GarbageKind[] = ["local bundles", "runtime environments"];

/** Removes what lies beside the stores in a lab's storage: bundles, and files of writers that were killed. */
export async function* removeLocalLeftovers(
  directory: string,
  { olderThan, isNeeded, remove }: Settings,
): AsyncGenerator<Leftover> {
  const folders: [GarbageKind, string][] = [
    ["unfinished files", join(directory, "objects", ".unfinished")],
    ["local bundles", bundleFolder({ kind: "local", directory })],
    ["runtime environments", runtimeEnvFolder({ kind: "local", directory })],
    ["driver logs", join(directory, "drivers")],
  ];
  for (const [kind, folder] of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (KEPT_FOR_LABS.includes(kind) && isNeeded(name)) continue;
      const path = join(folder, name);
      const { bytes, changedAt } = await measure(path);
      if (changedAt >= olderThan) continue;
      if (remove) await rm(path, { recursive: true, force: true });
      yield { kind, bytes };
    }
  }
}

/** Size of a file, or of those in a folder, and when the last of them was changed. */
async function measure(path: string): Promise<{ bytes: number; changedAt: number }> {
  const info = await stat(path).catch(() => undefined);
  // Gone in the meantime: nothing to remove.
  if (!info) return { bytes: 0, changedAt: Number.POSITIVE_INFINITY };
  if (!info.isDirectory()) return { bytes: info.size, changedAt: info.mtimeMs };
  const parts = await Promise.all((await readdir(path)).map((name) => measure(join(path, name))));
  return {
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    changedAt: parts.reduce((last, { changedAt }) => Math.max(last, changedAt), parts.length === 0 ? info.mtimeMs : 0),
  };
}
