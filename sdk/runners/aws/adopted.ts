import { sendLetter } from "../../stores/inbox.ts";
import { fosterLife } from "../../stores/lab-life.ts";
import { isComputedFrom, readResults } from "../../stores/results.ts";
import type { Stores } from "../../stores/stores.ts";
import type { AdoptedFrom } from "../../wire/adopted.ts";
import type { FeedEvent, WireLogLine } from "../../wire/feed.ts";
import { invocationInbox } from "../../wire/keys.ts";
import type { Failure } from "../../wire/outcome.ts";
import type { AdoptOrder, KillOrder, RunnerEvent } from "../runner.ts";
import { committedOutcome } from "./committed.ts";
import { FeedPoller } from "./feed-poller.ts";

/** How often is looked for committed results, in milliseconds: quickly at first. */
const LOOK_MIN_MS = 300;
const LOOK_MAX_MS = 3_000;
const SLOWDOWN = 1.3;
/** Executors say something every fifteen seconds at the latest; one that does not is gone, in milliseconds. */
const SILENCE_MS = 40_000;
/** How often the other lab's executors are told to go on, in milliseconds. */
const FOSTER_EVERY_MS = 10_000;
/** What an executor says last may come this much later than its result, in milliseconds. */
const LAST_WORDS_MS = 2_000;
/** Letters of the driver that began an attempt have numbers below this. */
const FIRST_LETTER = 1_000_000;

interface Waiting {
  readonly order: AdoptOrder;
  lastHeard: number;
  /** When its result was found, if it was. */
  foundAt?: number;
}

/** What was begun by one other lab. */
interface Household {
  readonly lab: string;
  /** Those of its feed in which something is told of what is waited for. */
  readonly feedShards: Set<number>;
  readonly waiting: Map<string, Waiting>;
  readonly feed: FeedPoller;
  fosteredAt: number;
}

interface AdoptedOptions {
  readonly stores: Stores;
  report(event: RunnerEvent): void;
}

const nameOf = ({ assignment, task }: Pick<AdoptedFrom, "assignment" | "task">) => `${assignment}/${task}`;

/**
 * Attempts that a driver began which is gone: their results are looked for in the control table, and what
 * their executors say in that driver's feed. Meanwhile its lab's sign of life is given in its place, since
 * executors end what nobody waits for.
 */
export class AdoptedAttempts {
  readonly #options: AdoptedOptions;
  readonly #households = new Map<string, Household>();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = LOOK_MIN_MS;
  #letters = FIRST_LETTER;
  #closed = false;

  constructor(options: AdoptedOptions) {
    this.#options = options;
  }

  adopt(order: AdoptOrder): void {
    const { from } = order;
    const household = this.#households.get(from.lab) ?? this.#newHousehold(order);
    // And what knows of no shards tells in the first one.
    household.feedShards.add(from.feedShard ?? 0);
    household.waiting.set(nameOf(from), { order, lastHeard: Date.now() });
    household.feed.wake();
    this.#pauseMs = LOOK_MIN_MS;
    this.#timer ??= setTimeout(() => void this.#look(), LOOK_MIN_MS);
  }

