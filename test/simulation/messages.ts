import type { StartFailureKind } from "../../sdk/core/events.ts";
import type { Lane } from "../../sdk/core/offer.ts";
import type { FanIn } from "../../sdk/wire/fan-in.ts";
import type { FailureKind } from "../../sdk/wire/outcome.ts";
import type { ObjectSlot } from "../../sdk/wire/slot.ts";
import type { Fate } from "./fate.ts";
import type { Clock } from "./process.ts";

/** One attempt of an order. */
export interface OrderedAttempt {
  /** Index in the scheduler of the driver that ordered it. */
  readonly task: number;
  /** Position in the scenario. */
  readonly position: number;
  readonly generation: number;
  /** Undefined for what attempts before it in the order hand on. */
  readonly inputs: readonly (ObjectSlot | undefined)[];
  /** Positions of the tasks whose handles it was given and that its driver could have run again. */
  readonly handles: readonly number[];
  /** Nobody needs its result but one behind it. */
  readonly isUnstored: boolean;
  /** How often its task was suspended: each time it may wait twice as long. */
  readonly suspensions: number;
  /** Counted from 1. */
  readonly number: number;
}

/** What its executor may go on with. */
export interface OrderedFanIn {
  readonly attempt: OrderedAttempt;
  /** Positions of what it waits for. */
  readonly waitsFor: readonly number[];
  /** Of its item. */
  readonly name: string;
}

/** Attempts to be executed together. */
export interface Order {
  readonly assignment: number;
  readonly lane: Lane;
  readonly executor: string | undefined;
  /** How many of them may share the executor's memory. */
  readonly atOnce: number;
  readonly attempts: readonly OrderedAttempt[];
  readonly fanIns: readonly OrderedFanIn[];
}

export type SimulatedOutcome =
  | { readonly kind: "ok"; readonly value: ObjectSlot; readonly durationMs: number; readonly isUnstored?: true }
  /** It has waited too long for tasks that it runs. */
  | { readonly kind: "suspended" }
  /** What it was to be handed has not come about, or does not count. */
  | { readonly kind: "passed-over" }
  /** `lost`: positions of dependencies whose results could not be loaded. `crowded`: others had a part of the memory. */
  | { readonly kind: FailureKind; readonly lost?: readonly number[]; readonly crowded?: true };

/** What the attempts of an order have handed on, by position of the task. */
export type HandedOn = Map<number, ObjectSlot>;

export interface SimulatedFailure {
  readonly kind: FailureKind;
  readonly culprit?: number;
  readonly atServiceLimit?: boolean;
}

/** What a runner tells its driver. */
export type Report =
  | {
      readonly type: "outcome";
      readonly assignment: number;
      readonly task: number;
      readonly outcome: SimulatedOutcome;
      readonly goesOnWith?: readonly FanIn[];
    }
  /** An attempt runs tasks. `answer` is given the results' hashes, or nothing where some have failed. */
  | {
      readonly type: "nested";
      readonly assignment: number;
      readonly task: number;
      readonly children: readonly number[];
      answer(results: readonly string[] | undefined): void;
    }
  | { readonly type: "assignment-failed"; readonly assignment: number; readonly failure: SimulatedFailure }
  | { readonly type: "executor-ready"; readonly executor: string; readonly lane: Lane }
  | { readonly type: "executor-gone"; readonly executor: string; readonly failure: SimulatedFailure | undefined }
  | {
      readonly type: "start-failed";
      readonly lane: Lane;
      readonly count: number;
      readonly kind: StartFailureKind;
    }
  | { readonly type: "limit"; readonly group: string; readonly slots: number };

const USUAL_MS = 5;
const MOST_DELAYED_MS = 10_000;

/** The way from executors to one driver: messages come late, out of order, and twice. */
export class Messages {
  readonly #agenda: Clock;
  readonly #fate: Fate;
  readonly #name: string;
  readonly #take: (report: Report) => void;
  #sent = 0;
  /** Nobody hears any more: the driver is dead, or has closed. */
  #closed = false;

  readonly #awaits: (assignment: number, task: number) => boolean;
  readonly #overhear: ((lab: string, report: Report) => void) | undefined;

  constructor(
    agenda: Clock,
    fate: Fate,
    name: string,
    take: (report: Report) => void,
    awaits: (assignment: number, task: number) => boolean,
    overhear?: (lab: string, report: Report) => void,
  ) {
    this.#overhear = overhear;
    this.#awaits = awaits;
    this.#agenda = agenda;
    this.#fate = fate;
    this.#name = name;
    this.#take = take;
  }

  /** @param about Names the message, for chance. */
  send(about: string, report: Report): void {
    this.#overhear?.(this.#name, report);
    if (this.#closed) return;
    const subject = `${this.#name} ${report.type} ${about}`;
    this.#deliver(
      report,
      this.#delayed(subject, report) ? this.#fate.below(MOST_DELAYED_MS, `wait ${subject}`) : USUAL_MS,
    );
    if (isRepeatable(report) && this.#fate.strikes("duplicate-message", subject)) {
      this.#deliver(report, USUAL_MS + this.#fate.below(MOST_DELAYED_MS, `second ${subject}`));
    }
  }

  /** An attempt asks for tasks; the answer takes its time, too. */
  ask(
    about: string,
    assignment: number,
    task: number,
    children: readonly number[],
    answer: (results: readonly string[] | undefined) => void,
  ): void {
    this.send(about, {
      type: "nested",
      assignment,
      task,
      children,
      answer: (results) => this.#agenda.in(USUAL_MS, () => answer(results)),
    });
  }

  /** Whether somebody listens who awaits this attempt. */
  isAwaited(assignment: number, task: number): boolean {
    return !this.#closed && this.#awaits(assignment, task);
  }

  /** Name of the next message about something that has none of its own. */
  get nextName(): string {
    return String(this.#sent++);
  }

  /** A runner knows of an executor before it can tell of its end, so that order is kept. */
  #delayed(subject: string, { type }: Report): boolean {
    return type !== "executor-ready" && this.#fate.strikes("delayed-message", subject);
  }

  #deliver(report: Report, afterMs: number): void {
    this.#agenda.in(afterMs, () => {
      if (!this.#closed) this.#take(report);
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }
}

/** That an executor starts or does not is told once, as the runner's interface has it. */
const isRepeatable = ({ type }: Report) =>
  type === "outcome" || type === "assignment-failed" || type === "executor-gone";
