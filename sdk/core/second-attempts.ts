import type { Assignment } from "./assignments.ts";
import { attemptUsd } from "./attempt-cost.ts";
import { bucketOf } from "./sizing.ts";
import { DurationSample, isCheap, type SpeculationRule, stragglesAfterMs, whySecond } from "./speculate.ts";
import type { TaskTable } from "./task-table.ts";

/** An attempt that takes longer than nearly all others of its kind. */
export interface Straggler {
  readonly assignment: Assignment;
  /** Why it is given a second attempt, in one clause. */
  readonly why: string;
}

/** Dollars of a run. */
interface Account {
  spentUsd: number;
  onSecondsUsd: number;
}

/** What second attempts have to know of a task. */
interface Known {
  /** Task name: durations are learned by it, and by the size of inputs. */
  typeOf(task: number): string;
  /** It must not be begun twice. */
  isOnce(task: number): boolean;
  /** The run on whose account it is. */
  runOf(task: number): number;
}

/** Finds stragglers, and keeps which tasks have a second attempt in flight. */
export class SecondAttempts {
  readonly #tasks: TaskTable;
  readonly #rule: SpeculationRule | undefined;
  readonly #known: Known;
  /** By task type, then by magnitude of the input. */
  readonly #samples = new Map<string, DurationSample[]>();
  /** Assignment of the second attempt of each task that has two. */
  readonly #seconds = new Map<number, number>();
  /** Assignments that had another attempt beside them: one is enough. */
  readonly #had = new Set<number>();
  readonly #accounts = new Map<number, Account>();
  /** Types that run tasks: two attempts of one would run them twice. */
  readonly #parents = new Set<string>();

  /** @param rule Undefined: no task has a second attempt. */
  constructor(tasks: TaskTable, rule: SpeculationRule | undefined, known: Known) {
    this.#tasks = tasks;
    this.#rule = rule;
    this.#known = known;
  }

  get isOn(): boolean {
    return this.#rule !== undefined;
  }

  /** An attempt of a task has brought its result. */
  learn(task: number, durationMs: number): void {
    if (!this.#rule) return;
    const type = this.#known.typeOf(task);
    const ofType = this.#samples.get(type) ?? [];
    this.#samples.set(type, ofType);
    const bucket = bucketOf(this.#tasks.inputBytes(task));
    ofType[bucket] ??= new DurationSample();
    ofType[bucket].add(durationMs);
  }

  /** A task of this type runs tasks. */
  noteParent(task: number): void {
    this.#parents.add(this.#known.typeOf(task));
  }

  /** Whether a task of this type was seen to run tasks. */
  isParent(type: string): boolean {
    return this.#parents.has(type);
  }

  charged(run: number, usd: number): void {
    if (this.isOn) this.#accountOf(run).spentUsd += usd;
  }

  /** Assignment of the second attempt of a task. */
  of(task: number): number | undefined {
    return this.#seconds.get(task);
  }

  /** Whether its run can afford one beside this, as far as second attempts go: others may have been begun since it was found. */
  isCheap({ assignment }: Straggler): boolean {
    const [task] = assignment.tasks;
    return isCheap(this.#usdOf(task, assignment), this.#accountOf(this.#known.runOf(task)));
  }

  begun(task: number, second: Assignment, beside: Assignment): void {
    this.#seconds.set(task, second.id);
    // Whichever is left goes on alone: else two that never end would follow each other, at nobody's expense.
    this.#had.add(beside.id).add(second.id);
    this.#accountOf(this.#known.runOf(task)).onSecondsUsd += this.#usdOf(task, second);
  }

  /** Of two attempts one is left, or none. */
  forget(task: number): void {
    this.#seconds.delete(task);
  }

  /** An assignment is over. */
  closed(assignment: number): void {
    if (this.#had.size > 0) this.#had.delete(assignment);
  }

  /**
   * Looks for stragglers among what is in flight.
   *
   * @returns Those that a second attempt is worth it for, and when the next may be one as far as can be told now.
   */
  look(now: number, inFlight: Iterable<Assignment>): { stragglers: Straggler[]; nextAt: number | undefined } {
    const rule = this.#rule;
    const stragglers: Straggler[] = [];
    if (!rule) return { stragglers, nextAt: undefined };
    let nextAt: number | undefined;
    for (const assignment of inFlight) {
      const { begunAt, lane } = assignment;
      const task = this.#candidate(assignment);
      const sample = task === undefined ? undefined : this.#sampleOf(task);
      const afterMs = stragglesAfterMs(sample, lane, rule);
      if (!sample || task === undefined || begunAt === undefined || afterMs === undefined) continue;
      const at = begunAt + afterMs;
      if (at > now) nextAt = Math.min(nextAt ?? at, at);
      else if (isCheap(this.#usdOf(task, assignment), this.#accountOf(this.#known.runOf(task)))) {
        stragglers.push({ assignment, why: whySecond(now - begunAt, sample, rule) });
      }
    }
    return { stragglers, nextAt };
  }

  /** The task of an assignment that is being worked on, has one attempt only, and may have a second. */
  #candidate({ id, tasks, counted, parked, begunAt }: Assignment): number | undefined {
    if (!counted || parked || begunAt === undefined || tasks.length !== 1 || this.#had.has(id)) return undefined;
    const [task] = tasks;
    // What it needs is being made again: another one would only miss it.
    if (this.#tasks.pending[task] > 0) return undefined;
    const isTwo = this.#seconds.has(task);
    return isTwo || this.#known.isOnce(task) || this.#parents.has(this.#known.typeOf(task)) ? undefined : task;
  }

  #sampleOf(task: number): DurationSample | undefined {
    return this.#samples.get(this.#known.typeOf(task))?.[bucketOf(this.#tasks.inputBytes(task))];
  }

  /** What a second attempt is expected to cost, in dollars: as much as half of its kind do at the most. */
  #usdOf(task: number, { lane }: Assignment): number {
    const usualMs = this.#sampleOf(task)?.quantile(0.5) ?? 0;
    return attemptUsd(lane, usualMs, this.#tasks.paramBytes[task]);
  }

  #accountOf(run: number): Account {
    let account = this.#accounts.get(run);
    if (!account) {
      account = { spentUsd: 0, onSecondsUsd: 0 };
      this.#accounts.set(run, account);
    }
    return account;
  }
}
