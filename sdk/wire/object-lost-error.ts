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
  /** Cache key of the task that can make it again, where it is known. */
  readonly producer: string | undefined;

  constructor(object: string, why: string, producer?: string) {
    super("object-lost", `${object} ${why}`);
    this.object = object;
    this.producer = producer;
  }
}

/** The loss that an error is, or was caused by. */
export function lostIn(error: unknown): ObjectLostError | undefined {
  let each = error;
  for (let depth = 0; depth < 10 && each instanceof Error; depth++) {
    if (each instanceof ObjectLostError) return each;
    each = each.cause;
  }
  return undefined;
}
