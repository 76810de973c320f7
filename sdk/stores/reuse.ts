import type { StoredObject } from "./object-store.ts";

/**
 * An object older than this is made young when it is found instead of written, in milliseconds. Clean-ups
 * take nothing that is younger than twice this.
 */
export const REFRESH_AFTER_MS = 30 * 60_000;

interface Found {
  stat(): Promise<StoredObject | undefined>;
  /** Makes it young; false where it is gone. */
  refresh(found: StoredObject): Promise<boolean>;
  /** Waits for a clean-up that is deleting objects; false where none is. */
  sweepEnded(): Promise<boolean>;
}

/**
 * Makes sure that an object that was found stays, however old it is. It is made young first and only then
 * it is asked whether a clean-up is deleting; a clean-up says that it is deleting first and only then looks
 * how old objects are. So either the clean-up sees the object young, or it is waited for here.
 *
 * @returns False when it is not there.
 */
export async function reuse({ stat, refresh, sweepEnded }: Found): Promise<boolean> {
  for (;;) {
    const found = await stat();
    if (!found) return false;
    if (Date.now() - found.modifiedAtMs < REFRESH_AFTER_MS) return true;
    if (!(await refresh(found))) return false;
    if (!(await sweepEnded())) return true;
  }
}
