import type { Lane } from "./offer.ts";

/** Attempts handed out together, as long as one of them is awaited. */
export interface Assignment {
  readonly id: number;
  readonly lane: Lane;
  readonly executor: string | undefined;
  readonly uses: Readonly<Record<string, number>>;
  /** Whether it counts against its group: a second one queued behind a running one does not. */
  counted: boolean;
  readonly tasks: readonly number[];
  readonly attempts: readonly number[];
  /** Which of `tasks` are settled with the scheduler, by position. */
  readonly ended: boolean[];
  remaining: number;
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

  add(assignment: Omit<Assignment, "id" | "ended" | "remaining">): Assignment {
    const id = this.#next++;
    const size = assignment.tasks.length;
    const added = { ...assignment, id, ended: new Array<boolean>(size).fill(false), remaining: size };
    this.#byId.set(id, added);
    if (added.counted) this.active += 1;
    return added;
  }

  /** A queued assignment is being worked on now. */
  count(assignment: Assignment): void {
    assignment.counted = true;
    this.active += 1;
  }

  get(id: number): Assignment | undefined {
    return this.#byId.get(id);
  }

  remove(assignment: Assignment): void {
    if (this.#byId.delete(assignment.id) && assignment.counted) this.active -= 1;
  }

  get size(): number {
    return this.#byId.size;
  }
}
