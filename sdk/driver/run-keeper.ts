import { hostname } from "node:os";
import { LEASE_MS, RENEW_EVERY_MS } from "../core/lease.ts";
import type { ControlTable } from "../stores/control-table.ts";
import { createRun, type RunProgress, type RunRecord, readRuns, updateRun } from "../stores/runs.ts";
import type { RunState } from "./run-state.ts";
import { endOf, failureSummary } from "./run-summary.ts";

/** A run that is over sooner is recorded once, at its end, in milliseconds. */
const BEGIN_AFTER_MS = 200;
/** How often is looked whether somebody wants a run's end, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

interface RunKeeperOptions {
  readonly table: ControlTable;
  readonly namespace: string;
  /** Unique among all labs. */
  readonly labId: string;
  readonly runner: string;
  /** Where the tasks of a run stand. */
  counts(run: RunState): RunRecord["counts"];
  /** Somebody asked for the end of a run. */
  cancelled(run: RunState): void;
  /** Something could not be written. */
  notice(text: string): void;
}

/** A run whose record is kept. */
interface Kept {
  readonly run: RunState;
  /** As it was last written, or is to be written first. */
  record: RunRecord;
  isCreated: boolean;
  /** Its end was asked for, and that was passed on. */
  isCancelled: boolean;
  writtenAt: number;
  beginning: NodeJS.Timeout | undefined;
  /** Writes of one record go one after another. */
  writing: Promise<void>;
}

/**
 * Keeps the records of a lab's runs: one write when a run has gone on for a moment, one every five
 * seconds, one at its end, however many tasks it has. The runs of a lab are looked after in one read a
 * second.
 */
export class RunKeeper {
  readonly #options: RunKeeperOptions;
  readonly #kept = new Map<RunState, Kept>();
  readonly #ending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: RunKeeperOptions) {
    this.#options = options;
  }

  /** A run begins. */
  begin(run: RunState): void {
    const { namespace, labId, runner } = this.#options;
    const kept: Kept = {
      run,
      record: {
        id: run.id,
        namespace,
        name: run.name,
        tags: run.tags,
        runner,
        startedAt: run.startedAt,
        driver: { host: hostname(), pid: process.pid },
        cancelRequested: false,
        lease: { holder: labId, epoch: run.epoch, until: Date.now() + LEASE_MS },
        ...this.#progressOf(run),
      },
      isCreated: false,
      isCancelled: false,
      writtenAt: Date.now(),
      beginning: setTimeout(() => void this.#write(kept), BEGIN_AFTER_MS).unref(),
      writing: Promise.resolve(),
    };
    this.#kept.set(run, kept);
    this.#timer ??= setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, LOOK_EVERY_MS).unref();
  }

  /** A run has ended: the last that its record says. */
  end(run: RunState): void {
    const kept = this.#kept.get(run);
    if (!kept) return;
    this.#kept.delete(run);
    if (this.#kept.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const ended = this.#write(kept);
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }

  /** Resolves when the record of every run says what is so now. */
  async written(): Promise<void> {
    await Promise.all([...this.#ending, ...[...this.#kept.values()].map((kept) => this.#write(kept))]);
  }

  #progressOf(run: RunState): Omit<RunProgress, "until"> {
    const { endedAt } = run;
    const status = endedAt === undefined ? "running" : endOf(run);
    return { status, endedAt, counts: this.#options.counts(run), failures: failureSummary(run) };
  }

  /** Writes what is so now, after what is being written. */
  #write(kept: Kept): Promise<void> {
    clearTimeout(kept.beginning);
    kept.writtenAt = Date.now();
    kept.writing = kept.writing.then(async () => {
      const { table, notice } = this.#options;
      const { run } = kept;
      const until = run.endedAt === undefined ? Date.now() + LEASE_MS : 0;
      const progress = { ...this.#progressOf(run), until };
      try {
        if (kept.isCreated) await this.#update(kept, progress);
        else {
          kept.record = { ...kept.record, ...progress, lease: { ...kept.record.lease, until } };
          await createRun(table, kept.record);
          kept.isCreated = true;
        }
      } catch (error) {
        notice(`the record of run ${run.id} could not be written: ${(error as Error).message}`);
      }
    });
    return kept.writing;
  }

  async #update(kept: Kept, progress: RunProgress): Promise<void> {
    const { record } = await updateRun(this.#options.table, kept.record, progress);
    this.#heed(kept, record);
  }

  /** Every run has its record renewed in time, or looked at. */
  async #look(): Promise<void> {
    const { table, namespace } = this.#options;
    const created = [...this.#kept.values()].filter(({ isCreated }) => isCreated);
    const isDue = ({ writtenAt }: Kept) => Date.now() - writtenAt >= RENEW_EVERY_MS - LOOK_EVERY_MS / 2;
    const others = created.filter((kept) => !isDue(kept));
    const looking =
      others.length === 0
        ? []
        : readRuns(
            table,
            namespace,
            others.map(({ run }) => run.id),
          );
    // Who cannot be asked now is asked in a second.
    const [records] = await Promise.all([
      Promise.resolve(looking).catch(() => []),
      ...[...this.#kept.values()].filter(isDue).map((kept) => this.#write(kept)),
    ]);
    others.forEach((kept, position) => {
      this.#heed(kept, records[position]);
    });
  }

  /** What others have left in the record. */
  #heed(kept: Kept, record: RunRecord | undefined): void {
    if (!record?.cancelRequested || kept.isCancelled) return;
    kept.isCancelled = true;
    this.#options.cancelled(kept.run);
  }
}
