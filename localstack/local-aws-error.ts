/**
 * The local AWS cannot start or a deploy on it failed. The message is for the person at the
 * terminal: what happened, and what to do about it.
 */
export class LocalAwsError extends Error {
  override readonly name = "LocalAwsError";
}
