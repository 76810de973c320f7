import type { FeedWriter } from "../sdk/stores/feed.ts";
import type { Assignment } from "../sdk/wire/attempt.ts";
import type { FeedEvent, WireLogLine } from "../sdk/wire/feed.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";
import type { LiveUsage } from "../sdk/wire/live-usage.ts";
import type { StoreAddress } from "../sdk/wire/store-address.ts";
import { linesInParts, reportsInParts } from "./feed-parts.ts";
import type { AssignmentEnd } from "./process-keeper.ts";

interface TellerOptions {
  readonly assignment: Assignment;
  readonly executor: string;
  readonly stores: StoreAddress;
  /** What the running task uses at this moment. */
  usage(): LiveUsage | undefined;
}

/** Log lines are told while a task runs, at most this often, in milliseconds; those of short tasks with its answer. */
const LOGS_EVERY_MS = 1_000;
/** The first of several waits this long for the others, in milliseconds. */
const GATHER_MS = 50;
/** The driver is told that an assignment is alive, and what it uses: after this, and then so often, in milliseconds. */
const FIRST_BEAT_MS = 3_000;
const BEAT_EVERY_MS = 15_000;
/** From here on the driver may no longer be listening on its socket, in milliseconds. */
const SOCKET_TRUSTED_MS = 240_000;

/**
 * Tells an assignment's progress in the feed, as far as the answer of the invocation does not: log
 * lines while it runs; everything, when nobody waits for the answer or has waited too long. The SDK's
 * client is loaded with the first word, so that short tasks do not pay for it.
 */
export class AssignmentTeller {
  readonly #options: TellerOptions;
  readonly #startedAt = Date.now();
  #writer: Promise<FeedWriter> | undefined;
  #pendingLogs: WireLogLine[] = [];
  #untold: AttemptReport[] = [];
  #telling: Promise<void> = Promise.resolve();
  #logTimer: NodeJS.Timeout | undefined;
  #logsToldAt: number;
  /** Log lines were told that the answer does not have. */
  hasToldLogs = false;
  #beatTimer: NodeJS.Timeout | undefined;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#logsToldAt = this.#startedAt;
    if (!options.assignment.feed) return;
    this.#beatTimer = setTimeout(() => this.#beat(), FIRST_BEAT_MS);
  }

  get #answerMayBeLost(): boolean {
    return !this.#options.assignment.awaited || Date.now() - this.#startedAt > SOCKET_TRUSTED_MS;
  }

  report(report: AttemptReport): void {
    this.#untold.push(report);
    if (!this.#answerMayBeLost) return;
    // A driver that knows the outcome may leave: what was logged before comes first.
    this.#tellLogs();
    this.#tellReports();
  }

  /** Takes a log line over; false where there is no feed to tell it in. */
  log(line: WireLogLine): boolean {
    if (!this.#options.assignment.feed) return false;
    this.#pendingLogs.push(line);
    const now = Date.now();
    const due = Math.max(this.#logsToldAt + LOGS_EVERY_MS, now + GATHER_MS);
    this.#logTimer ??= setTimeout(() => this.#tellLogs(), due - now);
    return true;
  }

  /** Asks the driver for something, at once. */
  ask(request: FeedEvent & { readonly type: "nested" }): void {
    this.#tell(request);
  }

  /**
   * Tells the rest. What the answer has is told, too, once there is a connection: who asked may be gone by now, and
   * another driver wait for it.
   *
   * @returns Log lines that are left for the answer.
   */
  async finish(end: AssignmentEnd): Promise<WireLogLine[]> {
    clearTimeout(this.#logTimer);
    clearTimeout(this.#beatTimer);
    const { assignment } = this.#options;
    if (this.#answerMayBeLost) {
      this.#tellLogs();
      this.#tellReports();
      const { broken, atServiceLimit } = end;
      if (broken) {
        this.#tell({
          type: "broken",
          assignment: assignment.id,
          failure: broken,
          ...(atServiceLimit ? { atServiceLimit } : {}),
        });
      }
    }
    const rest = this.#pendingLogs;
    this.#pendingLogs = [];
    if (Date.now() - this.#startedAt > LOGS_EVERY_MS) {
      for (const lines of linesInParts(rest)) this.#tell({ type: "logs", lines, inAnswerOf: assignment.id });
    }
    await this.#telling;
    return rest;
  }

  #tellLogs(): void {
    clearTimeout(this.#logTimer);
    this.#logTimer = undefined;
    this.#logsToldAt = Date.now();
    this.hasToldLogs ||= this.#pendingLogs.length > 0;
    for (const lines of linesInParts(this.#pendingLogs)) this.#tell({ type: "logs", lines });
    this.#pendingLogs = [];
  }

  #tellReports(): void {
    for (const reports of reportsInParts(this.#untold)) {
      this.#tell({ type: "outcomes", assignment: this.#options.assignment.id, reports });
    }
    this.#untold = [];
  }

  #beat(): void {
    this.#beatTimer = setTimeout(() => this.#beat(), BEAT_EVERY_MS);
    // Also where the answer is awaited: the driver that awaits it may be gone, and another one listen.
    const { assignment, usage } = this.#options;
    const used = usage();
    this.#tell({ type: "beat", assignments: [assignment.id], ...(used ? { usage: used } : {}) });
  }

  #tell(event: Parameters<FeedWriter["write"]>[1]): void {
    const { assignment } = this.#options;
    const { feed } = assignment;
    if (!feed) return;
    this.#telling = this.#telling.then(async () => {
      this.#writer ??= this.#openWriter();
      await (await this.#writer).write(feed, event);
    });
    // A feed that cannot be written costs the driver time, not the attempt its result.
    this.#telling = this.#telling.catch((error) => console.error("stratolab: the feed could not be written:", error));
  }

  async #openWriter(): Promise<FeedWriter> {
    const [{ openStores }, { FeedWriter: Writer }] = await Promise.all([
      import("../sdk/stores/stores.ts"),
      import("../sdk/stores/feed.ts"),
    ]);
    return new Writer((await openStores(this.#options.stores)).table, this.#options.executor);
  }
}
