import type { Classified } from "./classify.ts";

/** What DescribeTasks says of an ECS task that has stopped. */
export interface StoppedEcsTask {
  readonly stopCode?: string | undefined;
  readonly stoppedReason?: string | undefined;
  /** May be empty: of a task that failed to start, AWS sometimes lists none. */
  readonly containers: readonly { readonly exitCode?: number | undefined; readonly reason?: string | undefined }[];
  /** It said of itself that it was working before it stopped. */
  readonly hadStarted: boolean;
}

const START_FAILURES =
  /CannotPullContainerError|CannotStartContainerError|CannotCreateVolumeError|ContainerRuntimeTimeoutError|ResourceInitializationError|CannotPullImageManifestError/;
const CAPACITY = /Capacity is unavailable|RESOURCE:|insufficient capacity|rate exceeded/i;
const OUT_OF_MEMORY = /OutOfMemoryError|OOM-killed|out of memory/i;

/**
 * What the end of an ECS task means. The order matters: a Spot interruption may come with any exit
 * code, 137 too; an OutOfMemoryError reason may come with exit code 0.
 */
export function classifyEcsStop({ stopCode, stoppedReason = "", containers, hadStarted }: StoppedEcsTask): Classified {
  const [container] = containers;
  const words = [stopCode, stoppedReason, container?.reason].filter(Boolean);
  if (container?.exitCode !== undefined) words.push(`exit code ${container.exitCode}`);
  const seen = words.join("; ") || "the ECS task stopped without a reason";
  const reasons = `${stoppedReason} ${container?.reason ?? ""}`;

  if (
    stopCode === "SpotInterruption" ||
    stopCode === "TerminationNotice" ||
    /Spot Task was interrupted/i.test(reasons)
  ) {
    return { kind: "spot-interruption", seen };
  }
  if (OUT_OF_MEMORY.test(reasons)) return { kind: "out-of-memory", seen };
  if (CAPACITY.test(reasons)) return { kind: "throttled", seen };
  if (stopCode === "TaskFailedToStart" || START_FAILURES.test(reasons)) return { kind: "start-failed", seen };
  // The kernel's kill leaves no word; a kill that somebody asked for comes with a stop code of its own.
  const endedByItself = stopCode === undefined || stopCode === "EssentialContainerExited";
  if (container?.exitCode === 137 && endedByItself) return { kind: "out-of-memory", seen };
  if (!hadStarted && stopCode !== "UserInitiated") return { kind: "start-failed", seen };
  return { kind: "executor-lost", seen };
}

/** One entry of `failures[]` in the answer to RunTask or DescribeTasks. */
export interface EcsFailure {
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
}

/** Why RunTask placed less than it was asked for. */
export function classifyEcsFailure({
  reason = "",
  detail,
}: EcsFailure): Classified & { kind: "throttled" | "start-failed" } {
  const seen =
    [reason, detail].filter(Boolean).join(": ") || "RunTask started less than it was asked for, without a reason";
  // Agents come back, and resources are freed; a missing attribute stays missing.
  const passes = CAPACITY.test(reason) || reason === "AGENT";
  return { kind: passes ? "throttled" : "start-failed", seen };
}
