import type { Lane } from "./offer.ts";
import type { StoreLoad } from "./store-pace.ts";

/** Attempts handed out together, as long as one of them is awaited. */
export interface Assignment {
  readonly id: number;
  readonly lane: Lane;
  readonly executor: string | undefined;
  /** Which of the lane's identical functions. */
  readonly copy: number;
  readonly uses: Readonly<Record<string, number>>;
  /** Whether it counts against its group: a second one queued behind a running one does not. */
  counted: boolean;
  /** Its running attempt waits for tasks of its own: as long as it does, it holds no slot. */
  parked: boolean;
  /** Those come behind that its executor goes on with by itself. */
  readonly tasks: number[];
  readonly attempts: number[];
  /** What its executor may go on with, where it has the last input. */
  readonly fanIns?: readonly number[] | undefined;
  /** How many its executor works on at once. */
  readonly atOnce: number;
  /** Which of `tasks` are settled with the scheduler, by position. */
  readonly ended: boolean[];
  remaining: number;
  /** What each of its tasks is expected to ask of the stores, where that is bounded and known. */
  readonly load: StoreLoad | undefined;
  /** When its first attempt began here, as far as can be told: when it was handed to an executor that had nothing else. */
  begunAt?: number;
}

/** Assignments in flight by id. */
export class Assignments {
  readonly #byId = new Map<number, Assignment>();
  #next = 0;
  /** Assignments that executors or invocations are working on. */
  active = 0;

  /** Id of the next one that is added. */
  get nextId(): number {
    return this.#next;
  }

  add(assignment: Omit<Assignment, "id" | "ended" | "remaining" | "parked" | "begunAt">): Assignment {
    const id = this.#next++;
    const { lane, executor, copy, uses, counted, tasks, attempts, fanIns, atOnce, load } = assignment;
    // Field by field: a spread gives objects of a slower kind, and there is one for each attempt of a chain.
    const ended = new Array<boolean>(tasks.length).fill(false);
    const added = {
      id,
      lane,
      executor,
      copy,
      uses,
      counted,
      tasks,
      attempts,
      fanIns,
      atOnce,
      ended,
      remaining: tasks.length,
      load,
      parked: false,
    };
    this.#byId.set(id, added);
    if (counted) this.active += 1;
    return added;
  }

  [Symbol.iterator](): IterableIterator<Assignment> {
    return this.#byId.values();
  }

  /** Its executor goes on with a task more. */
  join(assignment: Assignment, task: number, attempt: number): void {
    assignment.tasks.push(task);
    assignment.attempts.push(attempt);
    assignment.ended.push(false);
    assignment.remaining += 1;
  }

  /** A queued assignment is being worked on now. */
  count(assignment: Assignment): void {
    assignment.counted = true;
    if (!assignment.parked) this.active += 1;
  }

  /** Its running attempt begins to wait, or goes on. */
  park(assignment: Assignment, isParked: boolean): void {
    assignment.parked = isParked;
    if (assignment.counted) this.active += isParked ? -1 : 1;
  }

  get(id: number): Assignment | undefined {
    return this.#byId.get(id);
  }

  remove(assignment: Assignment): void {
    if (this.#byId.delete(assignment.id) && assignment.counted && !assignment.parked) this.active -= 1;
  }

  countOf(which: (assignment: Assignment) => boolean): number {
    let count = 0;
    for (const assignment of this.#byId.values()) if (which(assignment)) count += 1;
    return count;
  }

  get size(): number {
    return this.#byId.size;
  }
}
