/** Which runs the attempts of tasks have opened, and which of them they wait for. */
export class Nesting {
  /** Runs opened by attempts of a task that is not settled, over and not. */
  readonly #runs = new Map<number, number[]>();
  /** Runs that a task's attempt waits for, and that have not ended; empty once it goes on. */
  readonly #waits = new Map<number, Set<number>>();
  /** Tasks whose attempt has waited for a run that was cut short: nothing can become of the attempt. */
  readonly #inVain = new Set<number>();
  readonly #parents = new Map<number, number>();

  open(run: number, parent: number): void {
    this.#parents.set(run, parent);
    const runs = this.#runs.get(parent);
    if (runs) runs.push(run);
    else this.#runs.set(parent, [run]);
  }

  runsOf(parent: number): readonly number[] {
    return this.#runs.get(parent) ?? [];
  }

  parentOf(run: number): number | undefined {
    return this.#parents.get(run);
  }

  /** The run that no task has opened, and that a run is part of. @param ownerOf The run of each task. */
  rootOf(run: number, ownerOf: ArrayLike<number>): number {
    let root = run;
    for (let task = this.parentOf(root); task !== undefined; task = this.parentOf(root)) root = ownerOf[task];
    return root;
  }

  wait(parent: number, run: number): void {
    const waits = this.#waits.get(parent);
    if (waits) waits.add(run);
    else this.#waits.set(parent, new Set([run]));
  }

  waitsOf(parent: number): ReadonlySet<number> | undefined {
    return this.#waits.get(parent);
  }

  /** What a task's attempt waits for was cut short. */
  waitInVain(parent: number): void {
    this.#inVain.add(parent);
  }

  waitsInVain(parent: number): boolean {
    return this.#inVain.has(parent);
  }

  /**
   * A run has ended.
   *
   * @param isCut Its tasks were ended since nobody wanted the one that waits: that one will not learn of it.
   * @returns The task that waited for it, and for no other.
   */
  ended(run: number, isCut = false): number | undefined {
    const parent = this.#parents.get(run);
    if (parent === undefined) return undefined;
    const waits = this.#waits.get(parent);
    if (!waits?.delete(run)) return undefined;
    if (isCut) this.#inVain.add(parent);
    if (waits.size > 0) return undefined;
    this.#waits.delete(parent);
    return parent;
  }

  /** The attempt that waited is over. */
  stopWaiting(parent: number): void {
    this.#waits.delete(parent);
    this.#inVain.delete(parent);
  }

  /** The task is settled: what it has opened is nobody's any more. */
  forget(parent: number): void {
    this.#runs.delete(parent);
    this.stopWaiting(parent);
  }
}

/** What is known of who waits for whom. */
export interface WaitsFor {
  /** Tasks that a run waits for. */
  tasksOf(run: number): readonly number[];
  /** Runs that a task's attempt waits for. */
  waitsOf(task: number): ReadonlySet<number> | undefined;
  dependenciesOf(task: number, visit: (dependency: number) => void): void;
}

/**
 * Whether a task would wait for itself, were it to wait for this run: some task of the run is, needs, or
 * waits for one that needs, the task itself.
 *
 * @returns Who waits for whom, from the task to itself; undefined where there is no circle.
 */
export function circleThrough(task: number, run: number, graph: WaitsFor): readonly number[] | undefined {
  const cameFrom = new Map<number, number>();
  const queue: number[] = [];
  const reach = (from: number, to: number) => {
    if (cameFrom.has(to)) return;
    cameFrom.set(to, from);
    queue.push(to);
  };
  for (const wanted of graph.tasksOf(run)) reach(task, wanted);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === task) break;
    const from = next;
    graph.dependenciesOf(from, (dependency) => reach(from, dependency));
    for (const nested of graph.waitsOf(from) ?? []) for (const wanted of graph.tasksOf(nested)) reach(from, wanted);
  }
  if (!cameFrom.has(task)) return undefined;
  const path = [task];
  for (let at = cameFrom.get(task) as number; at !== task; at = cameFrom.get(at) as number) path.unshift(at);
  return [task, ...path];
}

/** Whether a task waits for another one: itself, through what it depends on, or through runs of its own. */
export function waitsFor(task: number, other: number, graph: WaitsFor): boolean {
  const seen = new Set([task]);
  const queue = [task];
  const reach = (to: number) => {
    if (seen.has(to)) return;
    seen.add(to);
    queue.push(to);
  };
  for (let next = queue.pop(); next !== undefined && !seen.has(other); next = queue.pop()) {
    graph.dependenciesOf(next, reach);
    for (const nested of graph.waitsOf(next) ?? []) for (const wanted of graph.tasksOf(nested)) reach(wanted);
  }
  return task !== other && seen.has(other);
}
