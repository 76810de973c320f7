/** Where a task is in its life. */
export const TaskState = {
  /** Some dependency has no result yet. */
  Waiting: 0,
  /** In a lane's queue. */
  Ready: 1,
  /** An attempt is in flight. */
  Running: 2,
  /** Waits out a delay before its next attempt. */
  Backoff: 3,
  /** Its result is stored. */
  Done: 4,
  /** It will have no result. */
  Failed: 5,
  /** Not needed, since all that depend on it were found in the cache. */
  Skipped: 6,
  /** Its attempt has ended to be made again when the runs it waited for have ended. */
  Suspended: 7,
} as const;
export type TaskState = (typeof TaskState)[keyof typeof TaskState];

const INITIAL_CAPACITY = 256;
const NONE = -1;

function grown<T extends Int32Array | Uint8Array | Uint16Array | Float32Array>(array: T, capacity: number): T {
  const larger = new (array.constructor as new (length: number) => T)(capacity);
  larger.set(array as never);
  return larger;
}

/**
 * All tasks of a lab's runs and the edges between them, in flat arrays indexed by task: a million
 * tasks take tens of megabytes. An edge is in two lists at once: the dependents of one task and the
 * dependencies of the other.
 */
export class TaskTable {
  #count = 0;
  #edges = 0;
  state = new Uint8Array(INITIAL_CAPACITY);
  /** Dependencies that have no result yet. */
  pending = new Int32Array(INITIAL_CAPACITY);
  shape = new Int32Array(INITIAL_CAPACITY);
  /** Position on the task's ladder. */
  rung = new Uint8Array(INITIAL_CAPACITY);
  /** 1 once the task has left Spot capacity for good. */
  onDemand = new Uint8Array(INITIAL_CAPACITY);
  /** 1 for a task that may have brought down its batch, or waits for what it has lost: it goes alone from then on. */
  apart = new Uint8Array(INITIAL_CAPACITY);
  /** 1 for a failed task that has failed only since nobody wanted it any more, or what it depends on. */
  unwanted = new Uint8Array(INITIAL_CAPACITY);
  /** Size of the encoded params. */
  paramBytes = new Float32Array(INITIAL_CAPACITY);
  /** Size of the encoded result, once there is one. */
  resultBytes = new Float32Array(INITIAL_CAPACITY);
  /** Number of the latest attempt, 0 before the first. */
  attempt = new Uint16Array(INITIAL_CAPACITY);
  /** Assignment of the attempt in flight. */
  assignment = new Int32Array(INITIAL_CAPACITY);
  /** How many tasks deep it is: 0, or one more than the task that runs it. */
  depth = new Uint8Array(INITIAL_CAPACITY);
  /** The run that added the task. */
  owner = new Int32Array(INITIAL_CAPACITY);
  #firstDependent = new Int32Array(INITIAL_CAPACITY);
  #firstDependency = new Int32Array(INITIAL_CAPACITY);
  #edgeDependent = new Int32Array(INITIAL_CAPACITY);
  #edgeDependency = new Int32Array(INITIAL_CAPACITY);
  #nextDependent = new Int32Array(INITIAL_CAPACITY);
  #nextDependency = new Int32Array(INITIAL_CAPACITY);

  get count(): number {
    return this.#count;
  }

  add(run: number, shape: number, state: TaskState): number {
    if (this.#count === this.state.length) this.#growTasks();
    const task = this.#count++;
    this.state[task] = state;
    this.pending[task] = 0;
    this.shape[task] = shape;
    this.rung[task] = 0;
    this.onDemand[task] = 0;
    this.apart[task] = 0;
    this.unwanted[task] = 0;
    this.paramBytes[task] = 0;
    this.resultBytes[task] = 0;
    this.attempt[task] = 0;
    this.assignment[task] = NONE;
    this.depth[task] = 0;
    this.owner[task] = run;
    this.#firstDependent[task] = NONE;
    this.#firstDependency[task] = NONE;
    return task;
  }

  addDependency(dependent: number, dependency: number): void {
    if (this.#edges === this.#edgeDependent.length) this.#growEdges();
    const edge = this.#edges++;
    this.#edgeDependent[edge] = dependent;
    this.#edgeDependency[edge] = dependency;
    this.#nextDependent[edge] = this.#firstDependent[dependency];
    this.#firstDependent[dependency] = edge;
    this.#nextDependency[edge] = this.#firstDependency[dependent];
    this.#firstDependency[dependent] = edge;
  }

  forEachDependent(task: number, visit: (dependent: number) => void): void {
    for (let edge = this.#firstDependent[task]; edge !== NONE; edge = this.#nextDependent[edge]) {
      visit(this.#edgeDependent[edge]);
    }
  }

  /** Whether a task has its result, or will have none. */
  isSettled(task: number): boolean {
    const state = this.state[task];
    return state === TaskState.Done || state === TaskState.Failed;
  }

  forEachDependency(task: number, visit: (dependency: number) => void): void {
    for (let edge = this.#firstDependency[task]; edge !== NONE; edge = this.#nextDependency[edge]) {
      visit(this.#edgeDependency[edge]);
    }
  }

  /** Whether something holds of all that a task depends on. */
  everyDependency(task: number, holds: (dependency: number) => boolean): boolean {
    for (let edge = this.#firstDependency[task]; edge !== NONE; edge = this.#nextDependency[edge]) {
      if (!holds(this.#edgeDependency[edge])) return false;
    }
    return true;
  }

  /** Size of everything that an attempt of the task loads: its params, and the results they refer to. */
  inputBytes(task: number): number {
    let bytes = this.paramBytes[task];
    this.forEachDependency(task, (dependency) => {
      bytes += this.resultBytes[dependency];
    });
    return bytes;
  }

  #growTasks(): void {
    const capacity = this.state.length * 2;
    this.state = grown(this.state, capacity);
    this.pending = grown(this.pending, capacity);
    this.shape = grown(this.shape, capacity);
    this.rung = grown(this.rung, capacity);
    this.onDemand = grown(this.onDemand, capacity);
    this.apart = grown(this.apart, capacity);
    this.unwanted = grown(this.unwanted, capacity);
    this.paramBytes = grown(this.paramBytes, capacity);
    this.resultBytes = grown(this.resultBytes, capacity);
    this.attempt = grown(this.attempt, capacity);
    this.assignment = grown(this.assignment, capacity);
    this.depth = grown(this.depth, capacity);
    this.owner = grown(this.owner, capacity);
    this.#firstDependent = grown(this.#firstDependent, capacity);
    this.#firstDependency = grown(this.#firstDependency, capacity);
  }

  #growEdges(): void {
    const capacity = this.#edgeDependent.length * 2;
    this.#edgeDependent = grown(this.#edgeDependent, capacity);
    this.#edgeDependency = grown(this.#edgeDependency, capacity);
    this.#nextDependent = grown(this.#nextDependent, capacity);
    this.#nextDependency = grown(this.#nextDependency, capacity);
  }
}
