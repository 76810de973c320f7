import { LabError } from "../lab-error.ts";

/**
 * A value that cannot be encoded (`path` says which part of it), or bytes that are not an encoded
 * value: cut short, changed, or written by a newer version.
 */
export class CodecError extends LabError {
  /** Where in the value, such as `params.items[3].fn`; empty when bytes could not be read. */
  readonly path: string;

  constructor(message: string, path = "", options?: { cause?: unknown }) {
    super("not-serializable", message, options);
    this.path = path;
  }
}
