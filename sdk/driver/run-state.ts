import type { LabError, TaskError } from "../errors.ts";
import type { RefusedCounts } from "../stores/runs.ts";
import type { Task } from "../task.ts";
import type { SpentBudget } from "../wire/chronicle.ts";
import { Outcomes } from "./outcomes.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What a run is known by. */
export interface RunIdentity {
  readonly runId: string;
  readonly name: string | undefined;
  readonly tags: readonly string[];
  /** Which of the run's drivers this is, counted from 1. */
  readonly epoch: number;
  /** Results count from this generation on; 0 unless every task is computed anew. */
  readonly generation: number;
  /** When its first driver began; default now. */
  readonly begunAt?: number;
}

/** A run from the driver's side: what was asked for, and what has come of it. */
export class RunState extends Outcomes<TaskEntry> {
  readonly id: string;
  readonly name: string | undefined;
  readonly tags: readonly string[];
  /** Which of the run's drivers this is, counted from 1. */
  readonly epoch: number;
  /** When its first driver began, in milliseconds since the epoch. */
  readonly begunAt: number;
  /** When this driver began, likewise. */
  readonly startedAt = Date.now();
  endedAt: number | undefined;
  /** Dollars so far. */
  costUsd = 0;
  /** How often AWS has refused something of it; undefined as long as that is never. */
  refused: RefusedCounts | undefined;
  /** What is added to the time in which the scheduler has held tasks back, for that of this run, in milliseconds. */
  heldOffsetMs = 0;
  /** What it may cost, in dollars. */
  maxCostUsd: number | undefined;
  /** It could not pay for its next attempt. */
  budgetSpent: SpentBudget | undefined;
  /** Index of the run in the scheduler. */
  readonly index: number;
  /** The entry of each task asked for; equal tasks share one. */
  readonly targets: readonly TaskEntry[];
  /** Results count from this generation on; 0 unless every task is computed anew. */
  readonly generation: number;
  readonly #entries: Set<TaskEntry>;
  /** Tasks of its plan that need not be there, since what needs them is. */
  readonly unneeded: TaskEntry[] = [];
  /** What it is called in the scheduler, and what those are that its attempts have opened. */
  readonly indexes: number[];
  /** Task types of which an attempt has ended in this run. */
  readonly ranTypes = new Set<string>();
  /** Failures of tasks that were not asked for themselves. */
  readonly otherFailures: TaskError[] = [];
  /** All of its tasks are settled with the scheduler; results may still be on their way. */
  isSettled = false;
  /** Somebody asked for its end before its time. */
  isCancelled = false;
  /** Why it is not this driver's any more. */
  lost: LabError | undefined;
  /** It was given to another driver, in good order. */
  isHandedOver = false;

  constructor(
    { runId, name, tags, epoch, generation, begunAt }: RunIdentity,
    index: number,
    tasks: readonly Task<unknown>[],
    targets: readonly TaskEntry[],
    entries: readonly TaskEntry[],
  ) {
    super(tasks, targets);
    this.id = runId;
    this.name = name;
    this.tags = tags;
    this.epoch = epoch;
    this.index = index;
    this.targets = targets;
    this.generation = generation;
    this.begunAt = begunAt ?? this.startedAt;
    this.indexes = [index];
    this.#entries = new Set(entries);
    for (const entry of this.#entries) entry.uses += 1;
  }

  /** Every task that has to be there for what was asked for, and those that they run. */
  get entries(): ReadonlySet<TaskEntry> {
    return this.#entries;
  }

  /**
   * Tasks run tasks.
   *
   * @returns Those that the run did not have before.
   */
  addEntries(entries: readonly TaskEntry[]): TaskEntry[] {
    const added = [...new Set(entries)].filter((entry) => !this.#entries.has(entry));
    for (const entry of added) {
      this.#entries.add(entry);
      entry.uses += 1;
    }
    return added;
  }

  /** So much more was refused of it. */
  addRefused(more: RefusedCounts): void {
    const refused: Record<string, number> = { ...this.refused };
    for (const [kind, count] of Object.entries(more)) if (count > 0) refused[kind] = (refused[kind] ?? 0) + count;
    this.refused = refused;
  }

  finish(): void {
    this.endedAt = Date.now();
    this.close();
  }
}
