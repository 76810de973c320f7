import { remainingMs } from "../core/lease.ts";
import { type AttemptEvidence, type AttemptUsage, LabError, TaskCancelledError, TaskError } from "../errors.ts";
import type { GrowingPlan } from "../growing-plan.ts";
import { askedTasks } from "../recorded-plan.ts";
import { ChronicleReader } from "../stores/chronicle.ts";
import { readResults } from "../stores/results.ts";
import { type RunRecord, readRuns, requestCancel } from "../stores/runs.ts";
import type { Stores } from "../stores/stores.ts";
import { type ChronicleEvent, hasBit, type SpentBudget, type ToldAttempt } from "../wire/chronicle.ts";
import { ObjectLostError } from "../wire/object-lost-error.ts";
import type { Usage } from "../wire/outcome.ts";
import { isNewerVersion } from "../wire/version.ts";
import { causeOf, costLimitError, runError } from "./failures.ts";
import { loadAsked } from "./load-asked.ts";
import { failureOf, Outcomes } from "./outcomes.ts";
import type { ProgressListener } from "./progress-events.ts";
import { replay } from "./replay.ts";
import { isCertainlyGone } from "./this-process.ts";

/** How often is looked for news: quickly after some, slower the longer there is none. */
const MIN_MS = 200;
const MAX_MS = 1_500;
const SLOWDOWN = 1.3;
/** How long a run is followed that cannot be looked at, in milliseconds. */
const GIVE_UP_AFTER_MS = 120_000;
/** How often the run's record is looked at, in milliseconds. */
const RECORD_EVERY_MS = 1_500;

interface FollowingOptions {
  readonly stores: Stores;
  readonly namespace: string;
  readonly plan: GrowingPlan;
  readonly progress: ProgressListener;
}

/** A run that another process drives, or that is over: what has happened in it is read, and told again. */
export class FollowedRun extends Outcomes<number> {
  readonly #options: FollowingOptions;
  readonly #reader: ChronicleReader;
  readonly #attempts = new Map<number, AttemptEvidence[]>();
  readonly #cached = new Set<number>();
  readonly #otherFailures: TaskError[] = [];
  #record: RunRecord;
  #recordReadAt = Date.now();
  #error: LabError | undefined;
  /** Of its latest driver. */
  #budgetSpent: SpentBudget | undefined;
  #isLeft = false;

  constructor(record: RunRecord, options: FollowingOptions) {
    const { plan, stores, namespace } = options;
    super(askedTasks(plan), plan.targets);
    this.#record = record;
    this.#options = options;
    this.#reader = new ChronicleReader(stores, namespace, record.id);
  }

