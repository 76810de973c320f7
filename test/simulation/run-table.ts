import type { Lease } from "../../sdk/core/lease.ts";
import { holds } from "../../sdk/stores/control-table.ts";
import { leaseWord, unlessReplaced, whileLeaseIs } from "../../sdk/stores/fencing.ts";
import type { JournalAssignment } from "../../sdk/stores/journal.ts";
import type { Agenda } from "./agenda.ts";
import type { Fate } from "./fate.ts";
import type { Process } from "./process.ts";

/** The record of the run, as far as drivers go by it. */
export interface SimulatedRecord {
  readonly lease: Lease;
  readonly isOver: boolean;
  readonly costUsd: number;
}

/** What a driver has in flight, as it was last written. */
export interface SimulatedJournal {
  readonly lab: string;
  readonly epoch: number;
  readonly assignments: readonly JournalAssignment[];
}

/** The request did not get through, or its answer did not. */
export const FAILED = Symbol("failed");

const USUAL_MS = 3;
const SLOW_MS = 2_500;

/** What the control table holds of one run: each write on the condition that the stores make. */
export class RunTable {
  record: SimulatedRecord | undefined;
  journal: SimulatedJournal | undefined;
  readonly #agenda: Agenda;
  readonly #fate: Fate;
  #requests = 0;

  constructor(agenda: Agenda, fate: Fate) {
    this.#agenda = agenda;
    this.#fate = fate;
  }

  /** A request takes its time there and back; it, or its answer, may be lost. */
  ask<T>(process: Process, about: string, what: () => T, then: (answer: T | typeof FAILED) => void): void {
    const name = `request ${this.#requests++} ${about}`;
    const isSlow = this.#fate.chance(0.05, `slow ${name}`);
    const oneWayMs = isSlow ? this.#fate.below(SLOW_MS, name) : USUAL_MS;
    const lost = process.losesRequests && this.#fate.chance(0.04, `lost ${name}`);
    const arrives = !lost || this.#fate.chance(0.5, `arrives ${name}`);
    this.#agenda.in(oneWayMs, () => {
      const answer = arrives ? what() : undefined;
      process.in(USUAL_MS, () => then(lost ? FAILED : (answer as T)));
    });
  }

  /** As `createRun`. */
  create(record: SimulatedRecord): SimulatedRecord | undefined {
    if (this.record) return this.#isOf(record.lease) ? undefined : this.record;
    this.record = record;
    return undefined;
  }

  /** As `takeRun`. */
  take(taking: SimulatedRecord, from: Lease): boolean {
    const item = this.record && { pk: "", sk: "", le: leaseWord(this.record.lease) };
    if (holds(whileLeaseIs(from), item)) this.record = taking;
    return this.#isOf(taking.lease);
  }

  /** As `updateRun` and `handOverRun`. */
  update(epoch: number, progress: Omit<SimulatedRecord, "lease"> & { readonly until: number }) {
    const { record } = this;
    const written = record?.lease.epoch === epoch;
    const { until, ...rest } = progress;
    if (record && written) this.record = { ...rest, lease: { ...record.lease, until } };
    return { written, record: this.record };
  }

  /** As `writeJournal`. */
  writeJournal(journal: SimulatedJournal): boolean {
    const existing = this.journal && { pk: "", sk: "", ep: this.journal.epoch };
    if (!holds(unlessReplaced(journal.epoch), existing)) return false;
    this.journal = journal;
    return true;
  }

  #isOf({ holder, epoch }: Lease): boolean {
    return this.record?.lease.holder === holder && this.record.lease.epoch === epoch;
  }
}
