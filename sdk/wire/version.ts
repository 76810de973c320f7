import { LabError } from "./lab-error.ts";
import { PROTOCOL_VERSION } from "./protocol.ts";

/** Kind of the error for what only a newer stratolab can read. */
const NEWER_VERSION = "newer-version";
/** Kind of the error for who speaks a version that this one no longer does. */
const OLDER_VERSION = "older-version";

export const isNewerVersion = (error: unknown): error is LabError =>
  error instanceof LabError && error.kind === NEWER_VERSION;

/**
 * Refuses what a newer stratolab wrote: guessing at it could give a wrong result.
 *
 * @param what What was met, such as `the stored result R#…`.
 * @param found Version that it carries.
 * @throws LabError of kind `newer-version`.
 */
export function refuseNewer(what: string, found: unknown): void {
  if (!(Number(found) > PROTOCOL_VERSION)) return;
  throw new LabError(
    NEWER_VERSION,
    `${what} has version ${Number(found)}, this stratolab reads up to ${PROTOCOL_VERSION}: a newer one wrote it. ` +
      'Update stratolab to that version ("npm install stratolab@latest")',
  );
}

/**
 * Refuses whoever speaks another version, newer or older.
 *
 * @param who Who speaks, such as `the driver`.
 * @param listener Who listens, such as `this executor`.
 * @param found Version of who speaks.
 * @param mend What mends it, by which of the two is the older.
 * @throws LabError of kind `newer-version` or `older-version`.
 */
export function requireSameVersion(
  who: string,
  listener: string,
  found: unknown,
  mend: { readonly whenNewer: string; readonly whenOlder: string },
): void {
  if (found === PROTOCOL_VERSION) return;
  const isNewer = Number(found) > PROTOCOL_VERSION;
  throw new LabError(
    isNewer ? NEWER_VERSION : OLDER_VERSION,
    `${who} speaks version ${String(found)}, ${listener} version ${PROTOCOL_VERSION}. ${isNewer ? mend.whenNewer : mend.whenOlder}`,
  );
}
