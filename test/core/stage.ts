import type { Command } from "../../sdk/core/commands.ts";
import { DEFAULT_RETRY_POLICY, type Demand, type RetryPolicy } from "../../sdk/core/demand.ts";
import type { AttemptFailure, SchedulerEvent, SharedFailure } from "../../sdk/core/events.ts";
import type { Lane, Offer } from "../../sdk/core/offer.ts";
import { seededRandom } from "../../sdk/core/random.ts";
import { capacityGroups } from "../../sdk/core/route.ts";
import { Scheduler, type SchedulerOptions } from "../../sdk/core/scheduler.ts";
import { placementOf } from "./offers.ts";

type WithLaneName<C> = C extends { readonly lane: Lane } ? Omit<C, "lane" | "run"> & { readonly lane: string } : C;

/** A command with its lane by name, as one reads it. */
export type Told = WithLaneName<Command>;

export interface StagedTask {
  readonly type?: string;
  readonly asked?: Partial<Demand>;
  readonly policy?: Partial<RetryPolicy>;
  readonly after?: readonly number[];
  readonly state?: "wanted" | "done" | "skipped";
}

/** A scheduler on a stage of its own: the world is played by the test, the clock stands until it is moved. */
export class Stage {
  readonly scheduler: Scheduler;
  readonly #offer: Offer;
  readonly #seed: number;
  now = 0;

  constructor(offer: Offer, options: Partial<SchedulerOptions> = {}) {
    this.#offer = offer;
    this.#seed = options.seed ?? 1;
    this.scheduler = new Scheduler({
      seed: this.#seed,
      groups: capacityGroups(offer),
      concurrency: Number.POSITIVE_INFINITY,
      batch: { targetMs: 100, maxTasks: 100 },
      ...options,
    });
  }

  /** Longest waits, turned into the waits that this stage's seed draws for them, in order. */
  waits(...longestMs: number[]): number[] {
    const random = seededRandom(this.#seed);
    return longestMs.map((ms) => Math.ceil(random() * ms));
  }

  run(failFast = false): number {
    return this.scheduler.addRun({ failFast });
  }

  /** Adds a task that shares its shape with no other. */
  task(run: number, staged: StagedTask = {}): number {
    return this.tasks(run, 1, staged)[0];
  }

  /** Adds tasks of one shape. */
  tasks(run: number, count: number, { type = "task", asked = {}, policy = {}, after = [], state }: StagedTask = {}) {
    const shape = this.scheduler.addShape({
      type,
      placement: placementOf(asked, this.#offer),
      policy: { ...DEFAULT_RETRY_POLICY, ...policy },
      ...(asked.timeoutMs === undefined ? {} : { timeoutMs: asked.timeoutMs }),
    });
    return Array.from({ length: count }, () => {
      const task = this.scheduler.addTask(run, shape, state);
      for (const dependency of after) this.scheduler.addDependency(task, dependency);
      return task;
    });
  }

  open(run: number, tasks?: readonly number[]): Told[] {
    const all = Array.from({ length: this.scheduler.tasks.count }, (_, task) => task);
    return tell(this.scheduler.open(run, tasks ?? all, this.now));
  }

  step(...events: SchedulerEvent[]): Told[] {
    return tell(this.scheduler.step(events, this.now));
  }

  /** Moves the clock to when the scheduler wants to be woken. */
  wake(): Told[] {
    const at = this.scheduler.wakeAt;
    if (at === undefined) throw new Error("nothing waits for time");
    this.now = Math.max(this.now, at);
    return this.step({ type: "tick" });
  }

  ok(assignment: number, task: number, durationMs = 1_000): Told[] {
    return this.step({ type: "attempt-ended", assignment, task, end: { kind: "ok", durationMs } });
  }

  fails(assignment: number, task: number, end: AttemptFailure): Told[] {
    return this.step({ type: "attempt-ended", assignment, task, end });
  }

  breaks(assignment: number, end: AttemptFailure): Told[] {
    return this.step({ type: "assignment-failed", assignment, end });
  }

  ready(executor: string, lane: Lane): Told[] {
    return this.step({ type: "executor-ready", executor, lane });
  }

  gone(executor: string, end?: SharedFailure): Told[] {
    return this.step({ type: "executor-gone", executor, ...(end ? { end } : {}) });
  }
}

/** On whose account executors are started says nothing here but in tests of that. */
const tell = (commands: readonly Command[]): Told[] =>
  commands.map((command) => {
    if (!("lane" in command)) return command;
    const { run: _, ...told } = { run: undefined, ...command, lane: command.lane.name };
    return told as Told;
  });

/** Commands of one type. */
export const only = <T extends Told["type"]>(told: readonly Told[], type: T): Extract<Told, { readonly type: T }>[] =>
  told.filter((command): command is Extract<Told, { readonly type: T }> => command.type === type);
