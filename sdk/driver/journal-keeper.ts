import type { ControlTable } from "../stores/control-table.ts";
import { type JournalAssignment, writeJournal } from "../stores/journal.ts";
import type { InFlight, InFlightBook } from "./in-flight.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";
import { thisProcess } from "./this-process.ts";

/** A run that is over sooner has no journal, in milliseconds. */
const FIRST_AFTER_MS = 250;
/** How often what is in flight is written down, in milliseconds. */
const WRITE_EVERY_MS = 1_000;
/** Longest attempt of a task without a bound of its own, in milliseconds: a day. */
const UNBOUNDED_MS = 24 * 3600 * 1000;

interface JournalKeeperOptions {
  readonly table: ControlTable;
  readonly namespace: string;
  readonly labId: string;
  readonly inFlight: InFlightBook;
  /** Whether an attempt needs nothing more of its driver: one that runs tasks of its own does. */
  isAlone(task: number): boolean;
  entryOf(task: number): TaskEntry;
  /** The run that a task is part of, also where another task runs it. */
  runOf(entry: TaskEntry): RunState;
  attemptOf(task: number): number;
  /** Resolves when it is known whose the runs are: a driver that was replaced writes nothing. */
  certain(): Promise<void>;
}

interface Kept {
  readonly run: RunState;
  pages: number;
  writtenAt: number;
  isDirty: boolean;
  timer: NodeJS.Timeout | undefined;
  writing: Promise<void>;
}

/**
 * Writes down what is in flight, at most once a second, where attempts outlive their driver: the next one
 * waits for them instead of making them again. What was dispatched within the last second of a driver that
 * is killed may be made twice; the first commit counts.
 */
export class JournalKeeper {
  readonly #options: JournalKeeperOptions;
  readonly #kept = new Map<RunState, Kept>();

  constructor(options: JournalKeeperOptions) {
    this.#options = options;
  }

  begin(run: RunState): void {
    this.#kept.set(run, {
      run,
      pages: 0,
      writtenAt: 0,
      isDirty: false,
      timer: undefined,
      writing: Promise.resolve(),
    });
  }

  /** Something of a run was dispatched, or has ended. */
  changed(run: RunState): void {
    const kept = this.#kept.get(run);
    if (!kept) return;
    kept.isDirty = true;
    if (kept.timer) return;
    const due = Math.max(kept.run.startedAt + FIRST_AFTER_MS, kept.writtenAt + WRITE_EVERY_MS);
    kept.timer = setTimeout(
      () => {
        kept.timer = undefined;
        void this.#write(kept);
      },
      Math.max(0, due - Date.now()),
    ).unref();
  }

  /** Resolves when what is in flight of a run is written, to be taken over from there. */
  async handOver(run: RunState): Promise<void> {
    const kept = this.#kept.get(run);
    if (!kept) return;
    this.#forget(kept);
    kept.isDirty = true;
    await this.#write(kept);
  }

  /** A run is over. */
  async end(run: RunState): Promise<void> {
    const kept = this.#kept.get(run);
    if (!kept) return;
    this.#forget(kept);
    await kept.writing;
    const { table, namespace, labId: lab } = this.#options;
    if (kept.pages === 0 || run.lost) return;
    const empty = { runId: run.id, lab, driver: thisProcess(), assignments: [] };
    await writeJournal(table, namespace, empty, kept.pages).catch(() => {});
  }

  #forget(kept: Kept): void {
    clearTimeout(kept.timer);
    this.#kept.delete(kept.run);
  }

  #write(kept: Kept): Promise<void> {
    kept.writing = kept.writing.then(async () => {
      const { table, namespace, labId: lab, certain } = this.#options;
      await certain();
      if (!kept.isDirty || (kept.run.lost && !kept.run.isHandedOver)) return;
      kept.isDirty = false;
      kept.writtenAt = Date.now();
      const journal = { runId: kept.run.id, lab, driver: thisProcess(), assignments: this.#assignmentsOf(kept.run) };
      // Without it, what is in flight is made again: that costs something, and loses nothing.
      kept.pages = await writeJournal(table, namespace, journal, kept.pages).catch(() => kept.pages);
    });
    return kept.writing;
  }

  #assignmentsOf(run: RunState): JournalAssignment[] {
    const { inFlight, entryOf, runOf, isAlone } = this.#options;
    const assignments: JournalAssignment[] = [];
    for (const [id, flying] of inFlight) {
      const [first] = flying.open;
      if (first === undefined || runOf(entryOf(first)) !== run || flying.adoptedFrom) continue;
      if (![...flying.open].every(isAlone)) continue;
      assignments.push(this.#described(id, flying));
    }
    return assignments;
  }

  #described(id: string, { lane, executor, dispatchedAt, open }: InFlight): JournalAssignment {
    const { entryOf, attemptOf } = this.#options;
    let boundMs = 0;
    const attempts = [...open].map((task) => {
      const { planned, generation } = entryOf(task);
      boundMs += planned.demand.timeoutMs ?? UNBOUNDED_MS;
      return { key: planned.key, task, attempt: attemptOf(task), generation };
    });
    const deadline = dispatchedAt + Math.min(boundMs, lane.maxTimeoutMs ?? boundMs);
    return { id, lane: lane.name, executor, dispatchedAt, deadline, attempts };
  }
}
