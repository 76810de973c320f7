import type { Task } from "stratolab";
import { mergeCounts } from "./tasks.ts";
import type { WordCounts } from "./words.ts";

/** How many counts one task adds up. */
const FAN_IN = 8;

/** A tree of tasks: each adds up what a few others counted, until one is left. */
export function reduce(parts: readonly Task<WordCounts>[]): Task<WordCounts> {
  if (parts.length === 1) return parts[0];
  const sums: Task<WordCounts>[] = [];
  for (let from = 0; from < parts.length; from += FAN_IN) {
    sums.push(mergeCounts({ parts: parts.slice(from, from + FAN_IN) }));
  }
  return reduce(sums);
}
