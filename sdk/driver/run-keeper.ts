import { setTimeout as sleep } from "node:timers/promises";
import { isInDoubt, LEASE_MS, RENEW_EVERY_MS, standingOf } from "../core/lease.ts";
import { LabError } from "../errors.ts";
import {
  amendCost,
  createRun,
  handOverRun,
  type RunProgress,
  type RunRecord,
  readRuns,
  updateRun,
} from "../stores/runs.ts";
import type { Slot } from "../wire/slot.ts";
import { newRecord, type RunOwner } from "./run-claims.ts";
import type { RunState } from "./run-state.ts";
import { endOf, failureSummary } from "./run-summary.ts";

/** A run that is over sooner is recorded once, at its end, in milliseconds. */
const BEGIN_AFTER_MS = 200;
/** How often is looked whether somebody wants a run's end, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** How long a run is held whose lease cannot be renewed, before it ends, in milliseconds. */
const GIVE_UP_AFTER_MS = 120_000;
/** What a run costs after its end is put together for this long, in milliseconds. */
const AMEND_AFTER_MS = 100;

interface RunKeeperOptions extends RunOwner {
  /** Where the tasks of a run stand. */
  counts(run: RunState): RunRecord["counts"];
  /** How long tasks were held back while a run went on, in milliseconds. */
  heldMs(run: RunState): number;
  /** Somebody asked for the end of a run. */
  cancelled(run: RunState): void;
  /** A run is not this lab's to drive any more. */
  lost(run: RunState, error: LabError): void;
  /** Something could not be written. */
  notice(text: string): void;
}

/** How a run stands. */
type Standing = Omit<RunProgress, "until" | "manifest">;

