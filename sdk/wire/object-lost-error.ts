import { LabError } from "./lab-error.ts";

/**
 * A stored value is not there, or is not what it was when it was stored. Results, and what tasks put, are made
 * again by running their tasks; what `lab.put` stored cannot be made again by anybody but its caller.
 *
 * @example
 * try {
 *   await lab.get(ref);
 * } catch (error) {
 *   if (error instanceof ObjectLostError) console.error(error.object, error.message);
 * }
 */
export class ObjectLostError extends LabError {
  /** Key of the object in the store. */
  readonly object: string;

  constructor(object: string, why: string) {
    super("object-lost", `${object} ${why}`);
    this.object = object;
  }
}
