import type { Orphan } from "../../../sdk/driver/adoption.ts";
import type { SimulatedDriver } from "../driver.ts";
import type { Surroundings } from "../execution.ts";
import type { Order } from "../messages.ts";
import type { Process } from "../process.ts";
import type { RunTable } from "../run-table.ts";
import type { Tenure } from "../tenure.ts";
import type { Violation } from "./check.ts";

/** One of several drivers of a run. */
export interface Seat {
  readonly process: Process;
  readonly tenure: Tenure;
  driver: SimulatedDriver | undefined;
  /** It has ended, or given up. */
  isOver: boolean;
}

const ROUNDING_USD = 1e-9;

/** What must hold of all drivers of a run together. */
export class Together {
  readonly #around: Surroundings;
  readonly #table: RunTable;
  readonly #seats: readonly Seat[];
  readonly #violations: Violation[];
  /** Positions whose results were there when a driver began. */
  readonly #found = new Map<Seat, ReadonlySet<number>>();
  #recordedUsd = 0;
  #journalled = 0;

  constructor(around: Surroundings, table: RunTable, seats: readonly Seat[], violations: Violation[]) {
    this.#around = around;
    this.#table = table;
    this.#seats = seats;
    this.#violations = violations;
  }

  #require(invariant: string, holds: boolean, seen: () => string): void {
    if (!holds) this.#violations.push({ invariant, seen: seen() });
  }

  /** At any time. */
  afterStep(): void {
    const sure = this.#seats.filter(({ process, tenure, isOver }) => !isOver && !process.isDead && tenure.isSure);
    this.#require(
      "one driver",
      sure.length <= 1,
      () => `${sure.map(({ tenure }) => tenure.lab).join(" and ")} are both sure of their lease`,
    );
  }

  /** A driver has written the record, or sends attempts out. */
  acts(epoch: number, what: string): void {
    const now = this.#table.record?.lease.epoch ?? 0;
    this.#require("fenced", epoch === now, () => `driver number ${epoch} ${what}, and number ${now} has the run`);
    const recordedUsd = this.#table.record?.costUsd ?? 0;
    const isMore = recordedUsd >= this.#recordedUsd;
    this.#require("budgets kept", isMore, () => `${recordedUsd} dollars are recorded of ${this.#recordedUsd}`);
    this.#recordedUsd = recordedUsd;
  }

  /** What is in flight was written down. */
  journals(epoch: number): void {
    const isLater = epoch >= this.#journalled;
    this.#require("fenced", isLater, () => `driver number ${epoch} writes over what number ${this.#journalled} has`);
    this.#journalled = epoch;
  }

  begins(seat: Seat, leftUsd: number | undefined, maxUsd: number | undefined): void {
    this.#found.set(seat, new Set(this.#around.storage.records.keys()));
    if (leftUsd === undefined || maxUsd === undefined) return;
    const isRight = leftUsd <= Math.max(0, maxUsd - this.#recordedUsd) + ROUNDING_USD;
    this.#require("budgets kept", isRight, () => `${seat.tenure.lab} may spend ${leftUsd} of ${maxUsd}`);
  }

  /** What is known to run, and could be taken over, was. */
  opened({ driver }: Seat, orphans: Map<string, Orphan>): void {
    for (const [key, { from, lane }] of orphans) {
      const entry = driver?.entries.find(({ planned }) => planned.key === key);
      if (!driver || !entry || entry.value !== undefined || driver.isAdopted(from)) continue;
      if (!this.#around.begun?.get(`${from.lab}/${from.assignment}`)?.isAlive()) continue;
      const { ladder, onDemandLadder } = driver.scheduler.shapeOf(entry.task).placement;
      const isOffered = [...ladder, ...onDemandLadder].some(({ name }) => name === lane);
      const isReady = entry.dependencies.every(({ value }) => value !== undefined);
      const isWanted = driver.scheduler.tasks.attempt[entry.task] > 0;
      this.#require("taken over", !(isOffered && isReady && isWanted), () => `task ${key} runs, and is not waited for`);
    }
  }

  begun(seat: Seat, attempts: Order["attempts"]): void {
    this.acts(seat.tenure.epoch, "sends attempts out");
    for (const { position, generation } of attempts) {
      const isAgain = this.#found.get(seat)?.has(position) === true && generation === 0;
      this.#require("finished stays finished", !isAgain, () => `task ${position} is run again by ${seat.tenure.lab}`);
    }
  }

  /** A run is given away in good order: what goes on without its driver is written down. */
  handsOver({ tenure }: Seat): void {
    const { flying, run } = tenure;
    if (!flying || !tenure.isJournalled || this.#table.journal?.epoch !== tenure.epoch) return;
    const names = new Set(this.#table.journal.assignments.flatMap(({ attempts }) => attempts.map(({ key }) => key)));
    for (const [id, { open: all, takenBack, adoptedFrom }] of flying.inFlight) {
      const open = [...all].filter((task) => !takenBack.has(task));
      const name = adoptedFrom ? `${adoptedFrom.lab}/${adoptedFrom.assignment}` : `${tenure.lab}/${id}`;
      if (!this.#around.begun?.get(name)?.isAlive()) continue;
      // What waits for this driver's answers cannot go on without it.
      if (!open.every((task) => flying.isAlone(task))) continue;
      // What attempts run is asked for again by those that are made again.
      if (open.some((task) => flying.entryOf(task).run !== run)) continue;
      for (const task of open) {
        const { key } = flying.entryOf(task).planned;
        this.#require("handed over", names.has(key), () => `task ${key} runs, and ${tenure.lab} does not say so`);
      }
    }
  }
}
