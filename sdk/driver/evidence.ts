import type { Lane } from "../core/offer.ts";
import type { AttemptEvidence } from "../errors.ts";
import type { Failure, FailureKind } from "../wire/outcome.ts";
import { usageOf } from "./attempt-usage.ts";
import type { InFlight } from "./in-flight.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What was seen of a failure, until it is known what follows from it. */
export interface Seen {
  readonly failure: Failure;
  readonly inFlight: InFlight | undefined;
  /** Where it happened, if not to an attempt in flight. */
  readonly lane?: Lane;
  /** Dollars that the attempt cost; of several that are held responsible, the first bears it. */
  costUsd?: number;
}

/** Collects what was seen of failures, and joins it with what was decided. */
export class EvidenceBook {
  readonly #runnerName: string;
  readonly #byTask = new Map<number, Seen>();
  #shared: Seen | undefined;

  /** When the run of a task began, where the task could begin with it. */
  readonly #begunAt: (entry: TaskEntry) => number | undefined;

  constructor(runnerName: string, begunAt: (entry: TaskEntry) => number | undefined) {
    this.#runnerName = runnerName;
    this.#begunAt = begunAt;
  }

  /** Runs something that decides on the failure of one task. */
  forTask(task: number, seen: Seen, decide: () => void): void {
    this.#byTask.set(task, seen);
    decide();
    this.#byTask.delete(task);
  }

  /** Runs something that decides which tasks a failure is held against. */
  forAll(seen: Seen, decide: () => void): void {
    this.#shared = seen;
    decide();
    this.#shared = undefined;
  }

  /** Whether a failure is being decided on that this task may be held responsible for. */
  isAbout(task: number): boolean {
    return this.#byTask.has(task) || this.#shared !== undefined;
  }

  /** Notes what happened to a task's attempt, and what was decided. */
  note(entry: TaskEntry, lastAttempt: number, kind: FailureKind, decided: string): void {
    const seen = this.#byTask.get(entry.task) ?? this.#shared;
    if (!seen) return;
    const { failure, inFlight, lane, costUsd = 0 } = seen;
    seen.costUsd = 0;
    const now = Date.now();
    entry.lastFailure = failure;
    entry.evidence ??= [];
    entry.evidence.push({
      // An executor that did not start is held against the attempt that it was wanted for.
      attempt: lane ? lastAttempt + 1 : (inFlight?.attempts?.get(entry.task) ?? lastAttempt),
      kind,
      ...placeOf(inFlight?.lane ?? lane, this.#runnerName),
      executor: inFlight?.executor ?? failure.executor ?? "",
      startedAt: failure.usage?.startedAt ?? inFlight?.dispatchedAt ?? now,
      endedAt: failure.usage?.endedAt ?? now,
      seen: failure.seen,
      decided,
      ...(failure.usage
        ? {
            peakMemoryMb: failure.usage.peakMemoryMb,
            usage: usageOf(entry, failure.usage, inFlight, this.#begunAt(entry)),
          }
        : {}),
      costUsd,
    });
  }

  /** An attempt is ended that nobody waits for any more: another one has brought the result, or will not be waited for. */
  outrun(entry: TaskEntry, inFlight: InFlight): void {
    this.#ended(entry, inFlight, "it was still at work", "ended, since nobody waits for it any more; free of charge");
  }

  /** An attempt is ended that waits for tasks of its own, since these were cancelled for another run. */
  madeAgain(entry: TaskEntry, inFlight: InFlight): void {
    const seen = "tasks that it runs were cancelled for another run, which had asked for it first";
    this.#ended(entry, inFlight, seen, "made again, since this run wants it; free of charge");
  }

  #ended(entry: TaskEntry, inFlight: InFlight, seen: string, decided: string): void {
    const attempt = inFlight.attempts?.get(entry.task);
    if (attempt === undefined) return;
    entry.evidence ??= [];
    entry.evidence.push({
      attempt,
      kind: "cancelled",
      ...placeOf(inFlight.lane, this.#runnerName),
      executor: inFlight.executor ?? "",
      startedAt: inFlight.dispatchedAt,
      endedAt: Date.now(),
      seen,
      decided,
      costUsd: 0,
    });
  }

  /** An attempt has waited too long for tasks of its own. */
  suspended(
    entry: TaskEntry,
    attempt: number,
    {
      inFlight,
      executor,
      usage,
      costUsd,
    }: Pick<NonNullable<TaskEntry["success"]>, "inFlight" | "usage" | "costUsd"> & {
      readonly executor: string;
    },
  ): void {
    const { startedAt, endedAt, peakMemoryMb } = usage;
    entry.evidence ??= [];
    entry.evidence.push({
      attempt,
      kind: "suspended",
      ...placeOf(inFlight?.lane, this.#runnerName),
      executor,
      startedAt,
      endedAt,
      seen: "it waited for tasks that it runs",
      decided: "made again when they have ended; free of charge",
      peakMemoryMb,
      usage: usageOf(entry, usage, inFlight, this.#begunAt(entry)),
      costUsd,
    });
  }

  /** What is known of all of a task's attempts; none where its result was found in the cache. */
  attemptsOf(entry: TaskEntry): readonly AttemptEvidence[] {
    const { evidence = [], success } = entry;
    if (!success) return evidence;
    const { attempt, costUsd, inFlight, usage, executor = inFlight?.executor ?? "" } = success;
    const { startedAt, endedAt, peakMemoryMb } = usage;
    const last: AttemptEvidence = {
      attempt,
      kind: "ok",
      ...placeOf(inFlight?.lane, this.#runnerName),
      executor,
      startedAt,
      endedAt,
      seen: `it took ${endedAt - startedAt} ms`,
      decided: "its result is kept",
      peakMemoryMb,
      usage: usageOf(entry, usage, inFlight, this.#begunAt(entry)),
      costUsd,
    };
    // One of two that was ended may have begun later than the one that brought the result.
    return [...evidence, last].sort((one, other) => one.attempt - other.attempt);
  }
}

function placeOf(lane: Lane | undefined, runnerName: string): Pick<AttemptEvidence, "lane" | "memoryMb"> {
  return { lane: lane?.name ?? runnerName, ...(lane?.memoryMb === undefined ? {} : { memoryMb: lane.memoryMb }) };
}
