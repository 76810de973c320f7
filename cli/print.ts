import { duration } from "../sdk/progress/text.ts";

/** JSON in which nothing is left that a terminal would obey: JSON itself escapes only what lies below the space. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );

/** Prints a value for machines or, described, for people. */
export function print<T>(json: true | undefined, value: T, describe: (value: T) => string): void {
  process.stdout.write(`${json ? toJson(value, 2) : describe(value)}\n`);
}

/** A time that may be short: `0.3 ms`, `120 ms`, and then as {@link duration} says it. */
export function precise(ms: number): string {
  if (ms >= 1_000) return duration(ms);
  return ms === 0 || ms >= 10 ? `${Math.round(ms)} ms` : `${Number(ms.toPrecision(2))} ms`;
}

/** A moment as `2026-11-21 14:05:01`, in UTC. */
export const moment = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace("T", " ");