  /** Follows the run to its end, or until its driver is gone. */
  async follow(): Promise<void> {
    let pauseMs = MIN_MS;
    let lookedAt = Date.now();
    while (!this.#isLeft) {
      try {
        // Its record first: what was written before its end is found then.
        const isOver = this.#record.status !== "running" || this.#isAbandoned();
        const events = await this.#options.plan.take(await this.#reader.read());
        await this.#takeIn(events);
        if (isOver) break;
        pauseMs = events.length > 0 ? MIN_MS : Math.min(MAX_MS, pauseMs * SLOWDOWN);
        lookedAt = Date.now();
      } catch (error) {
        // Who cannot be asked now is asked again: a laptop may be on the train.
        pauseMs = MAX_MS;
        if (Date.now() - lookedAt > GIVE_UP_AFTER_MS || isNewerVersion(error)) this.#fail("unreadable", error);
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
      await this.#lookAtRecord().catch(() => {});
    }
    this.#conclude();
    this.close();
  }

  /** Follows no more. */
  leave(): void {
    this.#isLeft = true;
  }

  async #lookAtRecord(): Promise<void> {
    if (Date.now() - this.#recordReadAt < RECORD_EVERY_MS) return;
    const { stores, namespace } = this.#options;
    const [record] = await readRuns(stores.table, namespace, [this.#record.id]);
    this.#recordReadAt = Date.now();
    if (record) this.#record = record;
    else this.#fail("unknown-run", new Error("its record was deleted"));
  }

  /** Nobody drives it any more; one that is handed over has a moment to be taken up. */
  #isAbandoned(): boolean {
    const { lease, driver } = this.#record;
    if (lease.until === 0) return this.#record.handedOverAt === undefined || isLate(this.#record.handedOverAt);
    return remainingMs(lease, Date.now()) === 0 || isCertainlyGone(driver);
  }

  #fail(kind: string, cause: unknown): void {
    this.#error = new LabError(kind, `run ${this.#record.id}: ${(cause as Error).message}`, { cause });
    this.#isLeft = true;
  }

  #conclude(): void {
    if (this.isComplete || this.#error) return;
    const { id, status } = this.#record;
    if (this.#isLeft) {
      this.#error = new LabError("left", `run ${id} goes on without this lab, which was closed: attach to it again`);
    } else if (status === "running") {
      const advice = "attach to it again to go on with it";
      this.#error = new LabError("interrupted", `run ${id} has no driver any more: ${advice}`);
    }
  }

  /** All failures of the run as one error, or undefined when every task asked for has its result. */
  error(): Error | undefined {
    if (this.#error) return this.#error;
    const failed = this.outcomes.flatMap((outcome) => (outcome?.status === "rejected" ? [outcome.reason] : []));
    if (failed.length === 0) return undefined;
    const results = this.outcomes.map((outcome) => (outcome?.status === "fulfilled" ? outcome.value : undefined));
    const failures = [...new Set([...this.#otherFailures, ...failed])];
    const { id } = this.#record;
    return this.#budgetSpent
      ? costLimitError(id, this.#budgetSpent, failures, results)
      : runError(id, failures, results);
  }

  async cancel(): Promise<void> {
    if (this.isOver) return;
    const { stores, namespace } = this.#options;
    await requestCancel(stores.table, namespace, this.#record.id);
  }

  // --- What has happened --------------------------------------------------------------------------

  async #takeIn(events: readonly ChronicleEvent[]): Promise<void> {
    replay(events, { ...this.#options, runId: this.#record.id });
    const done: number[] = [];
    for (const event of events) {
      switch (event.type) {
        case "budget-spent":
          this.#budgetSpent = event.budget;
          break;
        case "driven":
          this.#budgetSpent = undefined;
          for (const target of new Set(this.#options.plan.targets)) {
            if (!hasBit(event.cached, target) || !this.wants(target)) continue;
            if (!this.#attempts.has(target)) this.#cached.add(target);
            done.push(target);
          }
          break;
        case "retried":
        case "beside-ended":
        case "suspended":
          this.#note(event.task, event.last);
          break;
        case "done":
          if (event.last) {
            const { usage, ...last } = event.last;
            const { startedAt, endedAt, peakMemoryMb } = usage;
            const seen = `it took ${endedAt - startedAt} ms`;
            const told = { kind: "ok", startedAt, endedAt, seen, decided: "its result is kept", peakMemoryMb } as const;
            this.#note(event.task, { ...last, ...told, usage });
          }
          done.push(event.task);
          break;
        case "failed":
          if (event.last) this.#note(event.task, event.last);
          this.#failed(event);
          break;
        default:
      }
    }
    await this.#deliver(done.filter((task) => this.wants(task)));
  }

  #note(
    task: number,
    { usage, memoryMb, costUsd = 0, ...rest }: Omit<ToldAttempt, "memoryMb"> & { memoryMb?: number | undefined },
  ) {
    const attempts = this.#attempts.get(task) ?? [];
    const used = usage ? { usage: measuredOf(usage) } : {};
    attempts.push({ ...rest, ...used, costUsd, ...(memoryMb === undefined ? {} : { memoryMb }) });
    this.#attempts.set(task, attempts);
  }

  async #deliver(targets: readonly number[]): Promise<void> {
    if (targets.length === 0) return;
    const { stores, plan, namespace } = this.#options;
    const records = await readResults(
      stores.table,
      targets.map((target) => {
        const { key, name, version } = plan.tasks[target];
        return { key, namespace, name, version };
      }),
    );
    await Promise.all(
      targets.map(async (target, index) => {
        const record = records[index];
        try {
          if (!record) throw new Error("it was deleted from the cache");
          const valueFor = await loadAsked(stores.objects, record.value, this.askedFor(target)).catch((error) => {
            throw error instanceof ObjectLostError && record.keepMs === 0 ? goneWithItsRun(error) : error;
          });
          const attempts = this.#attempts.get(target) ?? [];
          const cached = this.#cached.has(target);
          if (!this.wants(target)) return;
          this.settle(target, (task) => ({
            status: "fulfilled",
            kind: "ok",
            task,
            value: valueFor(task),
            cached,
            attempts,
          }));
        } catch (error) {
          const message = `${plan.tasks[target].task}: its result is not there any more: ${(error as Error).message}`;
          this.#settleFailed(target, "object-lost", message, { logTail: [], cause: error });
        }
      }),
    );
  }

  #failed({ task, kind, message, blockedBy, logTail, error }: ChronicleEvent & { type: "failed" }): void {
    const blocking = blockedBy === undefined ? undefined : this.#options.plan.tasks[blockedBy].task;
    this.#settleFailed(task, kind, message, { logTail, blockedBy: blocking, cause: causeOf(error) });
  }

  #settleFailed(
    position: number,
    kind: TaskError["kind"],
    message: string,
    facts: Pick<TaskError, "logTail" | "cause"> & { readonly blockedBy?: TaskError["blockedBy"] },
  ): void {
    const { task } = this.#options.plan.tasks[position];
    const attempts = this.#attempts.get(position) ?? [];
    const ErrorClass = kind === "cancelled" ? TaskCancelledError : TaskError;
    const reason = new ErrorClass(kind, message, { task, attempts, ...facts });
    if (this.wants(position)) this.settle(position, (asked) => failureOf(asked, reason, kind));
    // What a task runs fails it or not, as its own code decides.
    else if (!this.#options.plan.parents.has(position)) this.#otherFailures.push(reason);
  }
}

function goneWithItsRun(cause: ObjectLostError): Error {
  const why = "its type has cache: false, so it was for that run only, and whoever ran it was given it";
  return new Error(`${why}. Run the task again, or let its results be cached`, { cause });
}

/** What the executor has measured. */
const measuredOf = ({ startedAt: _, endedAt: __, peakMemoryMb: ___, ...measured }: Usage): AttemptUsage => measured;

/** How long a run that was handed over may wait for its next driver, in milliseconds: a function has to start. */
export const HANDED_OVER_MAX_MS = 60_000;
const isLate = (handedOverAt: number) => Date.now() - handedOverAt > HANDED_OVER_MAX_MS;
