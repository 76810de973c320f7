import { type ResultRecord, recordOfTold } from "../sdk/stores/result-items.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import type { Assignment, AttemptSpec } from "../sdk/wire/attempt.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";
import type { Success } from "../sdk/wire/outcome.ts";
import { addRequests } from "../sdk/wire/requests.ts";
import { slotBytes } from "../sdk/wire/slot.ts";

interface ResultPackerOptions {
  readonly assignment: Assignment;
  /** Opens the stores, with a meter that counts for the packer alone. */
  stores(): Promise<Stores>;
  /** Is told of what is durable, and of what needs not be. */
  report(report: AttemptReport): void;
}

/** The first result of a pack waits for others this long, in milliseconds. */
const GATHER_MS = 1_000;
/** Results of about so many bytes are written without waiting for others. */
const FULL_BYTES = 32_768;
/** What a row has beside value and params, in bytes. */
const ROW_BYTES = 64;

interface Waiting {
  readonly report: AttemptReport;
  readonly spec: AttemptSpec;
  /** Undefined where there is nothing to write. */
  readonly record: ResultRecord | undefined;
}

/**
 * Writes the results of an assignment in packs, in the process that supervises: what the task's code does to its own
 * takes none of those before it along. Reports keep their order, and none is passed on before its result is durable.
 */
export class ResultPacker {
  readonly #options: ResultPackerOptions;
  readonly #specs = new Map<number, AttemptSpec>();
  #waiting: Waiting[] = [];
  #bytes = 0;
  /** Attempts without a report. */
  #open = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Tasks whose results could not be written. */
  readonly #unwritten = new Set<string>();

  constructor(options: ResultPackerOptions) {
    this.#options = options;
    this.add(options.assignment.attempts);
  }

  /** There are more attempts to come. */
  add(attempts: readonly AttemptSpec[]): void {
    for (const spec of attempts) this.#specs.set(spec.task, spec);
    this.#open += attempts.length;
  }

  /** An attempt has ended. */
  report(report: AttemptReport): void {
    const spec = this.#specs.get(report.task);
    if (!this.#options.assignment.packed || !spec) {
      this.#options.report(report);
      return;
    }
    this.#open -= 1;
    const { outcome } = report;
    const isWritten = outcome.kind === "ok" && !outcome.unstored;
    const record = isWritten ? recordOfTold(spec, outcome, this.#options.assignment) : undefined;
    this.#waiting.push({ report, spec, record });
    if (record) this.#bytes += ROW_BYTES + slotBytesInline(record.value) + slotBytesInline(record.params);
    if (this.#open === 0 || this.#bytes >= FULL_BYTES || !this.#waiting.some((each) => each.record)) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Writes what has gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const group = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    if (group.length > 0) this.#writing = this.#writing.then(() => this.#write(group));
  }

  /** Writes the rest; when it resolves, all that was reported has been passed on. */
  finish(): Promise<void> {
    this.flush();
    return this.#writing;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    // In their order: what was computed from one that is left out is left out, too.
    for (const { spec } of group) if (!this.#isFounded(spec)) this.#unwritten.add(spec.key);
    const unfounded = new Set(group.filter(({ spec }) => this.#unwritten.has(spec.key)));
    const sound = group.flatMap((each) => (each.record && !unfounded.has(each) ? each.record : []));
    // Handed on through one that is not stored counts, too.
    const isLoose = !group.some(({ spec }) => spec.handed?.length);
    let problem: string | undefined;
    let requests: AttemptReport["outcome"]["requests"];
    try {
      if (sound.length > 0) {
        const { table, requests: meter } = await this.#options.stores();
        await table.packs?.write(sound, { depths: this.#options.assignment.packDepths, isLoose });
        requests = meter?.take();
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    for (const each of group) {
      const { outcome } = each.report;
      const { usage } = outcome;
      const used = usage ? { usage } : {};
      if (outcome.kind === "ok" && unfounded.has(each)) {
        const seen = "a result that it was handed could not be stored";
        this.#options.report({ ...each.report, outcome: { kind: "passed-over", seen, ...used } });
      } else if (each.record && problem !== undefined) {
        this.#unwritten.add(each.spec.key);
        const seen = `storing its result: ${problem}`;
        this.#options.report({ ...each.report, outcome: { kind: "executor-lost", seen, ...used } });
      } else if (requests) {
        // Of those that were written together, the first one bears it.
        const all = outcome.requests ? addRequests(outcome.requests, requests) : requests;
        this.#options.report({ ...each.report, outcome: { ...outcome, requests: all } });
        requests = undefined;
      } else this.#options.report(each.report);
    }
  }

  /** Whether nothing that it was computed from is missing in the stores. */
  #isFounded({ handed = [] }: AttemptSpec): boolean {
    return !handed.some((key) => this.#unwritten.has(key));
  }
}

const slotBytesInline = (slot: Success["value"]) => ("inline" in slot ? slotBytes(slot) : 120);
