import { inspect } from "node:util";
import { LabOptionError } from "./errors.ts";

/** What an option may be, in words and as a test. */
export interface Rule {
  readonly allowed: string;
  holds(value: unknown): boolean;
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 1, breakLength: Infinity });
}

/** Refuses options that nobody would look at: a mistyped name must not be ignored. */
export function checkNames(where: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new LabOptionError(`${where}: unknown option ${name}; known are ${known.join(", ")}`);
  }
}
