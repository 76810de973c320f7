import { journalDue } from "../core/journal-pace.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { journalBytes, writeJournal } from "../stores/journal.ts";
import { type Flying, inFlightOf } from "./journal-entries.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";
import { thisProcess } from "./this-process.ts";

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
  /** How large it was when it was written last. */
  bytes: number;
  /** What was dispatched since, as far as durations are known, in milliseconds. */
  atStakeMs: number;
  isDirty: boolean;
  timer: NodeJS.Timeout | undefined;
  /** When the timer is due. */
  dueAt: number;
  writing: Promise<void>;
}

/**
 * Writes down what is in flight, where attempts outlive their driver: the next one waits for them instead of making them
 * again. Much work is written down at once, little of it once a second (`core/journal-pace.ts`): what was dispatched since
 * by a driver that is killed may be made twice; the first commit counts.
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
      bytes: 0,
      atStakeMs: 0,
      isDirty: false,
      timer: undefined,
      dueAt: 0,
      writing: Promise.resolve(),
    });
  }

  /**
   * Something of a run was dispatched, or has ended.
   *
   * @param atStakeMs How long what was dispatched may take, all together, as far as that is known.
   */
  changed(run: RunState, atStakeMs = 0): void {
    const kept = this.#kept.get(run);
    if (!kept) return;
    kept.isDirty = true;
    kept.atStakeMs += atStakeMs;
    const now = Date.now();
    const { writtenAt, bytes } = kept;
    const due = journalDue({ startedAt: run.startedAt, writtenAt, bytes, atStakeMs: kept.atStakeMs }, now);
    if (kept.timer && kept.dueAt <= due) return;
    clearTimeout(kept.timer);
    kept.dueAt = due;
    kept.timer = setTimeout(() => {
      kept.timer = undefined;
      void this.#write(kept);
    }, due - now).unref();
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
      kept.atStakeMs = 0;
      const { id: runId, epoch } = kept.run;
      const assignments = inFlightOf((entry) => runOf(entry) === kept.run, this.#options);
      kept.bytes = journalBytes(assignments);
      const journal = { runId, lab, driver: thisProcess(), epoch, assignments };
      // Without it, what is in flight is made again: that costs something, and loses nothing.
      kept.pages = await writeJournal(table, namespace, journal, kept.pages).catch(() => kept.pages);
    });
    return kept.writing;
  }
}
