import { claim, isInDoubt, LEASE_MS, RENEW_EVERY_MS, standingOf } from "../../sdk/core/lease.ts";
import { type Flying, inFlightOf } from "../../sdk/driver/journal-entries.ts";
import type { Process } from "./process.ts";
import { FAILED, type RunTable, type SimulatedRecord } from "./run-table.ts";

const LOOK_EVERY_MS = 1_000;
const GIVE_UP_AFTER_MS = 120_000;
const JOURNAL_EVERY_MS = 1_000;

interface TenureOptions {
  readonly process: Process;
  readonly table: RunTable;
  readonly lab: string;
  /** Whether the holder of a lease is known to be gone, without waiting. */
  isGone(holder: string): boolean;
  costUsd(): number;
  /** The run is another driver's. */
  lost(): void;
  /** A write of this driver's was carried out. */
  wrote(epoch: number): void;
  journalled(epoch: number): void;
}

/** How a driver holds its run, after `sdk/driver/run-keeper.ts` and `journal-keeper.ts`. */
export class Tenure {
  readonly lab: string;
  epoch = 0;
  readonly #options: TenureOptions;
  #until = 0;
  readonly #toWrite: (() => void)[] = [];
  #writtenAt = 0;
  /** Its record is kept from here. */
  #isKept = false;
  #isJournalling = false;
  #flying: Flying | undefined;
  #journalAt: number | undefined;
  #journalledAt = 0;
  #run = 0;

  constructor(options: TenureOptions) {
    this.#options = options;
    this.lab = options.lab;
  }

  /** Asks for the run until it has it: at once where nobody holds it, else when its lease has lapsed. */
  claim(granted: (record: SimulatedRecord) => void, over: () => void, refused: () => void): void {
    const { process, table, lab, isGone } = this.#options;
    const again = (ms: number) => process.in(ms, () => this.claim(granted, over, refused));
    table.ask(
      process,
      `${lab} reads`,
      () => table.record,
      (existing) => {
        if (existing === FAILED) return again(LOOK_EVERY_MS);
        if (existing?.isOver) return over();
        const claimed = claim(existing?.lease, lab, process.now, existing && isGone(existing.lease.holder));
        if (claimed.kind === "refused") {
          refused();
          return again(claimed.waitMs);
        }
        const until = process.now + LEASE_MS;
        const taking = {
          lease: { holder: lab, epoch: claimed.epoch, until },
          isOver: false,
          costUsd: existing?.costUsd ?? 0,
        };
        const take = () => (existing ? table.take(taking, existing.lease) : !table.create(taking));
        table.ask(process, `${lab} takes`, take, (taken) => {
          if (taken !== true) return again(taken === FAILED ? LOOK_EVERY_MS : 0);
          this.epoch = claimed.epoch;
          this.#until = until;
          this.#writtenAt = process.now;
          this.#isKept = true;
          this.#beat();
          granted(taking);
        });
      },
    );
  }

  #beat(): void {
    const { process, table } = this.#options;
    process.in(LOOK_EVERY_MS, () => {
      if (!this.#isKept) return;
      if (process.now - this.#writtenAt >= RENEW_EVERY_MS - LOOK_EVERY_MS / 2) this.#write(() => {});
      else {
        const heed = (record: SimulatedRecord | undefined | typeof FAILED) => {
          if (record !== FAILED) this.#heed(record);
        };
        table.ask(process, `${this.lab} looks`, () => table.record, heed);
      }
      this.#beat();
    });
  }

  /** Writes go one after another. */
  #write(then: () => void): void {
    this.#toWrite.push(then);
    if (this.#toWrite.length === 1) this.#writeNext();
  }

  #writeNext(): void {
    const { process, table, costUsd, wrote } = this.#options;
    this.#writtenAt = process.now;
    const until = process.now + LEASE_MS;
    const progress = { until, isOver: false, costUsd: costUsd() };
    const update = () => {
      const result = table.update(this.epoch, progress);
      if (result.written) wrote(this.epoch);
      return result;
    };
    table.ask(process, `${this.lab} renews`, update, (answer) => {
      if (answer !== FAILED) {
        this.#heed(answer.record);
        this.#until = Math.max(this.#until, until);
      }
      const then = this.#toWrite.shift();
      if (this.#toWrite.length > 0) this.#writeNext();
      then?.();
    });
  }

  /** After what is being written. */
  #afterWrites(act: () => void): void {
    if (this.#toWrite.length === 0) act();
    else this.#options.process.in(10, () => this.#afterWrites(act));
  }

  #heed(record: SimulatedRecord | undefined): void {
    if (!this.#isKept || standingOf({ holder: this.lab, epoch: this.epoch }, record?.lease) === "held") return;
    this.#lose();
  }

  #lose(): void {
    this.#isKept = false;
    this.#options.lost();
  }

