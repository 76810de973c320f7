import type { ProgressEvent, ProgressListener, RunningAttempt } from "../driver/progress-events.ts";
import { RunTally, type TypeTally } from "./tally.ts";
import { duration, harmless, oneLine } from "./text.ts";

/** How often a run without news says how far it is, in milliseconds. */
const EVERY_MS = 10_000;
/** Of so many attempts that run for long it is said what they use. */
const LONGEST = 3;

/** `22/64 train, 3 cached, 4 running` */
function describeTally({ name, total, done, cached, running, failed, cancelled, retried }: TypeTally): string {
  const parts = [`${done}/${total} ${name}`];
  if (cached > 0) parts.push(`${cached} cached`);
  if (running > 0) parts.push(`${running} running`);
  if (retried > 0) parts.push(`${retried} retried`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (cancelled > 0) parts.push(`${cancelled} not run`);
  return parts.join(", ");
}

/** Digits of an executor's id that are shown: its end tells it from its neighbours. */
const ID_DIGITS = 6;

/** `train({ seed: 1 }), attempt 2 on local …4f-0: 34 s, CPU 98 %, 412 MB (peak 515 MB)` */
export function describeAttempt(attempt: RunningAttempt, now: number): string {
  const { task, lane, executor = "", since, cpuPercent, memoryMb, peakMemoryMb } = attempt;
  const where = `${lane}${executor === "" ? "" : ` …${executor.slice(-ID_DIGITS)}`}`;
  const peak = peakMemoryMb !== undefined && peakMemoryMb !== memoryMb ? ` (peak ${peakMemoryMb} MB)` : "";
  const parts = [
    duration(now - since),
    ...(cpuPercent === undefined ? [] : [`CPU ${cpuPercent} %`]),
    ...(memoryMb === undefined ? [] : [`${memoryMb} MB${peak}`]),
  ];
  return `${oneLine(task)}, attempt ${attempt.attempt} on ${where}: ${parts.join(", ")}`;
}

/** One line for an event that is worth one, or undefined. */
export function describeEvent(event: ProgressEvent): string | undefined {
  switch (event.type) {
    case "log":
      return `${oneLine(event.task)} ${event.level === "info" ? "" : `${event.level}: `}${harmless(event.text)}`;
    case "task-retried":
      return `retry ${oneLine(event.task)}, attempt ${event.attempt}: ${event.kind}: ${harmless(event.seen)}; ${harmless(event.why)}${
        event.delayMs > 0 ? `, in ${duration(event.delayMs)}` : ""
      } on ${event.lane}`;
    case "second-attempt":
      return `${oneLine(event.task)}: ${harmless(event.why)}, on ${event.lane}`;
    case "task-failed":
      // Those that never ran are told of by the count: one line each would bury what matters.
      return event.kind === "cancelled" ? undefined : `failed ${harmless(event.message)}`;
    case "notice":
      return harmless(event.text);
    default:
      return undefined;
  }
}

/** Progress as plain lines, for logs and wherever there is no terminal. */
export function lineProgress(write: (line: string) => void): ProgressListener {
  const runs = new Map<string, RunTally>();
  let lastSummary = 0;
  const summary = (run: RunTally, now: number) => {
    const remaining = run.remainingMs(now);
    const left = remaining === undefined ? "" : `, about ${duration(remaining)} left`;
    write(
      `run ${run.runId}: ${[...run.types.values()].map(describeTally).join("; ")} (${duration(now - run.startedAt)}${left}${run.describeCost()})`,
    );
    for (const attempt of run.attempts.slice(0, LONGEST)) write(`  ${describeAttempt(attempt, now)}`);
    lastSummary = now;
  };
  return (event) => {
    const line = describeEvent(event);
    if (line !== undefined) write(line);
    if (event.type === "run-started") {
      const run = new RunTally(event);
      runs.set(event.runId, run);
      const what = event.types.map(
        ({ name, total, cached }) => `${total} ${name}${cached > 0 ? ` (${cached} cached)` : ""}`,
      );
      write(`run ${event.runId} on ${event.runner}: ${what.join(", ") || "nothing to do"}`);
      lastSummary = event.at;
      return;
    }
    const run = "runId" in event ? runs.get(event.runId) : undefined;
    if (!run) return;
    run.add(event);
    if (event.type === "run-ended") {
      runs.delete(event.runId);
      run.attempts = [];
      summary(run, event.at);
    } else if (event.at - lastSummary > EVERY_MS) {
      lastSummary = event.at;
      // A moment later, when those that begin in place of one that ended have been told of, too.
      queueMicrotask(() => summary(run, event.at));
    }
  };
}
