import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Makes all files below a folder so old, but those of the control table. */
export async function ageBelow(folder: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && !entry.name.startsWith("control.lmdb")) {
      await utimes(join(entry.parentPath, entry.name), then, then);
    }
  }
}
