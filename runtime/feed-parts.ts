import { pack } from "msgpackr";
import type { WireLogLine } from "../sdk/wire/feed.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";

/** What is told together in one item of a feed, in bytes: a write costs as much as its size, and one request. */
const PART_BYTES = 3_000;

/** Divides what is to be told into parts that fit an item each, in their order; what is larger by itself goes alone. */
function* inParts<T>(all: readonly T[], bytesOf: (each: T) => number): Generator<T[]> {
  let part: T[] = [];
  let size = 0;
  for (const each of all) {
    const bytes = bytesOf(each);
    if (part.length > 0 && size + bytes > PART_BYTES) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(each);
    size += bytes;
  }
  if (part.length > 0) yield part;
}

/** Log lines in parts that fit an item each. */
export const linesInParts = (lines: readonly WireLogLine[]): Generator<WireLogLine[]> =>
  inParts(lines, ({ text }) => text.length + 40);

/** What attempts came to, likewise. */
export const reportsInParts = (reports: readonly AttemptReport[]): Generator<AttemptReport[]> =>
  inParts(reports, (report) => pack(report).byteLength);
