import type { Outcomes, TaskFailure, TaskOutcome, TaskSuccess } from "./driver/outcomes.ts";
import type { ProgressEvent } from "./driver/progress-events.ts";
import type { ProgressHub } from "./progress/hub.ts";
import type { Task } from "./task.ts";

export type { TaskFailure, TaskOutcome, TaskSuccess };

/** Result type of a task. */
export type ResultOf<T> = T extends Task<infer R> ? R : never;

/** Results of a list of tasks, in its order. */
export type ResultsOf<T extends readonly Task<unknown>[]> = { -readonly [K in keyof T]: ResultOf<T[K]> };

/** Outcomes of a list of tasks, in its order. */
export type OutcomesOf<T extends readonly Task<unknown>[]> = { -readonly [K in keyof T]: TaskOutcome<ResultOf<T[K]>> };

/** A run that has been set in motion, here or elsewhere. */
export interface StartedRun {
  readonly outcomes: Pick<Outcomes<unknown>, "arrived" | "outcomes" | "isOver" | "ended" | "more">;
  /** What has become of it as a whole, once it is over: undefined when every task asked for has its result. */
  error(): Error | undefined;
  cancel(drain: boolean): Promise<void>;
  detach(): Promise<void>;
}

/**
 * A run on its way: `lab.start` gives it at once. Iterate over it for outcomes as they come, or wait
 * for `results()`.
 *
 * @typeParam T The tasks asked for.
 * @example
 * const run = lab.start(models);
 * for await (const outcome of run) {
 *   if (outcome.kind === "ok") console.log(String(outcome.task), outcome.value);
 * }
 */
export class Run<const T extends readonly Task<unknown>[] = readonly Task<unknown>[]>
  implements AsyncIterable<TaskOutcome<ResultOf<T[number]>>>
{
  /** Unique; names the run in logs and errors. */
  readonly id: string;
  readonly #started: Promise<StartedRun>;

  readonly #hub: ProgressHub;

  /** @internal */
  constructor(id: string, started: Promise<StartedRun>, hub: ProgressHub) {
    this.id = id;
    this.#started = started;
    this.#hub = hub;
    // Whoever waits for the run hears of it; nobody has to.
    started.catch(() => {});
  }

  /** Outcomes of the tasks asked for, in the order they come; those that were cached come first. */
  async *[Symbol.asyncIterator](): AsyncIterator<TaskOutcome<ResultOf<T[number]>>> {
    const { outcomes } = await this.#started;
    for (let next = 0; ; next++) {
      while (next >= outcomes.arrived.length) {
        if (outcomes.isOver) return;
        await outcomes.more();
      }
      yield outcomes.arrived[next] as TaskOutcome<ResultOf<T[number]>>;
    }
  }

  /**
   * What happens in the run from this call on, as the lab's `progress` function would be told it, until the run is
   * over: for notebooks and whatever draws progress of its own. Called right behind `lab.start` it misses nothing.
   * Events wait for whoever iterates, up to 100,000; a `notice` says how many were dropped.
   *
   * @throws what keeps the run from starting.
   * @example
   * for await (const event of run.events()) if (event.type === "task-retried") console.log(event.task, event.why);
   */
  events(): AsyncIterableIterator<ProgressEvent> {
    return this.#hub.events(
      this.id,
      this.#started.then(({ outcomes }) => outcomes.ended),
    );
  }

  /**
   * Results in the order of the tasks, once all of them are there.
   *
   * @throws RunError when a task has none; it holds every failure, and the results of the rest.
   */
  async results(): Promise<ResultsOf<T>> {
    const started = await this.#started;
    await started.outcomes.ended;
    const error = started.error();
    if (error) throw error;
    return started.outcomes.outcomes.map((outcome) => (outcome as TaskSuccess).value) as ResultsOf<T>;
  }

  /** An outcome for each task, in the order of the tasks, once all have one. Does not throw for failures of tasks. */
  async settled(): Promise<OutcomesOf<T>> {
    const { outcomes } = await this.#started;
    await outcomes.ended;
    return [...outcomes.outcomes] as OutcomesOf<T>;
  }

  /**
   * Ends the run before its time; resolves when nothing of it runs any more. Finished results are kept.
   *
   * @param options `drain: true` lets attempts finish that are running. Default false: they hear
   * `ctx.signal`, and are stopped two seconds later.
   */
  async cancel(options: { drain?: boolean } = {}): Promise<void> {
    const started = await this.#started;
    await started.cancel(options.drain ?? false);
    await started.outcomes.ended;
  }

  /**
   * Hands the run over to a driver that outlives this process: a process in the background with the local
   * runner, a function in the cloud on AWS. Resolves when that one may go on; this process may end then.
   * Follow the run with `lab.attach(run.id)`, from any machine that reaches the lab's storage.
   *
   * @throws LabError when the run is over, or its runner's driver can only be in this process.
   */
  async detach(): Promise<void> {
    await (await this.#started).detach();
  }
}
