import type { FailureKind } from "../wire/outcome.ts";

/** What is known of a process that ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What the one that ended it left as a reason. */
  readonly note?: { readonly kind: "timeout" | "out-of-memory" | "orphaned"; readonly seen: string } | undefined;
  /** Its last lines on standard error. */
  readonly errorTail: readonly string[];
}

/** A kind of failure, and the words that speak for it. */
export interface Classified {
  readonly kind: FailureKind;
  readonly seen: string;
}

/** V8's own words before it aborts: "Reached heap limit Allocation failed - JavaScript heap out of memory". */
const HEAP_LIMIT = /heap out of memory|Reached heap limit|Array buffer allocation failed.*fatal/i;

/** What the death of an executor process means. */
export function classifyProcessEnd({ exitCode, signal, note, errorTail }: ProcessEnd): Classified {
  if (note?.kind === "orphaned") return { kind: "cancelled", seen: note.seen };
  if (note) return { kind: note.kind, seen: note.seen };
  const heapLimit = errorTail.find((line) => HEAP_LIMIT.test(line));
  if (heapLimit) return { kind: "out-of-memory", seen: heapLimit.trim() };
  const how = signal ? `killed by ${signal}` : `exit code ${exitCode}`;
  const last = errorTail.findLast((line) => line.trim() !== "");
  return { kind: "executor-lost", seen: last ? `${how}: ${last.trim()}` : how };
}