/** A run whose record is kept. */
interface Kept {
  readonly run: RunState;
  /** As it was last written, or is to be written first. */
  record: RunRecord;
  /** As the table has had it since the last write that succeeded. */
  written: RunRecord | undefined;
  /** Writes its manifest; undefined once that is done. */
  manifest: (() => Promise<Slot>) | undefined;
  isCreated: boolean;
  /** Its end was asked for, and that was passed on. */
  isCancelled: boolean;
  /** It could not be written the last time. */
  isFailing: boolean;
  /** Until when the lease is good, as far as a write that succeeded has said. */
  until: number;
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
  /** Records of runs that have ended, for what they cost afterwards. */
  readonly #ended = new WeakMap<RunState, { readonly record: RunRecord; isWriting: boolean; written: Promise<void> }>();
  readonly #amending = new Set<RunState>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: RunKeeperOptions) {
    this.#options = options;
  }

  /** Whether a run of this id is under way. */
  has(runId: string): boolean {
    return [...this.#kept.keys()].some(({ id }) => id === runId);
  }

  /**
   * A run begins.
   *
   * @param claimed Its record, where it is there already.
   * @param manifest Writes its manifest, with the first write of its record.
   */
  begin(run: RunState, claimed: RunRecord | undefined, manifest: () => Promise<Slot>): void {
    const record = claimed ?? newRecord(this.#options, run);
    const kept: Kept = {
      run,
      record,
      written: undefined,
      manifest,
      isCreated: claimed !== undefined,
      isCancelled: false,
      isFailing: false,
      until: record.lease.until,
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

  /**
   * A run has ended: the last that its record says.
   *
   * @param told Resolves when everything that happened in it is written: whoever hears of the end finds it.
   * @returns The record when that is written, too; undefined where it could not be, or is not this lab's to write.
   */
  end(run: RunState, told: Promise<void>): Promise<RunRecord | undefined> {
    const kept = this.#kept.get(run);
    if (!kept) return told.then(() => undefined);
    this.#forget(run);
    // As it is now but for its cost: a result that comes late is kept, and was not waited for.
    const last = this.#progressOf(run);
    const final = { record: kept.record, isWriting: false, written: told };
    this.#ended.set(run, final);
    const ended = told.then(() => {
      final.isWriting = true;
      return this.#write(kept, last);
    });
    final.written = ended;
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
    return ended.then(() => (kept.written?.status === "running" ? undefined : kept.written));
  }

  /** A run that has ended has cost more since. */
  costChanged(run: RunState): void {
    const last = this.#ended.get(run);
    // What comes before the last write is in it.
    if (!last?.isWriting || this.#amending.has(run)) return;
    const { table } = this.#options;
    // What else comes at the same time is written with it.
    const amended = Promise.all([last.written, sleep(AMEND_AFTER_MS, undefined, { ref: false })])
      .then(() => this.#amending.delete(run))
      .then(() => amendCost(table, last.record, run.costUsd))
      .catch(() => {});
    this.#amending.add(run);
    this.#ending.add(amended);
    void amended.finally(() => this.#ending.delete(amended));
  }

  /**
   * Prepares to give a run away: from now on its record is not kept from here.
   *
   * @returns Gives it away, as it stands now: resolves when another driver may take it. Throws a LabError
   * when that cannot be written, or the run is not this driver's any more.
   */
  async handOver(run: RunState): Promise<() => Promise<void>> {
    const kept = this.#kept.get(run);
    // What it is made of is written first.
    if (kept) await this.#write(kept);
    const progress = this.#progressOf(run);
    this.#forget(run);
    return async () => {
      // What ended meanwhile was paid for here.
      const { costUsd } = run;
      if (kept?.isCreated && (await handOverRun(this.#options.table, kept.record, { ...progress, costUsd }))) return;
      this.#refuseHandOver(run);
    };
  }

  #refuseHandOver(run: RunState): never {
    const message = `run ${run.id} could not be handed over: it is not known to be this lab's in its storage`;
    throw new LabError("detach-failed", message);
  }

  #forget(run: RunState): void {
    clearTimeout(this.#kept.get(run)?.beginning);
    this.#kept.delete(run);
    if (this.#kept.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whether the lease on some run may have lapsed: nothing is to be done before `certain` has resolved. */
  isInDoubt(): boolean {
    if (this.#kept.size === 0) return false;
    const now = Date.now();
    for (const { until } of this.#kept.values()) if (isInDoubt(until, now)) return true;
    return false;
  }

  /** Resolves when every run is known to be this lab's, or lost. */
  async certain(): Promise<void> {
    for (;;) {
      const doubtful = [...this.#kept.values()].filter(({ until }) => isInDoubt(until, Date.now()));
      if (doubtful.length === 0) return;
      await Promise.all(doubtful.map((kept) => this.#write(kept)));
      for (const kept of doubtful) {
        if (Date.now() - kept.until < GIVE_UP_AFTER_MS || !this.#kept.has(kept.run)) continue;
        this.#lose(kept, "its lease could not be renewed");
      }
      if (this.isInDoubt()) await sleep(LOOK_EVERY_MS);
    }
  }

  /** Resolves when the record of every run says what is so now. */
  async written(): Promise<void> {
    await Promise.all([...this.#ending, ...[...this.#kept.values()].map((kept) => this.#write(kept))]);
  }

  #progressOf(run: RunState): Standing {
    const { endedAt, costUsd } = run;
    const status = endedAt === undefined ? "running" : endOf(run);
    const counts = this.#options.counts(run);
    const heldMs = Math.round(this.#options.heldMs(run));
    const held = heldMs > 0 ? { heldMs } : {};
    return { status, endedAt, counts, costUsd, ...held, ...refusedOf(run), failures: failureSummary(run) };
  }

  /** Writes what is so now, after what is being written. */
  #write(kept: Kept, last?: Standing): Promise<void> {
    clearTimeout(kept.beginning);
    kept.writtenAt = Date.now();
    kept.writing = kept.writing.then(async () => {
      const { table, notice } = this.#options;
      const { run } = kept;
      try {
        const manifest = await kept.manifest?.();
        kept.manifest = undefined;
        const until = run.endedAt === undefined ? Date.now() + LEASE_MS : 0;
        const standing = last ?? this.#progressOf(run);
        // What it has cost, and been refused, is known later than how it has ended.
        const { costUsd, refused = standing.refused } = run;
        const progress = { ...standing, costUsd, refused, until, manifest };
        if (kept.isCreated) await this.#update(kept, progress);
        else {
          const { record } = kept;
          const { status, endedAt, counts, heldMs, failures } = progress;
          kept.record = {
            ...record,
            status,
            endedAt,
            counts,
            costUsd,
            heldMs,
            refused,
            failures,
            lease: { ...record.lease, until },
            manifest: manifest ?? record.manifest,
          };
          const other = await createRun(table, kept.record);
          kept.isCreated = true;
          if (other) this.#heed(kept, other);
          else kept.written = kept.record;
        }
        kept.until = until;
        kept.isFailing = false;
      } catch (error) {
        // Once is enough, until it can be written again.
        if (!kept.isFailing) notice(`the record of run ${run.id} could not be written: ${(error as Error).message}`);
        kept.isFailing = true;
      }
    });
    return kept.writing;
  }

  async #update(kept: Kept, progress: RunProgress): Promise<void> {
    const { written, record } = await updateRun(this.#options.table, kept.record, progress);
    if (written) kept.written = record;
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
    if (!this.#kept.has(kept.run)) return;
    if (!record) {
      this.#lose(kept, "its record was deleted");
      return;
    }
    const { driver } = record;
    if (standingOf(kept.record.lease, record.lease) !== "held") {
      this.#lose(kept, `${driver.host} (process ${driver.pid}) has taken it over`);
      return;
    }
    if (!record.cancelRequested || kept.isCancelled) return;
    kept.isCancelled = true;
    this.#options.cancelled(kept.run);
  }

  #lose({ run }: Kept, why: string): void {
    this.#forget(run);
    const message = `run ${run.id} is not driven from here any more: ${why}. What it has finished is kept`;
    this.#options.lost(run, new LabError("lease-lost", message));
  }
}

const refusedOf = ({ refused }: RunState) => (refused ? { refused } : {});
