import { LabOptionError } from "./errors.ts";

/** Refuses options that nobody would look at: a mistyped name must not be ignored. */
export function checkNames(where: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new LabOptionError(`${where}: unknown option ${name}; known are ${known.join(", ")}`);
  }
}
