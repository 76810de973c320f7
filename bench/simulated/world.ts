import type { Command } from "../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../sdk/core/events.ts";
import { ECS_TASKS_PER_CALL } from "../../sdk/core/limits.ts";
import type { Lane, Offer } from "../../sdk/core/offer.ts";
import { seededRandom } from "../../sdk/core/random.ts";
import { capacityGroups } from "../../sdk/core/route.ts";
import { Scheduler } from "../../sdk/core/scheduler.ts";
import type { TaskShape } from "../../sdk/core/task-shape.ts";
import { Agenda } from "../../test/simulation/agenda.ts";
import { type EcsQuotas, EcsService } from "./ecs-service.ts";
import { type LambdaQuotas, LambdaService } from "./lambda-service.ts";

/** One way from the driver to a service, or back, in milliseconds: least and most. */
const NETWORK_MS = [10, 30] as const;
/** What an attempt takes beside its task: loading, storing, committing. */
const OVERHEAD_MS = 20;
/** A simulated container leaves when it has had nothing to do for so long, in milliseconds. */
const IDLE_MS = 1_000;

export interface WorldOptions {
  readonly offer: Offer;
  readonly lambda: LambdaQuotas;
  readonly ecs: EcsQuotas;
  readonly seed: number;
}

interface Container {
  readonly id: string;
  readonly lane: Lane;
  readonly askedAt: number;
  busyUntil: number;
}

/** One run of the scheduler against simulated services, on a virtual clock. */
export class World {
  readonly agenda = new Agenda();
  readonly lambda: LambdaService;
  readonly ecs: EcsService;
  readonly scheduler: Scheduler;
  /** When the last task was settled. */
  endedAt = 0;
  settled = 0;
  readonly #durations: number[] = [];
  readonly #containers = new Map<string, Container>();
  readonly #random: () => number;
  readonly #run: number;
  #started = 0;
  #wakingAt = Number.POSITIVE_INFINITY;

  constructor({ offer, lambda, ecs, seed }: WorldOptions) {
    this.lambda = new LambdaService(this.agenda, lambda);
    this.ecs = new EcsService(this.agenda, ecs);
    this.#random = seededRandom(seed);
    this.scheduler = new Scheduler({
      seed,
      groups: capacityGroups(offer),
      concurrency: Number.POSITIVE_INFINITY,
      batch: { targetMs: 1_000, maxTasks: 100 },
    });
    this.#run = this.scheduler.addRun({ failFast: false });
  }

  /** Adds tasks that depend on nothing, with what each really takes, in milliseconds. */
  addTasks(shape: TaskShape, durationsMs: readonly number[]): void {
    const index = this.scheduler.addShape(shape);
    for (const durationMs of durationsMs) this.#durations[this.scheduler.addTask(this.#run, index)] = durationMs;
  }

  /** Runs everything to its end. */
  run(): this {
    const all = this.#durations.map((_, task) => task);
    this.#carryOut(this.scheduler.open(this.#run, all, 0));
    while (this.agenda.next());
    if (this.settled !== all.length) throw new Error(`${this.settled} of ${all.length} tasks were settled`);
    return this;
  }

  /** Dollars of both services. */
  get dollars(): number {
    return this.lambda.dollars + this.ecs.dollars;
  }

  #happen(...events: SchedulerEvent[]): void {
    this.#carryOut(this.scheduler.step(events, this.agenda.now));
  }

  #carryOut(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.type === "settled") {
        if (command.kind !== "ok") throw new Error(`task ${command.task} failed: ${command.kind}, ${command.why}`);
        this.settled += 1;
        this.endedAt = this.agenda.now;
      } else if (command.type === "start-executors") this.#start(command.lane, command.count);
      else if (command.type === "dispatch" && command.executor === undefined) this.#invoke(command);
      else if (command.type === "dispatch") this.#assign(command);
    }
    this.#setTimer();
  }

  #setTimer(): void {
    const at = this.scheduler.wakeAt;
    if (at === undefined || at >= this.#wakingAt) return;
    this.#wakingAt = at;
    this.agenda.in(Math.max(0, at - this.agenda.now), () => {
      if (this.#wakingAt !== at) return;
      this.#wakingAt = Number.POSITIVE_INFINITY;
      this.#happen({ type: "tick" });
    });
  }

  #wayMs(): number {
    const [least, most] = NETWORK_MS;
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  #invoke({ assignment, lane, copy = 0, tasks }: Command & { type: "dispatch" }): void {
    const wantedMs = tasks.reduce((sum, task) => sum + this.#durations[task] + OVERHEAD_MS, 0);
    const ms = Math.min(wantedMs, lane.maxTimeoutMs as number);
    this.agenda.in(this.#wayMs(), () => {
      this.lambda.invoke(`${lane.name} #${copy}`, lane.memoryMb as number, ms, (isThrottled) =>
        this.agenda.in(this.#wayMs(), () => {
          const cut = { kind: "timeout", atServiceLimit: true } as const;
          if (isThrottled) this.#happen({ type: "assignment-failed", assignment, end: { kind: "throttled" } });
          else if (ms < wantedMs) this.#happen({ type: "assignment-failed", assignment, end: cut });
          else this.#end(assignment, tasks);
        }),
      );
    });
  }

  #end(assignment: number, tasks: readonly number[]): void {
    this.#happen(
      ...tasks.map((task): SchedulerEvent => {
        const end = { kind: "ok", durationMs: this.#durations[task] } as const;
        return { type: "attempt-ended", assignment, task, end };
      }),
    );
  }

  #start(lane: Lane, count: number): void {
    for (let left = count; left > 0; left -= ECS_TASKS_PER_CALL) {
      const some = Math.min(left, ECS_TASKS_PER_CALL);
      this.agenda.in(this.#wayMs(), () => {
        const askedAt = this.agenda.now;
        const isStarted = this.ecs.runTask(lane, some, () => this.#ready(lane, askedAt));
        if (!isStarted) this.#happen({ type: "start-failed", lane, count: some, kind: "throttled" });
      });
    }
  }

  #ready(lane: Lane, askedAt: number): void {
    const container = { id: `c${this.#started++}`, lane, askedAt, busyUntil: this.agenda.now };
    this.#containers.set(container.id, container);
    this.#leaveWhenIdle(container);
    this.#happen({ type: "executor-ready", executor: container.id, lane });
  }

  #assign({ assignment, executor, tasks }: Command & { type: "dispatch" }): void {
    const container = this.#containers.get(executor as string);
    if (!container) return;
    const ms = tasks.reduce((sum, task) => sum + this.#durations[task] + OVERHEAD_MS, 0);
    const arrivesAt = this.agenda.now + this.#wayMs();
    container.busyUntil = Math.max(container.busyUntil, arrivesAt) + ms;
    this.agenda.in(container.busyUntil - this.agenda.now + this.#wayMs(), () => this.#end(assignment, tasks));
    this.agenda.in(container.busyUntil - this.agenda.now, () => this.#leaveWhenIdle(container));
  }

  #leaveWhenIdle(container: Container): void {
    this.agenda.in(IDLE_MS, () => {
      const { now } = this.agenda;
      if (now < container.busyUntil + IDLE_MS || !this.#containers.delete(container.id)) return;
      this.ecs.stopped(container.lane, now - container.askedAt);
      this.#happen({ type: "executor-gone", executor: container.id });
    });
  }
}
