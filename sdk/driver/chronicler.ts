import type { Command } from "../core/commands.ts";
import type { Lane } from "../core/offer.ts";
import type { AttemptEvidence, TaskError } from "../errors.ts";
import type { RunnerEvent } from "../runners/runner.ts";
import { ChronicleWriter } from "../stores/chronicle.ts";
import type { Stores } from "../stores/stores.ts";
import { type ChronicleEvent, type SpentBudget, type ToldAttempt, toBits } from "../wire/chronicle.ts";
import type { Usage } from "../wire/outcome.ts";
import type { Slot } from "../wire/slot.ts";
import type { LookedUp } from "./look-up.ts";
import type { RunState } from "./run-state.ts";
import type { Reopened, TaskEntry } from "./task-entry.ts";
import { thisProcess } from "./this-process.ts";

/** How often what has happened is written down, in milliseconds. */
const WRITE_EVERY_MS = 1_000;
/** Log lines that are kept of a run; what goes beyond is counted. */
const MAX_LOG_LINES = 100_000;
/** Events that wait to be written while the store cannot be reached. */
const MAX_WAITING = 1_000_000;

/** A run that is being written of. */
interface Story {
  readonly run: RunState;
  readonly writer: ChronicleWriter;
  /** Of tasks in the manifest, and behind them of those that tasks run. */
  readonly positions: Map<TaskEntry, number>;
  waiting: ChronicleEvent[];
  lines: number;
  droppedLines: number;
  droppedEvents: number;
  /** Log lines are the next driver's to tell, from the feed. */
  isGiven: boolean;
  writing: Promise<void>;
}

/** What an attempt runs, as it has asked for it. */
interface NestedPart {
  readonly parent: TaskEntry;
  readonly attempt: number;
  readonly plan: Slot;
  /** The entry of each task, by its position in the plan. */
  readonly entries: readonly TaskEntry[];
  readonly needed: Uint8Array;
}

interface ChroniclerOptions {
  readonly stores: Stores;
  readonly namespace: string;
  readonly runner: string;
  /** Resolves when it is known whose the runs are: a driver that was replaced writes nothing. */
  certain(): Promise<void>;
}