  /** Whether the lease may have lapsed: nothing is to be done before `certain` has called back. */
  isInDoubt(): boolean {
    return this.#isKept && isInDoubt(this.#until, this.#options.process.now);
  }

  /** Whether it goes by a lease that it believes to be good. */
  get isSure(): boolean {
    return this.#isKept && !this.isInDoubt();
  }

  certain(then: () => void): void {
    if (!this.isInDoubt()) {
      then();
      return;
    }
    const { process } = this.#options;
    this.#write(() => {
      if (this.#isKept && process.now - this.#until >= GIVE_UP_AFTER_MS) this.#lose();
      if (this.isInDoubt()) process.in(LOOK_EVERY_MS, () => this.certain(then));
      else then();
    });
  }

  // --- What is in flight --------------------------------------------------------------------------

  begin(run: number, flying: Flying | undefined): void {
    this.#run = run;
    this.#flying = flying;
    this.#isJournalling = flying !== undefined;
    this.#journalledAt = this.#options.process.now - JOURNAL_EVERY_MS + 250;
  }

  /** Something was dispatched, or has ended. */
  changed(): void {
    const { process } = this.#options;
    if (!this.#isJournalling || this.#journalAt !== undefined) return;
    this.#journalAt = Math.max(process.now, this.#journalledAt + JOURNAL_EVERY_MS);
    process.in(this.#journalAt - process.now, () => {
      this.#journalAt = undefined;
      if (!this.#isJournalling) return;
      this.#journalledAt = process.now;
      this.certain(() => this.#writeJournal(() => {}));
    });
  }

  #writeJournal(then: (answer: unknown) => void): void {
    const { process, table, lab, journalled } = this.#options;
    if (!this.#flying) {
      then(undefined);
      return;
    }
    // It may be stopped between what it has decided and what it does.
    process.in(1, () => {
      const assignments = inFlightOf((entry) => entry.run === this.#run, this.#flying as Flying);
      const write = () => {
        if (table.writeJournal({ lab, epoch: this.epoch, assignments })) journalled(this.epoch);
      };
      table.ask(process, `${lab} journals`, write, then);
    });
  }

  /** What is known of its attempts. */
  get run(): number {
    return this.#run;
  }

  get flying(): Flying | undefined {
    return this.#flying;
  }

  /** What was in flight when the run was given away is known to be written. */
  isJournalled = false;

  // --- The end of it ------------------------------------------------------------------------------

  /** From now on the record is not kept from here. */
  prepareHandOver(then: () => void): void {
    this.#write(() => {
      if (!this.#isKept) return;
      this.#isKept = false;
      then();
    });
  }

  /** Writes what is in flight, then gives the run away. */
  handOver(then: (isGiven: boolean) => void): void {
    const { process, table, lab, costUsd, wrote } = this.#options;
    this.#isJournalling = false;
    this.#writeJournal((answer) => {
      this.isJournalled = answer !== FAILED;
      const give = () => {
        const { written } = table.update(this.epoch, { until: 0, isOver: false, costUsd: costUsd() });
        if (written) wrote(this.epoch);
        return written;
      };
      this.#afterWrites(() => table.ask(process, `${lab} gives`, give, (given) => then(given === true)));
    });
  }

  /** The run is over: says so until that is written. */
  end(then: () => void): void {
    const { process, table, lab, costUsd, wrote } = this.#options;
    this.#isKept = false;
    this.#isJournalling = false;
    const end = () => {
      const { written } = table.update(this.epoch, { until: 0, isOver: true, costUsd: costUsd() });
      if (written) wrote(this.epoch);
    };
    this.#afterWrites(() =>
      table.ask(process, `${lab} ends`, end, (answer) => {
        if (answer === FAILED) process.in(LOOK_EVERY_MS, () => this.end(then));
        else then();
      }),
    );
  }
}
