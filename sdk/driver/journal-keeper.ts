import type { ControlTable } from "../stores/control-table.ts";
import { journalBytes, writeJournal } from "../stores/journal.ts";
import { type Flying, inFlightOf } from "./journal-entries.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";
import { thisProcess } from "./this-process.ts";

/** A run that is over sooner has no journal, in milliseconds. */
const FIRST_AFTER_MS = 250;
/** How often what is in flight is written down, in milliseconds, where it is little. */
const WRITE_EVERY_MS = 1_000;
/**
 * Where so much is in flight, it is written less often: journals of a namespace share a partition of the table, which
 * takes a thousand units of 1 KB a second.
 */
const BYTES_A_SECOND = 200_000;

interface JournalKeeperOptions extends Flying {
  readonly table: ControlTable;
  readonly namespace: string;
  readonly labId: string;
  /** The run that a task is part of, also where another task runs it. */
  runOf(entry: TaskEntry): RunState;
  /** Resolves when it is known whose the runs are: a driver that was replaced writes nothing. */
  certain(): Promise<void>;
}

interface Kept {
  readonly run: RunState;
  pages: number;
  writtenAt: number;
  /** How long the next writing waits after the last, in milliseconds. */
  pauseMs: number;
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
      pauseMs: WRITE_EVERY_MS,
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
    const due = Math.max(kept.run.startedAt + FIRST_AFTER_MS, kept.writtenAt + kept.pauseMs);
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
    const empty = { runId: run.id, lab, driver: thisProcess(), epoch: run.epoch, assignments: [] };
    await writeJournal(table, namespace, empty, kept.pages).catch(() => {});
  }

  #forget(kept: Kept): void {
    clearTimeout(kept.timer);
    this.#kept.delete(kept.run);
  }

  #write(kept: Kept): Promise<void> {
    kept.writing = kept.writing.then(async () => {
      const { table, namespace, labId: lab, runOf, certain } = this.#options;
      await certain();
      if (!kept.isDirty || (kept.run.lost && !kept.run.isHandedOver)) return;
      kept.isDirty = false;
      kept.writtenAt = Date.now();
      const { id: runId, epoch } = kept.run;
      const assignments = inFlightOf((entry) => runOf(entry) === kept.run, this.#options);
      kept.pauseMs = Math.max(WRITE_EVERY_MS, (journalBytes(assignments) / BYTES_A_SECOND) * 1_000);
      const journal = { runId, lab, driver: thisProcess(), epoch, assignments };
      // Without it, what is in flight is made again: that costs something, and loses nothing.
      kept.pages = await writeJournal(table, namespace, journal, kept.pages).catch(() => kept.pages);
    });
    return kept.writing;
  }
}