/** Writes down what happens in a lab's runs, once a second: for those that follow them, or come later. */
export class Chronicler {
  readonly #options: ChroniclerOptions;
  readonly #stories = new Map<RunState, Story>();
  readonly #ending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ChroniclerOptions) {
    this.#options = options;
  }

  /** @param entries The entry of each task, by its position in the plan. */
  begin(run: RunState, entries: readonly TaskEntry[], { needed, records }: LookedUp): void {
    const { stores, namespace, runner } = this.#options;
    const { host, pid } = thisProcess();
    const story: Story = {
      run,
      writer: new ChronicleWriter(stores, namespace, run.id, run.epoch),
      positions: new Map(entries.map((entry, position) => [entry, position])),
      waiting: [],
      lines: 0,
      droppedLines: 0,
      droppedEvents: 0,
      isGiven: false,
      writing: Promise.resolve(),
    };
    this.#stories.set(run, story);
    const { length } = entries;
    const wanted = toBits(length, (position) => needed[position] === 1);
    const cached = toBits(length, (position) => records[position] !== undefined);
    const { startedAt: at, epoch, costUsd } = run;
    const before = costUsd > 0 ? { costUsd } : {};
    this.#add(story, { type: "driven", at, epoch, runner, host, pid, wanted, cached, ...before });
    // What another run of this lab has finished is there for this one, too.
    for (const entry of run.entries) if (entry.value && !entry.cached) this.done(entry);
    this.#timer ??= setInterval(() => this.#writeAll(), WRITE_EVERY_MS).unref();
  }

  /** An attempt runs tasks. */
  nested({ parent, attempt, plan, entries, needed }: NestedPart): void {
    const at = Date.now();
    for (const story of this.#stories.values()) {
      const position = story.positions.get(parent);
      if (position === undefined) continue;
      const fresh = entries.map((entry) => !story.positions.has(entry));
      const positions = entries.map((entry) => {
        const known = story.positions.get(entry) ?? story.positions.size;
        story.positions.set(entry, known);
        return known;
      });
      const isFresh = (index: number) => fresh[index] && needed[index] === 1 && entries[index].failure === undefined;
      const wanted = toBits(entries.length, isFresh);
      const cached = toBits(entries.length, (index) => isFresh(index) && entries[index].cached);
      this.#add(story, { type: "nested", at, parent: position, attempt, plan, positions, wanted, cached });
      // What another run of this lab has finished is there for this one, too.
      entries.forEach((entry, index) => {
        if (isFresh(index) && entry.value && !entry.cached) this.#add(story, this.#doneEvent(entry, positions[index]));
      });
    }
  }

  /** @param usage What the attempt has used, where that is known. */
  suspended(entry: TaskEntry, usage?: Usage): void {
    const evidence = entry.evidence?.at(-1);
    if (!evidence) return;
    this.#tell(entry, (task) => ({ type: "suspended", at: Date.now(), task, last: toldAttempt(evidence, usage) }));
  }

  dispatched(
    entries: readonly TaskEntry[],
    attempts: readonly number[],
    lane: Lane,
    executor: string | undefined,
    why?: string,
    isBeside = false,
  ): void {
    const at = Date.now();
    for (const story of this.#stories.values()) {
      const tasks: number[] = [];
      const own: number[] = [];
      entries.forEach((entry, index) => {
        const position = story.positions.get(entry);
        if (position === undefined) return;
        tasks.push(position);
        own.push(attempts[index]);
      });
      if (tasks.length === 0) continue;
      const beside = isBeside ? { beside: true as const } : {};
      const where = {
        ...(executor === undefined ? {} : { executor }),
        ...(why === undefined ? {} : { why }),
        ...beside,
      };
      this.#add(story, { type: "dispatched", at, lane: lane.name, ...where, tasks, attempts: own });
    }
  }

  retried(entry: TaskEntry, { why, delayMs, lane }: Command & { type: "retry" }): void {
    const evidence = entry.evidence?.at(-1);
    if (!evidence) return;
    const last = toldAttempt(evidence, entry.lastFailure?.usage);
    this.#tell(entry, (task) => ({ type: "retried", at: Date.now(), task, last, why, delayMs, lane: lane.name }));
  }

  /** Of two attempts one has ended, as was noted last: the task goes by the other. */
  besideEnded(entry: TaskEntry): void {
    const evidence = entry.evidence?.at(-1);
    if (!evidence) return;
    const usage = evidence.kind === "cancelled" ? undefined : entry.lastFailure?.usage;
    this.#tell(entry, (task) => ({ type: "beside-ended", at: Date.now(), task, last: toldAttempt(evidence, usage) }));
  }

  done(entry: TaskEntry): void {
    this.#tell(entry, (task) => this.#doneEvent(entry, task));
  }

  #doneEvent({ success }: TaskEntry, task: number): ChronicleEvent {
    const at = Date.now();
    if (!success) return { type: "done", at, task };
    const { attempt, usage, costUsd, inFlight, executor = inFlight?.executor ?? "" } = success;
    const { name: lane = this.#options.runner, memoryMb } = inFlight?.lane ?? {};
    const last = { attempt, lane, memoryMb, executor, usage, ...(costUsd > 0 ? { costUsd } : {}) };
    return { type: "done", at, task, last };
  }

  failed(entry: TaskEntry, reason: TaskError, blockedBy: TaskEntry | undefined, ran: boolean): void {
    const { kind, message, logTail } = reason;
    // What was seen before has been told with the attempt that followed.
    const evidence = blockedBy || !ran ? undefined : entry.evidence?.at(-1);
    const error = blockedBy ? undefined : entry.lastFailure?.error;
    for (const story of this.#stories.values()) {
      const task = story.positions.get(entry);
      if (task === undefined || story.run.lost) continue;
      const blocking = blockedBy && story.positions.get(blockedBy);
      this.#add(story, {
        type: "failed",
        at: Date.now(),
        task,
        kind,
        message,
        logTail,
        ran,
        ...(blocking === undefined ? {} : { blockedBy: blocking }),
        ...(evidence ? { last: toldAttempt(evidence, entry.lastFailure?.usage) } : {}),
        ...(error ? { error } : {}),
      });
    }
  }

  reopened(entry: TaskEntry, was: Reopened): void {
    this.#tell(entry, (task) => ({ type: "reopened", at: Date.now(), task, ...was }));
  }

  log(entry: TaskEntry, { at, attempt, level, text }: RunnerEvent & { type: "log" }): void {
    for (const story of this.#stories.values()) {
      const task = story.positions.get(entry);
      if (task === undefined || story.isGiven) continue;
      story.lines += 1;
      if (story.lines <= MAX_LOG_LINES) {
        this.#add(story, { type: "log", at, task, attempt, level, text });
        continue;
      }
      if (story.droppedLines === 0) {
        const dropping = `log lines beyond the first ${MAX_LOG_LINES} of the run are not kept`;
        this.#add(story, { type: "notice", at, text: dropping });
      }
      story.droppedLines += 1;
    }
  }

  budgetSpent(run: RunState, budget: SpentBudget): void {
    const story = this.#stories.get(run);
    if (story) this.#add(story, { type: "budget-spent", at: Date.now(), budget });
  }

  notice(text: string): void {
    for (const story of this.#stories.values()) this.#add(story, { type: "notice", at: Date.now(), text });
  }

  /** A run has ended, or is not this driver's any more: resolves when all that happened in it is written. */
  end(run: RunState): Promise<void> {
    const story = this.#stories.get(run);
    if (!story) return Promise.resolve();
    this.#stories.delete(run);
    if (this.#stories.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    if (story.droppedLines > 0) {
      const text = `${story.droppedLines} log lines beyond the first ${MAX_LOG_LINES} of the run were not kept`;
      this.#add(story, { type: "notice", at: Date.now(), text });
    }
    if (!run.lost) this.#add(story, { type: "ended", at: Date.now() });
    const ended = this.#write(story);
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
    return ended;
  }

  /** Another driver goes on with a run: resolves when everything is written that this one has to tell of it. */
  handOver(run: RunState): Promise<void> {
    const story = this.#stories.get(run);
    if (story) story.isGiven = true;
    return this.written();
  }

  /** Resolves when everything that has happened is written. */
  async written(): Promise<void> {
    await Promise.all([...this.#ending, ...[...this.#stories.values()].map((story) => this.#write(story))]);
  }

  #tell(entry: TaskEntry, eventOf: (task: number) => ChronicleEvent): void {
    for (const story of this.#stories.values()) {
      const task = story.positions.get(entry);
      if (task !== undefined) this.#add(story, eventOf(task));
    }
  }

  #add(story: Story, event: ChronicleEvent): void {
    if (story.waiting.length < MAX_WAITING) story.waiting.push(event);
    else story.droppedEvents += 1;
  }

  #writeAll(): void {
    for (const story of this.#stories.values()) void this.#write(story);
  }

  #write(story: Story): Promise<void> {
    story.writing = story.writing.then(async () => {
      if (story.waiting.length === 0) return;
      await this.#options.certain();
      // Its next driver writes on; two hands would contradict each other.
      if (story.run.lost && !story.run.isHandedOver) return;
      const events = story.waiting;
      if (story.droppedEvents > 0) {
        const text = `${story.droppedEvents} events were not kept: the store could not be reached for too long`;
        events.push({ type: "notice", at: Date.now(), text });
        story.droppedEvents = 0;
      }
      story.waiting = [];
      try {
        await story.writer.append(events);
      } catch {
        // Nothing of the run depends on it: it is tried again with the next page.
        story.waiting = [...events, ...story.waiting];
      }
    });
    return story.writing;
  }
}

function toldAttempt(evidence: AttemptEvidence, usage: ToldAttempt["usage"] | undefined): ToldAttempt {
  const { usage: _, ...told } = evidence;
  return usage ? { ...told, usage } : told;
}
