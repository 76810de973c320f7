import type { WireLogLine } from "../sdk/wire/feed.ts";
import { bytesOfReports } from "../sdk/wire/feed.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";

/**
 * What is told together in one item of a feed, in bytes: three write units of 1 KB, less what else is in an item. A write
 * costs as much as its size, and one request.
 */
const PART_BYTES = 2_800;

/** Halves what is to be told until each part fits an item, in their order; what is larger by itself goes alone. */
function inParts<T>(all: readonly T[], bytesOf: (part: readonly T[]) => number): (readonly T[])[] {
  if (all.length === 0) return [];
  if (all.length === 1 || bytesOf(all) <= PART_BYTES) return [all];
  const middle = all.length >> 1;
  return [...inParts(all.slice(0, middle), bytesOf), ...inParts(all.slice(middle), bytesOf)];
}

/** Log lines in parts that fit an item each. */
export const linesInParts = (lines: readonly WireLogLine[]): (readonly WireLogLine[])[] =>
  inParts(lines, (part) => part.reduce((sum, { text }) => sum + text.length + 40, 0));

/** What attempts came to, likewise. */
export const reportsInParts = (reports: readonly AttemptReport[]): (readonly AttemptReport[])[] =>
  inParts(reports, bytesOfReports);
