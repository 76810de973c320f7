import { setTimeout as sleep } from "node:timers/promises";
import { FeedWriter } from "../sdk/stores/feed.ts";
import { type Letter, readLetters } from "../sdk/stores/inbox.ts";
import { labSign } from "../sdk/stores/lab-life.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import type { Assignment, FeedAddress } from "../sdk/wire/attempt.ts";
import type { FeedEvent, WireLogLine } from "../sdk/wire/feed.ts";
import type { AttemptReport } from "../sdk/wire/invocation.ts";
import { endAlone } from "./alone.ts";
import { AssignmentWork } from "./assignment-work.ts";
import { linesInParts, reportsInParts } from "./feed-parts.ts";
import type { Supervisor } from "./supervisor.ts";

export interface ContainerLoopOptions {
  readonly id: string;
  readonly lab: string;
  /** The shard of the lab's feed that it was given. */
  readonly feedShard: number;
  readonly idleMs: number;
  readonly stores: Stores;
  /** What packs and fan-ins are written with; its meter counts nothing else. */
  readonly ownStores: Stores;
  readonly supervisor: Supervisor;
}

/** How often the inbox is looked at: quickly after there was something, slower the longer nothing comes. */
const POLL_MIN_MS = 100;
const POLL_MAX_MS = 1_000;
const TELL_EVERY_MS = 200;
/**
 * It waits so long for its first assignment, in milliseconds, however short it may be idle later: a driver that is slow
 * to hear of it would start one after another, and none would ever work. Fargate charges the first minute anyway.
 */
const FIRST_WORK_MS = 20_000;
/** How often it says that it lives and what its task uses, in milliseconds. */
const BEAT_AFTER_MS = 5_000;
const BEAT_CHECK_MS = 500;
/** How often it is checked whether the lab is still there, in milliseconds. */
const LAB_CHECK_EVERY_MS = 10_000;

/**
 * What a container does all its life: take assignments from its inbox one after another, tell what
 * came of them in the lab's feed, and leave when there has been nothing for a while or the lab is gone.
 */
