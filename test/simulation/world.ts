import type { Command } from "../../sdk/core/commands.ts";
import type { AttemptEnd, AttemptFailure, SchedulerEvent, SharedFailure } from "../../sdk/core/events.ts";
import type { Lane } from "../../sdk/core/offer.ts";
import { seededRandom } from "../../sdk/core/random.ts";
import type { Agenda } from "./agenda.ts";
import type { Scenario } from "./scenario.ts";

/** An assignment that is being worked on, in the simulated world. */
interface Work {
  readonly assignment: number;
  readonly lane: Lane;
  readonly tasks: number[];
  readonly executor: string | undefined;
  over: boolean;
}

interface SimulatedExecutor {
  readonly id: string;
  readonly lane: Lane;
  readonly queue: Work[];
  alive: boolean;
}

/**
 * Simulated executors, Lambda and control table. It carries out the scheduler's commands in virtual
 * time, with the scenario's misfortunes, and tells the scheduler what a driver would see.
 */
export class World {
  readonly #scenario: Scenario;
  readonly #agenda: Agenda;
  readonly #tell: (event: SchedulerEvent) => void;
  readonly #random: () => number;
  readonly #executors = new Map<string, SimulatedExecutor>();
  readonly #works = new Map<number, Work>();
  #nextExecutor = 0;
  /** Committed results: the control table. */
  readonly committed = new Set<number>();
  /** Executions of each task that ran to their end. */
  readonly completions = new Map<number, number>();
  /** Attempts that are being executed right now, by task. */
  readonly executing = new Map<number, number>();
  /** Bodies that run at this moment, for the concurrency invariant. */
  running = 0;

  constructor(scenario: Scenario, agenda: Agenda, tell: (event: SchedulerEvent) => void) {
    this.#scenario = scenario;
    this.#agenda = agenda;
    this.#tell = tell;
    this.#random = seededRandom(scenario.seed ^ 0x5eed);
  }