  #newHousehold({ from: { lab }, unheardSince }: AdoptOrder): Household {
    const waiting = new Map<string, Waiting>();
    const { stores } = this.#options;
    const feedShards = new Set([0]);
    const hear = (entry: { executor: string; event: FeedEvent }) => this.#hear(household, entry.executor, entry.event);
    const feed = new FeedPoller(
      stores.table,
      { name: lab, shards: () => [...feedShards] },
      () => waiting.size > 0,
      hear,
      () => {},
      unheardSince,
    );
    const household = { lab, feedShards, waiting, feed, fosteredAt: 0 };
    this.#households.set(lab, household);
    return household;
  }

  /** Tells an adopted attempt to end; false where it is none. */
  kill({ assignment, runId, graceMs }: KillOrder): boolean {
    const waiting = this.#find(assignment);
    if (!waiting) return false;
    const { from } = waiting.order;
    const inbox = from.executor ?? invocationInbox(from.lab, from.assignment);
    const letter = { type: "cancel", runId, assignment: from.assignment, tasks: [from.task], graceMs } as const;
    // A letter that is lost leaves the attempt to its end: its result is kept, and nobody waits for it.
    sendLetter(this.#options.stores, inbox, ++this.#letters, letter).catch(() => {});
    this.#forget(waiting.order);
    return true;
  }

  /** Forgets an adopted attempt: the run's next driver waits for it. */
  abandon(assignment: string): boolean {
    const waiting = this.#find(assignment);
    if (waiting) this.#forget(waiting.order);
    return waiting !== undefined;
  }

  #find(assignment: string): Waiting | undefined {
    for (const { waiting } of this.#households.values()) {
      for (const each of waiting.values()) if (each.order.assignment === assignment) return each;
    }
    return undefined;
  }

  #forget({ from }: AdoptOrder): void {
    const household = this.#households.get(from.lab);
    household?.waiting.delete(nameOf(from));
  }

  // --- What is heard and found --------------------------------------------------------------------

  #hear(household: Household, executor: string, event: FeedEvent): void {
    const now = Date.now();
    for (const each of household.waiting.values()) if (each.order.from.executor === executor) each.lastHeard = now;
    switch (event.type) {
      case "beat":
        for (const each of household.waiting.values()) {
          if (event.assignments.includes(each.order.from.assignment)) each.lastHeard = now;
        }
        break;
      case "outcomes":
        for (const report of event.reports) {
          const each = household.waiting.get(nameOf({ assignment: event.assignment, task: report.task }));
          if (!each) continue;
          const { assignment, spec } = each.order;
          this.#forget(each.order);
          const { outcome, attempt } = report;
          this.#options.report({ type: "outcome", assignment, task: spec.task, attempt, outcome, executor });
        }
        break;
      case "broken":
        for (const each of [...household.waiting.values()]) {
          if (each.order.from.assignment !== event.assignment) continue;
          const atServiceLimit = event.atServiceLimit ? ({ atServiceLimit: true } as const) : {};
          this.#fail(each.order, { ...event.failure, executor }, atServiceLimit);
        }
        break;
      case "nested": {
        // It waits for answers of the driver that is gone: it is made again, and asks this one.
        const each = household.waiting.get(nameOf(event));
        if (!each) break;
        const { assignment, runId, spec } = each.order;
        this.kill({ assignment, runId, tasks: [spec.task], graceMs: 0 });
        const seen = "it ran tasks of its own, which only the driver that began it could have answered";
        this.#fail(each.order, { kind: "executor-lost", seen, executor }, {});
        break;
      }
      case "logs":
        for (const line of event.lines) this.#tellLine(household, executor, line);
        break;
      default:
    }
  }

  #tellLine(household: Household, executor: string, line: WireLogLine): void {
    for (const { order } of household.waiting.values()) {
      const { from, runId, spec } = order;
      if (from.task !== line.task || from.runId !== line.runId || order.isTold(line)) continue;
      this.#options.report({ type: "log", executor, ...line, runId, task: spec.task });
    }
  }

  async #look(): Promise<void> {
    try {
      const all = [...this.#households.values()].flatMap(({ waiting }) => [...waiting.values()]);
      if (all.length > 0) await this.#lookFor(all);
      await this.#foster();
      this.#pauseMs = Math.min(LOOK_MAX_MS, this.#pauseMs * SLOWDOWN);
    } catch {
      // Who cannot be asked now is asked again.
      this.#pauseMs = LOOK_MAX_MS;
    }
    const isWaiting = [...this.#households.values()].some(({ waiting }) => waiting.size > 0);
    this.#timer = isWaiting && !this.#closed ? setTimeout(() => void this.#look(), this.#pauseMs) : undefined;
  }

  async #lookFor(all: readonly Waiting[]): Promise<void> {
    const records = await readResults(
      this.#options.stores.table,
      all.map(({ order: { namespace, spec } }) => ({
        key: spec.key,
        namespace,
        name: spec.name,
        version: spec.version,
      })),
    );
    const now = Date.now();
    all.forEach((waiting, index) => {
      const { order, lastHeard } = waiting;
      const { assignment, spec, from } = order;
      if (this.#closed || !this.#households.get(from.lab)?.waiting.has(nameOf(from))) return;
      const record = records[index];
      if (record && record.generation >= spec.generation && isComputedFrom(record, spec.inputs)) {
        this.#pauseMs = LOOK_MIN_MS;
        waiting.foundAt ??= now;
        if (now - waiting.foundAt < LAST_WORDS_MS) {
          this.#households.get(from.lab)?.feed.wake();
          return;
        }
        this.#forget(order);
        const { task, attempt } = spec;
        this.#options.report({ type: "outcome", assignment, task, attempt, outcome: committedOutcome(record) });
        return;
      }
      if (now > from.deadline || now - lastHeard > SILENCE_MS) {
        const seen = "its driver is gone, and its executor has said nothing since";
        this.#fail(order, { kind: "executor-lost", seen }, {});
      }
    });
  }

  #fail(order: AdoptOrder, failure: Failure, more: { readonly atServiceLimit?: true }): void {
    this.#forget(order);
    this.#options.report({ type: "assignment-failed", assignment: order.assignment, failure, ...more });
  }

  async #foster(): Promise<void> {
    const now = Date.now();
    for (const household of this.#households.values()) {
      if (household.waiting.size === 0 || now - household.fosteredAt < FOSTER_EVERY_MS) continue;
      household.fosteredAt = now;
      await fosterLife(this.#options.stores.table, household.lab);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#households.values()].map(({ feed }) => feed.close()));
  }
}