export class ContainerLoop {
  readonly #options: ContainerLoopOptions;
  readonly #writer: FeedWriter;
  readonly #feed: FeedAddress;
  readonly #assignments: Assignment[] = [];
  #lastLetter = 0;
  #terminating = false;
  #leaving = false;
  #working: Promise<void> | undefined;
  #current: Assignment | undefined;
  #work: AssignmentWork | undefined;
  #reports: AttemptReport[] = [];
  #logs: WireLogLine[] = [];
  #lastBeat = Date.now();
  /** Something was asked of the driver: the inbox is looked at soon. */
  #expectsAnswer = false;
  /** Calls of the running attempt that were not answered. */
  readonly #unanswered = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ContainerLoopOptions) {
    this.#options = options;
    this.#writer = new FeedWriter(options.stores.table, options.id);
    this.#feed = { name: options.lab, shard: options.feedShard };
  }

  /** The service takes the container away: running attempts have what is left of the notice. */
  terminate(): void {
    if (this.#terminating) return;
    this.#terminating = true;
    this.#tell({ type: "terminating" });
    this.#options.supervisor.notice("the ECS task was told to stop");
  }

  async run(): Promise<void> {
    this.#tell({ type: "hello" });
    const telling = setInterval(() => this.#tellNews(), TELL_EVERY_MS);
    const beating = setInterval(() => this.#beat(), BEAT_CHECK_MS);
    try {
      await this.#takeLetters();
    } finally {
      clearInterval(telling);
      clearInterval(beating);
      this.#tellNews();
      this.#tell({ type: "bye" });
      await this.#writing;
    }
  }

  async #takeLetters(): Promise<void> {
    const { idleMs } = this.#options;
    let pause = POLL_MIN_MS;
    let lastWork = Date.now();
    let lastLabCheck = Date.now();
    while (!this.#terminating) {
      const letters = await this.#readInbox();
      for (const letter of letters) this.#take(letter.number, letter.letter);
      this.#workOn();
      if (this.#working || letters.length > 0) lastWork = Date.now();
      const isPatient = this.#lastLetter === 0;
      const isIdle = Date.now() - lastWork > (isPatient ? Math.max(idleMs, FIRST_WORK_MS) : idleMs);
      if (!this.#working && (this.#leaving || isIdle)) {
        // One more look: what arrived in this very moment is not left behind.
        const late = await this.#readInbox();
        if (late.length === 0) return;
        for (const letter of late) this.#take(letter.number, letter.letter);
        continue;
      }
      if (Date.now() - lastLabCheck > LAB_CHECK_EVERY_MS) {
        lastLabCheck = Date.now();
        await this.#lookForLab();
      }
      pause = letters.length > 0 || this.#expectsAnswer ? POLL_MIN_MS : Math.min(POLL_MAX_MS, pause * 1.3);
      this.#expectsAnswer = false;
      await (this.#working ? Promise.race([this.#working, sleep(pause)]) : sleep(pause));
    }
    // A notice of termination was given: what is done until then counts.
    await this.#working;
  }

  /** Whoever takes over gives the lab's sign in its place; until then what runs goes on, and nothing is waited for. */
  async #lookForLab(): Promise<void> {
    const { stores, lab, supervisor } = this.#options;
    const sign = await labSign(stores.table, lab);
    if (sign === "alive") return;
    this.#leaving = true;
    // What waits for tasks of its own would wait for ever.
    if (this.#unanswered.size > 0) supervisor.stop();
    else if (sign === "gone") await endAlone(supervisor, this.#current);
  }

  #readInbox() {
    const { stores, id } = this.#options;
    return readLetters(stores.table, stores.objects, id, this.#lastLetter);
  }

  #take(number: number, letter: Letter): void {
    this.#lastLetter = number;
    switch (letter.type) {
      case "assign":
        this.#assignments.push(letter.assignment);
        break;
      case "cancel":
        this.#cancel(letter.assignment, letter.tasks, letter.graceMs);
        break;
      case "answer":
        this.#unanswered.delete(letter.answer.call);
        if (letter.assignment === this.#current?.id) this.#work?.answer(letter.answer);
        break;
      case "leave":
        this.#leaving = true;
        break;
    }
  }

  #cancel(assignmentId: string, tasks: readonly number[], graceMs: number): void {
    if (this.#current?.id === assignmentId) {
      this.#work?.cancel(tasks, graceMs);
      return;
    }
    const at = this.#assignments.findIndex(({ id }) => id === assignmentId);
    const queued = this.#assignments[at];
    if (!queued) return;
    const attempts = queued.attempts.filter(({ task }) => !tasks.includes(task));
    if (attempts.length === 0) this.#assignments.splice(at, 1);
    else this.#assignments[at] = { ...queued, attempts };
  }

  #workOn(): void {
    const next = this.#working ? undefined : this.#assignments.shift();
    if (!next) return;
    this.#current = next;
    this.#working = this.#workOff(next).finally(() => {
      this.#working = undefined;
      this.#current = undefined;
      this.#work = undefined;
    });
  }

  async #workOff(assignment: Assignment): Promise<void> {
    this.#unanswered.clear();
    const { ownStores, supervisor } = this.#options;
    this.#work = new AssignmentWork({
      assignment,
      supervisor,
      stores: async () => ownStores,
      mayGoOn: () => !this.#terminating && !this.#leaving,
      listener: {
        report: (report) => this.#reports.push(report),
        log: (line) => this.#logs.push(line),
        nested: (message) => {
          this.#tellNews();
          this.#tell(message);
          this.#expectsAnswer = true;
          this.#unanswered.add(message.request.call);
        },
      },
    });
    const end = await this.#work.run();
    this.#tellNews();
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

  #tellNews(): void {
    for (const lines of linesInParts(this.#logs)) this.#tell({ type: "logs", lines });
    this.#logs = [];
    const assignment = this.#current?.id;
    if (assignment !== undefined) {
      for (const reports of reportsInParts(this.#reports)) this.#tell({ type: "outcomes", assignment, reports });
    }
    this.#reports = [];
  }

  #beat(): void {
    if (Date.now() - this.#lastBeat < BEAT_AFTER_MS) return;
    this.#lastBeat = Date.now();
    const { usage } = this.#options.supervisor;
    this.#tell({ type: "beat", assignments: this.#current ? [this.#current.id] : [], ...(usage ? { usage } : {}) });
  }

  #tell(event: FeedEvent): void {
    this.#writing = this.#writing
      .then(() => this.#writer.write(this.#feed, event))
      .catch((error) => console.error("stratolab: the feed could not be written:", error));
  }
}