  get liveExecutors(): number {
    return this.#executors.size;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #delay(most: number): number {
    return Math.floor(this.#random() * most);
  }

  perform(command: Command): void {
    if (command.type === "start-executors") this.#startExecutors(command.lane, command.count);
    else if (command.type === "dispatch") this.#dispatch(command);
    else if (command.type === "kill") this.#kill(command.assignment, command.tasks);
    else if (command.type === "stop-executor") this.#executors.delete(command.executor);
  }

  #startExecutors(lane: Lane, count: number): void {
    const { faults } = this.#scenario;
    for (let index = 0; index < count; index++) {
      const throttled = lane.service !== "local" && this.#chance(faults.throttle);
      if (throttled || this.#chance(faults.startFailure)) {
        const kind = throttled ? "throttled" : "start-failed";
        this.#agenda.in(this.#delay(2_000), () => this.#tell({ type: "start-failed", lane, count: 1, kind }));
        continue;
      }
      const executor: SimulatedExecutor = { id: `e${this.#nextExecutor++}`, lane, queue: [], alive: true };
      this.#agenda.in(this.#delay(lane.service === "local" ? 50 : 40_000), () => {
        this.#executors.set(executor.id, executor);
        this.#tell({ type: "executor-ready", executor: executor.id, lane });
      });
    }
  }

  #dispatch(command: Command & { type: "dispatch" }): void {
    const work: Work = {
      assignment: command.assignment,
      lane: command.lane,
      tasks: [...command.tasks],
      executor: command.executor,
      over: false,
    };
    this.#works.set(work.assignment, work);
    if (command.executor !== undefined) {
      const executor = this.#executors.get(command.executor);
      // It died before the assignment reached it; the driver hears of the death by other ways.
      if (!executor) return;
      executor.queue.push(work);
      if (executor.queue.length === 1) this.#work(work, 0);
      return;
    }
    if (this.#chance(this.#scenario.faults.throttle)) {
      work.over = true;
      this.#agenda.in(this.#delay(200), () => this.#fail(work, { kind: "throttled" }));
      return;
    }
    this.#agenda.in(this.#delay(100), () => this.#work(work, 0));
  }

  /** Works on the task at `position`, then on those behind it. */
  #work(work: Work, position: number): void {
    if (work.over) return;
    const task = work.tasks[position];
    if (task === undefined) {
      this.#finished(work);
      return;
    }
    const spec = this.#scenario.tasks[task];
    const missing = spec.dependencies.filter((dependency) => !this.committed.has(dependency));
    const { faults } = this.#scenario;
    this.executing.set(task, (this.executing.get(task) ?? 0) + 1);
    this.running += 1;
    const leave = () => {
      this.executing.set(task, (this.executing.get(task) ?? 1) - 1);
      this.running -= 1;
    };
    const death = this.#deathOf(work, spec.needsMb);
    const lasts = death ? this.#delay(spec.durationMs) : spec.durationMs;
    this.#agenda.in(missing.length > 0 ? 1 : lasts, () => {
      leave();
      if (work.over) {
        // A late victim: nobody waits for it, but it may still commit.
        if (!death && missing.length === 0 && !spec.alwaysFails && this.#chance(0.5)) this.#lateCommit(work, task);
        return;
      }
      if (missing.length > 0) return this.#report(work, position, { kind: "object-lost", lost: missing });
      if (death) return this.#die(work, this.#chance(0.7) ? { ...death, culprit: task } : death);
      if (spec.alwaysFails || this.#chance(faults.userError)) {
        return this.#report(work, position, { kind: "user-error", retryable: spec.policy.retryOn === true });
      }
      this.committed.add(task);
      this.completions.set(task, (this.completions.get(task) ?? 0) + 1);
      if (this.#chance(faults.lostObject)) this.#agenda.in(this.#delay(3_000), () => this.committed.delete(task));
      if (work.executor === undefined && this.#chance(faults.lostResponse))
        return this.#die(work, { kind: "executor-lost" });
      this.#report(work, position, { kind: "ok", durationMs: spec.durationMs });
    });
  }

  #deathOf(work: Work, needsMb: number): AttemptFailure | undefined {
    const { faults } = this.#scenario;
    if (work.lane.memoryMb !== undefined && needsMb > work.lane.memoryMb) return { kind: "out-of-memory" };
    if (work.lane.spot && this.#chance(faults.spotInterruption)) return { kind: "spot-interruption" };
    if (this.#chance(faults.executorDeath)) return { kind: "executor-lost" };
    if (this.#chance(faults.outOfMemory)) return { kind: "out-of-memory" };
    return undefined;
  }

  #report(work: Work, position: number, end: AttemptEnd): void {
    const event = { type: "attempt-ended", assignment: work.assignment, task: work.tasks[position], end } as const;
    if (this.#chance(this.#scenario.faults.duplicate)) this.#agenda.in(this.#delay(5_000), () => this.#tell(event));
    this.#agenda.in(0, () => this.#work(work, position + 1));
    this.#tell(event);
  }

  #lateCommit(work: Work, task: number): void {
    this.committed.add(task);
    const end = { kind: "ok", durationMs: 1 } as const;
    this.#agenda.in(this.#delay(2_000), () =>
      this.#tell({ type: "attempt-ended", assignment: work.assignment, task, end }),
    );
  }

  #die(work: Work, end: SharedFailure | undefined): void {
    work.over = true;
    const executor = work.executor === undefined ? undefined : this.#executors.get(work.executor);
    if (!executor) {
      this.#agenda.in(this.#delay(500), () => this.#fail(work, end ?? { kind: "executor-lost" }));
      return;
    }
    executor.alive = false;
    this.#executors.delete(executor.id);
    for (const queued of executor.queue) queued.over = true;
    this.#agenda.in(this.#delay(1_000), () =>
      this.#tell({ type: "executor-gone", executor: executor.id, ...(end ? { end } : {}) }),
    );
  }

  #fail(work: Work, end: SharedFailure): void {
    this.#tell({ type: "assignment-failed", assignment: work.assignment, end });
  }

  #finished(work: Work): void {
    work.over = true;
    const executor = work.executor === undefined ? undefined : this.#executors.get(work.executor);
    if (!executor) return;
    executor.queue.shift();
    if (executor.queue.length > 0) this.#work(executor.queue[0], 0);
  }

  /** A killed attempt takes its executor with it where it is already running. */
  #kill(assignment: number, tasks: readonly number[]): void {
    const work = this.#works.get(assignment);
    if (!work || work.over) return;
    const executor = work.executor === undefined ? undefined : this.#executors.get(work.executor);
    for (const task of tasks) {
      const at = work.tasks.indexOf(task);
      if (at < 0) continue;
      const isRunning = (this.executing.get(task) ?? 0) > 0;
      if (!isRunning) {
        // Not begun, or already over: nothing to stop. Its place stays, so positions keep meaning.
        continue;
      }
      if (executor) {
        this.#die(work, undefined);
      } else {
        work.over = true;
        this.#agenda.in(10, () => this.#fail(work, { kind: "cancelled" }));
      }
      return;
    }
  }
}
