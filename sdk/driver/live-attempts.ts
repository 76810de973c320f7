import type { Runner } from "../runners/runner.ts";
import type { InFlight, InFlightBook } from "./in-flight.ts";
import type { ProgressListener, RunningAttempt } from "./progress-events.ts";
import type { RunState } from "./run-state.ts";
import type { TaskEntry } from "./task-entry.ts";

/** How often is told what runs, in milliseconds. */
const TELL_EVERY_MS = 1_000;
/** What began less than this ago, in milliseconds, is not worth telling: it may be over by then. */
const WORTH_TELLING_MS = 1_000;
/** Attempts of a run that are told, those that run longest. */
const MOST = 20;

interface LiveAttemptsOptions {
  readonly inFlight: InFlightBook;
  readonly runner: Pick<Runner, "usageOf">;
  readonly tell: ProgressListener;
  entryOf(task: number): TaskEntry;
  attemptOf(task: number): number;
  /** The run that a task is part of. */
  runOf(entry: TaskEntry): RunState;
}

/** Tells once a second what is being executed for long, where, and what it uses. */
export class LiveAttempts {
  readonly #options: LiveAttemptsOptions;
  /** Runs, and whether something was told of them that has to be taken back. */
  readonly #runs = new Map<RunState, boolean>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveAttemptsOptions) {
    this.#options = options;
  }

  begin(run: RunState): void {
    this.#runs.set(run, false);
    this.#timer ??= setInterval(() => this.#tell(Date.now()), TELL_EVERY_MS).unref();
  }

  end(run: RunState): void {
    this.#runs.delete(run);
    if (this.#runs.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tell(at: number): void {
    const byRun = new Map<RunState, RunningAttempt[]>();
    const busy = new Set<string>();
    // In the order of their dispatch: those that run longest come first.
    for (const [assignment, inFlight] of this.#options.inFlight) {
      const { executor, dispatchedAt, open } = inFlight;
      if (at - dispatchedAt < WORTH_TELLING_MS) break;
      // What is queued behind another one does not run.
      if (executor !== undefined && busy.has(executor)) continue;
      if (executor !== undefined) busy.add(executor);
      const [task] = open;
      if (task === undefined) continue;
      const entry = this.#options.entryOf(task);
      const run = this.#options.runOf(entry);
      const told = byRun.get(run) ?? [];
      if (told.length < MOST) told.push(this.#describe(assignment, inFlight, entry));
      byRun.set(run, told);
    }
    for (const [run, wasTold] of this.#runs) {
      const attempts = byRun.get(run) ?? [];
      if (attempts.length === 0 && !wasTold) continue;
      this.#runs.set(run, attempts.length > 0);
      this.#options.tell({ type: "running", runId: run.id, at, attempts });
    }
  }

  #describe(
    assignment: string,
    { attempts, executor, lane, dispatchedAt }: InFlight,
    entry: TaskEntry,
  ): RunningAttempt {
    const { attemptOf, runner } = this.#options;
    const usage = runner.usageOf?.({ assignment, ...(executor === undefined ? {} : { executor }) });
    return {
      name: entry.planned.name,
      task: String(entry.planned.task),
      attempt: attempts?.get(entry.task) ?? attemptOf(entry.task),
      lane: lane.name,
      ...(executor === undefined ? {} : { executor }),
      since: dispatchedAt,
      ...usage,
    };
  }
}
