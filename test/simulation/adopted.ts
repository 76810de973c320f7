import type { AdoptedFrom } from "../../sdk/wire/adopted.ts";
import type { Surroundings } from "./execution.ts";
import type { Messages, Report } from "./messages.ts";
import type { Process } from "./process.ts";

const LOOK_EVERY_MS = 1_000;
/** One that says nothing for so long is gone. */
const SILENCE_MS = 40_000;

/** What executors work on, by `lab/assignment`: it outlives the driver that ordered it. */
export interface Begun {
  isAlive(): boolean;
  end(task: number): void;
}

interface Waiting {
  readonly assignment: number;
  readonly task: number;
  readonly position: number;
  readonly generation: number;
  readonly from: AdoptedFrom;
  lastHeard: number;
}

/** Attempts that a driver before this one has begun, after `sdk/runners/aws/adopted.ts`. */
export class Adopted {
  readonly #around: Surroundings;
  readonly #process: Process;
  readonly #messages: Messages;
  readonly #waiting = new Map<string, Waiting>();
  readonly #all = new Set<string>();
  #isLooking = false;

  constructor(around: Surroundings, process: Process, messages: Messages) {
    this.#around = around;
    this.#process = process;
    this.#messages = messages;
  }

  has(from: AdoptedFrom): boolean {
    return this.#all.has(nameOf(from));
  }

  adopt(waiting: Omit<Waiting, "lastHeard">): void {
    this.#all.add(nameOf(waiting.from));
    this.#waiting.set(nameOf(waiting.from), { ...waiting, lastHeard: this.#process.now });
    if (!this.#isLooking) this.#look();
    this.#isLooking = true;
  }

  /** What executors of another lab say in its feed. */
  hear(lab: string, report: Report): void {
    this.#process.in(0, () => {
      if (report.type === "outcome" && report.outcome.kind !== "suspended") {
        const each = this.#waiting.get(`${lab}/${report.assignment}/${report.task}`);
        const { type, outcome } = report;
        // What its executor goes on with was another driver's to know.
        if (each) this.#tell(each, { type, outcome, assignment: each.assignment, task: each.task });
      } else if (report.type === "nested") {
        // It waits for answers of a driver that is gone.
        const each = this.#waiting.get(`${lab}/${report.assignment}/${report.task}`);
        if (!each) return;
        this.#begun(each)?.end(each.from.task);
        this.#fail(each);
      }
    });
  }

  /** Tells one to end; false where it is none of these. */
  kill(assignment: number): boolean {
    const each = [...this.#waiting.values()].find((waiting) => waiting.assignment === assignment);
    if (!each) return false;
    this.#waiting.delete(nameOf(each.from));
    this.#begun(each)?.end(each.from.task);
    return true;
  }

  #begun({ from }: Waiting): Begun | undefined {
    return this.#around.begun?.get(`${from.lab}/${from.assignment}`);
  }

  #look(): void {
    const { now } = this.#process;
    for (const each of this.#waiting.values()) {
      const record = this.#around.storage.records.get(each.position);
      if (this.#begun(each)?.isAlive()) each.lastHeard = now;
      if (record && record.generation >= each.generation) {
        const outcome = { kind: "ok", value: record.value, durationMs: 1 } as const;
        this.#tell(each, { type: "outcome", assignment: each.assignment, task: each.task, outcome });
      } else if (now > each.from.deadline || now - each.lastHeard > SILENCE_MS) this.#fail(each);
    }
    this.#process.in(LOOK_EVERY_MS, () => {
      if (!this.#messages.isClosed) this.#look();
    });
  }

  #tell(each: Waiting, report: Report): void {
    this.#waiting.delete(nameOf(each.from));
    this.#messages.send(`adopted ${nameOf(each.from)}`, report);
  }

  #fail(each: Waiting): void {
    const { assignment } = each;
    this.#tell(each, { type: "assignment-failed", assignment, failure: { kind: "executor-lost" } });
  }
}

const nameOf = ({ lab, assignment, task }: AdoptedFrom) => `${lab}/${assignment}/${task}`;
