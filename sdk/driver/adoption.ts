import type { Scheduler } from "../core/scheduler.ts";
import type { Journal, JournalAssignment, JournalAttempt } from "../stores/journal.ts";
import type { AdoptedFrom } from "../wire/adopted.ts";
import type { InFlightBook } from "./in-flight.ts";
import type { TaskEntry } from "./task-entry.ts";

/** An attempt whose driver is gone, and which may still be running. */
export interface Orphan {
  readonly lane: string;
  readonly attempt: number;
  readonly generation: number;
  readonly from: AdoptedFrom;
}

/** What may still be running of what is written in journals whose drivers are gone, by cache keys. */
export function orphansIn(journals: readonly Pick<Journal, "runId" | "lab" | "assignments">[], now: number) {
  const orphans = new Map<string, Orphan>();
  for (const journal of journals) {
    for (const assignment of journal.assignments) {
      if (assignment.deadline < now) continue;
      for (const attempt of assignment.attempts) orphans.set(attempt.key, orphanOf(journal, assignment, attempt));
    }
  }
  return orphans;
}

function orphanOf(
  journal: Pick<Journal, "runId" | "lab">,
  assignment: JournalAssignment,
  attempt: JournalAttempt,
): Orphan {
  const {
    id,
    lane,
    executor,
    dispatchedAt,
    deadline,
    feedShard,
    lab = journal.lab,
    runId = journal.runId,
  } = assignment;
  const shard = feedShard === undefined ? {} : { feedShard };
  const from = { lab, assignment: id, runId, task: attempt.task, executor, dispatchedAt, deadline, ...shard };
  return { lane, attempt: attempt.attempt, generation: attempt.generation, from };
}

interface Adoption {
  readonly scheduler: Scheduler;
  readonly inFlight: InFlightBook;
}

/** An attempt that was taken over. */
export interface Adopted {
  readonly entry: TaskEntry;
  readonly assignment: string;
  readonly attempt: number;
  readonly lane: ReturnType<Scheduler["laneOf"]>;
  readonly orphan: Orphan;
}

/** Takes over what is in flight of the tasks of a run, before it is opened; what is taken over is no orphan any more. */
export function adoptOrphans(
  { scheduler, inFlight }: Adoption,
  orphans: Map<string, Orphan>,
  entries: readonly TaskEntry[],
  run: number,
): Adopted[] {
  const adopted: Adopted[] = [];
  for (const entry of entries) {
    const orphan = orphans.get(entry.planned.key);
    // What is computed anew from a later generation on would not be replaced by it.
    if (!orphan || entry.run !== run || orphan.generation < entry.generation) continue;
    const taken = scheduler.adopt(entry.task, orphan.attempt, orphan.lane);
    if (!taken) continue;
    orphans.delete(entry.planned.key);
    const assignment = String(taken.assignment);
    inFlight.adopt(assignment, taken.lane, entry.task, orphan.from);
    adopted.push({ entry, assignment, attempt: orphan.attempt, lane: taken.lane, orphan });
  }
  return adopted;
}
