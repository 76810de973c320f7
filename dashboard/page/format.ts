/** Milliseconds as one says them: `3 ms`, `0.42 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function spell(ms: number | undefined): string {
  if (ms === undefined) return "";
  if (ms < 99.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(ms < 995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** A number with its thousands apart. */
export const count = (value: number): string => value.toLocaleString("en");

/** Dollars, as exact as small ones need. */
export const dollars = (value: number | undefined): string =>
  value === undefined ? "" : value === 0 ? "$0" : `$${value >= 1 ? value.toFixed(2) : value.toPrecision(2)}`;

/** Memory; where nothing was measured in a very short time, nothing. */
export const megabytes = (value: number | undefined): string =>
  value === undefined || value === 0 ? "" : `${count(Math.round(value))} MB`;

/** A moment, in the reader's own time. */
export const moment = (at: number): string =>
  new Date(at).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** Bytes as one says them. */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} kB`;
  return `${(value / 1_000_000).toFixed(1)} MB`;
}
