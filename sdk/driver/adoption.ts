import type { Scheduler } from "../core/scheduler.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { type JournalAssignment, type JournalAttempt, readJournals } from "../stores/journal.ts";
import { isLabAlive } from "../stores/lab-life.ts";
import type { AdoptedFrom } from "../wire/adopted.ts";
import type { InFlightBook } from "./in-flight.ts";
import type { TaskEntry } from "./task-entry.ts";
import { isCertainlyGone } from "./this-process.ts";

/** An attempt whose driver is gone, and which may still be running. */
export interface Orphan {
  readonly lane: string;
  readonly attempt: number;
  readonly generation: number;
  readonly from: AdoptedFrom;
}

/**
 * Attempts in flight whose drivers are gone, by the cache keys of their tasks: of this very run, which is
 * driven from here now, and of others whose driver is dead.
 */
export async function findOrphans(
  table: ControlTable,
  namespace: string,
  runId: string,
  labId: string,
): Promise<Map<string, Orphan>> {
  const orphans = new Map<string, Orphan>();
  for (const { runId: other, lab, driver, assignments } of await readJournals(table, namespace)) {
    if (lab === labId) continue;
    const isLeft = other === runId || isCertainlyGone(driver) || !(await isLabAlive(table, lab));
    if (!isLeft) continue;
    for (const assignment of assignments) {
      if (assignment.deadline < Date.now()) continue;
      for (const attempt of assignment.attempts) orphans.set(attempt.key, orphanOf(lab, assignment, attempt));
    }
  }
  return orphans;
}

function orphanOf(lab: string, assignment: JournalAssignment, attempt: JournalAttempt): Orphan {
  const { id, lane, executor, dispatchedAt, deadline } = assignment;
  const from = { lab, assignment: id, task: attempt.task, executor, dispatchedAt, deadline };
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
  readonly from: AdoptedFrom;
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
    adopted.push({ entry, assignment, attempt: orphan.attempt, lane: taken.lane, from: orphan.from });
  }
  return adopted;
}
