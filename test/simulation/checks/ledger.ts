import type { Command } from "../../../sdk/core/commands.ts";
import type { SchedulerEvent } from "../../../sdk/core/events.ts";
import type { Lane } from "../../../sdk/core/offer.ts";

export interface OpenAssignment {
  readonly id: number;
  readonly lane: Lane;
  readonly executor: string | undefined;
  /** How many of its tasks share the executor's memory. */
  readonly atOnce: number;
  /** Its tasks that are awaited. */
  readonly open: Set<number>;
  /** Runs that its running attempt waits for. */
  readonly waits: Set<number>;
  /** It is on an executor that another driver has started. */
  readonly isElsewhere?: true;
  /** Where another driver has begun it: what was begun together is executed one after another. */
  readonly where?: string;
}

/** Which attempts are awaited, kept from events and commands alone: the scheduler's own books are not asked. */
export class Ledger {
  readonly #open = new Map<number, OpenAssignment>();
  /** Assignments of each executor, the one it works on first. */
  readonly #byExecutor = new Map<string, number[]>();

  get(assignment: number): OpenAssignment | undefined {
    return this.#open.get(assignment);
  }

  /** Whether an attempt of the task is awaited in this assignment. */
  awaits(assignment: number, task: number): boolean {
    return this.#open.get(assignment)?.open.has(task) ?? false;
  }

  /** Assignments in which attempts of a task are awaited. */
  openOf(task: number): OpenAssignment[] {
    return [...this.#open.values()].filter(({ open }) => open.has(task));
  }

  assignmentsOf(executor: string): OpenAssignment[] {
    return (this.#byExecutor.get(executor) ?? []).flatMap((id) => this.#open.get(id) ?? []);
  }

  /** Assignments being worked on here: what waits behind another on the same executor is not. */
  active(): OpenAssignment[] {
    return [...this.#open.values()].filter(
      ({ id, executor, isElsewhere }) =>
        !isElsewhere && (executor === undefined || this.#byExecutor.get(executor)?.[0] === id),
    );
  }

  get size(): number {
    return this.#open.size;
  }

  /** Nested runs that have not ended. */
  readonly #runs = new Set<number>();

  /** What another driver began has no executor of this one's. */
  adopted(id: number, task: number, lane: Lane, where: string): void {
    const elsewhere = lane.pool === undefined ? {} : ({ isElsewhere: true } as const);
    this.#open.set(id, {
      id,
      lane,
      executor: undefined,
      atOnce: 1,
      open: new Set([task]),
      waits: new Set(),
      where,
      ...elsewhere,
    });
  }

  nested(run: number): void {
    this.#runs.add(run);
  }

  event(event: SchedulerEvent): void {
    if (event.type === "suspended" || event.type === "passed-over") this.#close(event.assignment, event.task);
    if (event.type === "lost") for (const run of event.runs) this.#runs.add(run);
    if (event.type === "parked" && this.awaits(event.assignment, event.task) && this.#runs.has(event.run)) {
      this.#open.get(event.assignment)?.waits.add(event.run);
    }
    if (event.type === "attempt-ended") this.#close(event.assignment, event.task);
    else if (event.type === "assignment-failed") this.#closeAll(event.assignment);
    else if (event.type === "executor-gone") {
      for (const { id } of this.assignmentsOf(event.executor)) this.#closeAll(id);
    }
  }

  command(command: Command): void {
    if (command.type === "kill") for (const task of command.tasks) this.#close(command.assignment, task);
    if (command.type === "run-ended") this.#runs.delete(command.run);
    if (command.type === "run-ended" || command.type === "circle") {
      for (const { waits } of this.#open.values()) waits.delete(command.run);
    }
    if (command.type === "joined") this.#open.get(command.assignment)?.open.add(command.task);
    if (command.type !== "dispatch") return;
    const { assignment: id, atOnce = 1, lane, executor, tasks } = command;
    const beside = tasks.length > 1 ? atOnce : 1;
    this.#open.set(id, { id, lane, executor, atOnce: beside, open: new Set(tasks), waits: new Set() });
    if (executor !== undefined) this.#byExecutor.set(executor, [...(this.#byExecutor.get(executor) ?? []), id]);
  }

  #close(assignment: number, task: number): void {
    const open = this.#open.get(assignment);
    if (open?.open.delete(task) && open.open.size === 0) this.#closeAll(assignment);
  }

  #closeAll(assignment: number): void {
    const open = this.#open.get(assignment);
    if (!open) return;
    this.#open.delete(assignment);
    if (open.executor === undefined) return;
    const rest = (this.#byExecutor.get(open.executor) ?? []).filter((id) => id !== assignment);
    this.#byExecutor.set(open.executor, rest);
  }
}
