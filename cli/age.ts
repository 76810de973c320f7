import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** An age such as `30d`, in milliseconds. */
export function parseAge(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([mhdw])$/.exec(text) ?? [];
  const ms = Number(amount) * UNITS_MS[unit ?? ""];
  if (!(ms > 0)) throw new InvalidArgumentError("An age is a number above 0 and m, h, d or w, such as 30d.");
  return ms;
}
