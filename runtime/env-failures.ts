import type { Classified } from "../sdk/core/classify.ts";
import type { Failure } from "../sdk/wire/outcome.ts";
import { lastLines } from "./setup-log.ts";

/**
 * A process that ended while it set its environment up; one that ran out of memory did that.
 *
 * @param said What it wrote meanwhile, oldest first.
 */
export function asSetupEnd(end: Classified, said: readonly string[]): Failure {
  if (end.kind !== "executor-lost") return end;
  const seen = `the process ended while it set its runtime environment up: ${end.seen}`;
  return { kind: "setup-failed", seen, log: lastLines(said) };
}

/** A set-up that did not end. @param said What was written meanwhile, oldest first. */
export const setupTimeout = (timeoutMs: number, said: readonly string[]): Failure => ({
  kind: "setup-failed",
  seen: `setting its runtime environment up took longer than its setupTimeoutMs of ${timeoutMs}`,
  log: lastLines(said),
});
