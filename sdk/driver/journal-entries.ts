import type { JournalAssignment } from "../stores/journal.ts";
import type { InFlight, InFlightBook } from "./in-flight.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Longest attempt of a task without a bound of its own, in milliseconds: a day. */
const UNBOUNDED_MS = 24 * 3600 * 1000;

/** What is in flight, and what is known of it. */
export interface Flying {
  readonly inFlight: InFlightBook;
  /** Whether an attempt needs nothing more of its driver: one that runs tasks of its own does. */
  isAlone(task: number): boolean;
  entryOf(task: number): TaskEntry;
  attemptOf(task: number): number;
}

/**
 * What the next driver of a run can take over: attempts that this one has begun, and those that it has
 * taken over itself.
 *
 * @param isOf Whether a task is part of the run, also where another task runs it.
 */
export function inFlightOf(isOf: (entry: TaskEntry) => boolean, flying: Flying): JournalAssignment[] {
  const assignments: JournalAssignment[] = [];
  for (const [id, each] of flying.inFlight) {
    const open = [...each.open].filter((task) => !each.takenBack.has(task));
    const [first] = open;
    if (first === undefined || !isOf(flying.entryOf(first))) continue;
    if (!open.every((task) => flying.isAlone(task))) continue;
    assignments.push(each.adoptedFrom ? takenOver(each, open, flying) : begunHere(id, each, open, flying));
  }
  return assignments;
}

function begunHere(
  id: string,
  { lane, executor, dispatchedAt, feedShard, attempts: numbers }: InFlight,
  open: readonly number[],
  flying: Flying,
): JournalAssignment {
  let boundMs = 0;
  const attempts = open.map((task) => {
    const { planned, generation } = flying.entryOf(task);
    boundMs += planned.demand.timeoutMs ?? UNBOUNDED_MS;
    return { key: planned.key, task, attempt: numbers?.get(task) ?? flying.attemptOf(task), generation };
  });
  const deadline = dispatchedAt + Math.min(boundMs, lane.maxTimeoutMs ?? boundMs);
  const shard = feedShard === undefined ? {} : { feedShard };
  return { id, lane: lane.name, executor, dispatchedAt, deadline, attempts, ...shard };
}

/** By the names that its own driver and its executor know it by. */
function takenOver({ lane, adoptedFrom }: InFlight, open: readonly number[], flying: Flying): JournalAssignment {
  const {
    lab,
    assignment: id,
    runId,
    task,
    executor,
    dispatchedAt,
    deadline,
    feedShard,
  } = adoptedFrom as NonNullable<InFlight["adoptedFrom"]>;
  const attempts = open.map((each) => {
    const { planned, generation } = flying.entryOf(each);
    return { key: planned.key, task, attempt: flying.attemptOf(each), generation };
  });
  const shard = feedShard === undefined ? {} : { feedShard };
  return { id, lab, runId, lane: lane.name, executor, dispatchedAt, deadline, attempts, ...shard };
}
