import type { FailureKind } from "../wire/outcome.ts";
import type { Command } from "./commands.ts";
import { Interest } from "./interest.ts";
import { LeftRuns } from "./left-runs.ts";
import type { Nesting, WaitsFor } from "./nesting.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

/** What a task's life asks of the part that hands out work. */
interface Dispatching {
  /** The task's dependencies have their results: it may go. */
  enqueue(task: number): void;
  /** Nobody waits for the attempt in flight any more. */
  abandon(task: number, reason: "cancelled" | "superseded"): void;
}

/**
 * The life of tasks from waiting to settled, and of the runs that wait for them. Knows nothing of
 * executors: what is ready is passed on.
 */
export class Lifecycle {
  readonly #tasks: TaskTable;
  readonly #dispatching: Dispatching;
  readonly #nesting: Nesting;
  readonly #emit: (command: Command) => void;
  readonly #interest: Interest;
  readonly #left = new LeftRuns();
  constructor(tasks: TaskTable, dispatching: Dispatching, nesting: Nesting, emit: (command: Command) => void) {
    this.#tasks = tasks;
    this.#dispatching = dispatching;
    this.#nesting = nesting;
    this.#emit = emit;
    this.#interest = new Interest(tasks, nesting);
  }

  addRun(failFast: boolean, parent?: number): number {
    const run = this.#interest.addRun(failFast, parent);
    if (parent !== undefined) this.#nesting.open(run, parent);
    return run;
  }

  addTask(run: number, shape: number, state: "wanted" | "done" | "skipped" | "failed"): number {
    const { Done, Failed, Skipped, Waiting } = TaskState;
    const initial = { wanted: Waiting, done: Done, skipped: Skipped, failed: Failed }[state];
    const task = this.#tasks.add(run, shape, initial);
    this.#tasks.depth[task] = this.#interest.runs[run].depth;
    if (state === "wanted") this.#interest.want(run, task);
    return task;
  }

  addDependency(dependent: number, dependency: number): void {
    this.#tasks.addDependency(dependent, dependency);
    if (this.#tasks.state[dependency] !== TaskState.Done) this.#tasks.pending[dependent] += 1;
  }

  /**
   * Makes a run wait for a task that another one added and that is not settled yet, and for all that
   * this one waits for itself: were the other run cancelled, they have to go on. Where it was, they go on again, or are
   * made again.
   */
  share(run: number, task: number): void {
    if (this.isReopenedFor(run, task)) this.reopen([task], [run]);
    const queue = [task];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (this.#tasks.isSettled(next) || this.#tasks.state[next] === TaskState.Skipped) continue;
      if (this.#interest.runsOf(next).includes(run)) continue;
      this.#interest.wantToo(run, next);
      if (!this.#interest.runs[run].draining) this.#goOnAgain(next);
      this.#tasks.forEachDependency(next, (dependency) => queue.push(dependency));
    }
  }

  /** What a task runs is wanted again, as it is itself. What was cut short meanwhile stays so. */
  #goOnAgain(task: number): void {
    for (const nested of this.#nesting.runsOf(task)) {
      const state = this.#interest.runs[nested];
      if (!state.orphaned) continue;
      state.orphaned = false;
      state.draining = false;
      for (const child of this.#interest.unsettledOf(nested)) this.#goOnAgain(child);
    }
  }

  /** Lets those of a run's tasks go that wait for nothing. */
  open(run: number, tasks: Iterable<number>): void {
    const parent = this.#nesting.parentOf(run);
    if (parent !== undefined) {
      // Of a run that is to end nothing more is begun; that the parent wants itself again does not count.
      if (!this.#interest.isWanted(parent, (wanting) => !wanting.draining)) this.#orphan(run, true);
      for (const task of this.#interest.unsettledOf(run)) this.#blockIfInputFailed(task);
    }
    for (const task of tasks) this.#wakeIfReady(task);
    this.#endIfSettled(run);
  }

  /** Runs that wait for a task that is not settled. */
  runsOf(task: number): readonly number[] {
    return this.#interest.runsOf(task);
  }

  /** Whether a failed attempt of the task may be followed by another. */
  mayRetry(task: number): boolean {
    return this.#interest.isWantedByOneThatGoesOn(task);
  }

  settleDone(task: number): void {
    if (this.#tasks.state[task] === TaskState.Running) this.#dispatching.abandon(task, "superseded");
    const wasWanted = this.#tasks.state[task] !== TaskState.Skipped;
    this.#tasks.state[task] = TaskState.Done;
    // What it started and did not wait for goes on.
    const nested = this.#nesting.runsOf(task);
    if (nested.length > 0) {
      const goingOn = nested.filter((run) => !this.#interest.runs[run].ended);
      this.#left.leave(nested, goingOn, this.#interest.runsOf(task));
    }
    this.#nesting.forget(task);
    this.#emit({ type: "settled", task, kind: "ok", why: "" });
    this.#tasks.forEachDependent(task, (dependent) => {
      this.#tasks.pending[dependent] -= 1;
      this.#wakeIfReady(dependent);
    });
    if (wasWanted) this.#countSettled(task);
  }

  /** Settles a task without a result since nobody wants it any more: should somebody need it later, it is made again. */
  endUnwanted(task: number, kind: FailureKind, why: string): void {
    this.#tasks.unwanted[task] = 1;
    this.settleFailed(task, kind, why);
  }

  /** Settles a task without a result, and with it all that depend on it. */
  settleFailed(task: number, kind: FailureKind, why: string): void {
    const failFastRuns = this.#interest
      .runsOf(task)
      .filter((run) => kind !== "cancelled" && this.#interest.runs[run].failFast);
    this.#fail(task, { type: "settled", task, kind, why });
    this.#failDependents(task, task);
    for (const run of failFastRuns) if (!this.#interest.runs[run].ended) this.cancel(run, undefined, false);
  }

  /** What a nested run needs may have failed before, for its parent's attempt that was suspended. */
  #blockIfInputFailed(task: number): void {
    if (this.#tasks.state[task] === TaskState.Waiting && this.#tasks.pending[task] > 0) this.waitForInputs(task);
  }

  /**
   * Makes a task wait for inputs that are being made again; if one will never be, it fails with it. One that was ended
   * for want of somebody who wants it is made again, too.
   */
  waitForInputs(task: number): void {
    this.#tasks.state[task] = TaskState.Waiting;
    const failed = this.#failedInputOf(task);
    if (failed === undefined) return;
    if (this.#tasks.unwanted[failed] && this.mayRetry(task)) {
      this.reopen(this.#unwantedInputsOf(task), this.#interest.runsOf(task));
      return;
    }
    const root = this.#rootOf(failed);
    this.#failBlocked(task, root);
    this.#failDependents(task, root);
  }

  /** The failed task that has blocked another one, itself or through others. */
  #rootOf(failed: number): number {
    let root = failed;
    for (let next: number | undefined = failed; next !== undefined; next = this.#failedInputOf(root)) root = next;
    return root;
  }

  /** An input that has failed: for good, if there is one. */
  #failedInputOf(task: number): number | undefined {
    const { state, unwanted } = this.#tasks;
    let failed: number | undefined;
    this.#tasks.forEachDependency(task, (dependency) => {
      if (state[dependency] !== TaskState.Failed) return;
      if (failed === undefined || unwanted[failed]) failed = dependency;
    });
    return failed;
  }

  #unwantedInputsOf(task: number): number[] {
    const found: number[] = [];
    this.#tasks.forEachDependency(task, (dependency) => {
      if (this.isUnwanted(dependency)) found.push(dependency);
    });
    return found;
  }

  /** Whether a task has failed only since nobody wanted it any more, or what it depends on. */
  isUnwanted(task: number): boolean {
    return this.#tasks.state[task] === TaskState.Failed && this.#tasks.unwanted[task] === 1;
  }

  /** Whether a run that goes on has such a task made again. */
  isReopenedFor(run: number, task: number): boolean {
    return this.isUnwanted(task) && !this.#interest.runs[run].draining;
  }

  #failBlocked(task: number, blockedBy: number): void {
    this.#tasks.unwanted[task] = this.#tasks.unwanted[blockedBy];
    this.#fail(task, { type: "settled", task, kind: "cancelled", why: "a dependency failed", blockedBy });
  }

  /** All that depend on a failed task, at any distance, are blocked by `blockedBy`. */
  #failDependents(task: number, blockedBy: number): void {
    const failed = [task];
    for (let next = failed.pop(); next !== undefined; next = failed.pop()) {
      this.#tasks.forEachDependent(next, (dependent) => {
        if (!this.#isPending(dependent)) return;
        this.#failBlocked(dependent, blockedBy);
        failed.push(dependent);
      });
    }
  }

  /** Tasks that a run no longer wants; those that run are killed, or left to finish when draining. */
  cancel(run: number, only: readonly number[] | undefined, drain: boolean, why = "cancelled"): void {
    if (only === undefined) this.#interest.runs[run].draining = true;
    for (const task of only ?? this.#interest.unsettledOf(run)) {
      if (!this.#interest.isWantedBy(run, task)) continue;
      const isSuspended = this.#tasks.state[task] === TaskState.Suspended;
      const isRunning = isSuspended || this.#tasks.state[task] === TaskState.Running;
      const isLeft = !this.#interest.leave(run, task);
      if (isLeft && this.#interest.isWanted(task, (other) => !other.draining)) continue;
      // Those that are left are of parents that end, too, or of the task itself.
      const others = isLeft ? this.#interest.runsOf(task).filter((other) => !this.#interest.runs[other].draining) : [];
      for (const other of others) this.#orphan(other, drain);
      if (this.#tasks.isSettled(task)) continue;
      // Others that drain wait only for what is running, and what that runs.
      if (isRunning && (drain || (isLeft && this.#interest.isWanted(task, () => true)))) {
        for (const nested of this.#nesting.runsOf(task)) this.#orphan(nested, true);
        continue;
      }
      if (isRunning && !isSuspended) this.#dispatching.abandon(task, "cancelled");
      if (only === undefined) this.endUnwanted(task, "cancelled", why);
      else this.settleFailed(task, "cancelled", why);
    }
    if (only === undefined) for (const left of this.#left.cancelled(run)) this.cancel(left, undefined, drain, why);
    this.#endIfSettled(run);
  }

  /** Another attempt of a task begins: those that wait only for what is running do not wait for that. */
  leaveToOthers(task: number): void {
    for (const run of this.#interest.runsOf(task)) {
      if (!this.#interest.runs[run].draining) continue;
      this.#interest.leave(run, task);
      this.#endIfSettled(run);
    }
  }

  /** Nobody wants the task any more whose attempt has opened a run. */
  #orphan(run: number, drain: boolean): void {
    const state = this.#interest.runs[run];
    // What drains has nothing left to be cancelled; those that wait for each other would be gone through for ever.
    if (state.draining && drain) return;
    if (!state.draining) state.orphaned = true;
    this.cancel(run, undefined, drain);
  }

  /**
   * Whether tasks of a run were ended only since nobody wanted the task any more whose attempt has opened it. Whoever
   * wants that task nevertheless, from then on, has it made again: the attempt would be told of what nobody asked for.
   */
  isCut(run: number): boolean {
    return this.#interest.runs[run].cut;
  }

  /**
   * Stored results are gone, or were never made since nobody wanted them: their tasks run again, and with them what was
   * skipped for their sake, or ended likewise.
   *
   * @param runs All that miss them.
   */
  reopen(lost: readonly number[], runs: readonly number[]): void {
    const goingOn = runs.filter((run) => !this.#interest.runs[run].draining);
    const run = goingOn[0] ?? runs[0];
    const isMadeAgain = (task: number) => this.isReopenedFor(run, task);
    const queue = [...lost];
    for (let task = queue.pop(); task !== undefined; task = queue.pop()) {
      const state = this.#tasks.state[task];
      if (state !== TaskState.Done && state !== TaskState.Skipped && !isMadeAgain(task)) continue;
      this.#tasks.state[task] = TaskState.Waiting;
      this.#tasks.unwanted[task] = 0;
      this.#tasks.owner[task] = run;
      this.#interest.want(run, task);
      this.#emit({ type: "reopened", task });
      if (state === TaskState.Done) this.#tasks.forEachDependent(task, (dependent) => this.#waitAgain(dependent));
      this.#tasks.forEachDependency(task, (dependency) => {
        if (this.#tasks.state[dependency] === TaskState.Skipped || isMadeAgain(dependency)) queue.push(dependency);
        else this.share(run, dependency);
      });
    }
    for (const task of lost) {
      for (const other of goingOn) this.share(other, task);
      this.#shareWithDependents(task);
    }
    // A run that was cancelled has nothing made again, unless another one waits for it.
    if (this.#interest.runs[run].draining) this.cancel(run, undefined, true);
    for (const task of lost) this.#wakeFrom(task);
  }

  /**
   * Makes a task wait for others that are about to be made again for it, although they are none of its inputs: it was
   * given a handle on what they have put. From now on they count as what it depends on.
   */
  waitForOthers(task: number, others: readonly number[]): void {
    const inputs = new Set<number>();
    this.#tasks.forEachDependency(task, (dependency) => inputs.add(dependency));
    for (const other of others) {
      if (inputs.has(other)) continue;
      this.addDependency(task, other);
      // Where they lie then is told when it is dispatched: it cannot follow them in one dispatch.
      this.#tasks.apart[task] = 1;
    }
  }

  /** Who waits for whom. */
  readonly waits: WaitsFor = {
    tasksOf: (run) => this.#interest.unsettledOf(run),
    waitsOf: (task) => this.#nesting.waitsOf(task),
    dependenciesOf: (task, visit) =>
      this.#tasks.forEachDependency(task, (dependency) => {
        if (!this.#tasks.isSettled(dependency) || this.isUnwanted(dependency)) visit(dependency);
      }),
  };

  /** Whoever waits for a dependent of the task waits for the task as well. */
  #shareWithDependents(task: number): void {
    this.#tasks.forEachDependent(task, (dependent) => {
      if (this.#tasks.isSettled(dependent) || this.#tasks.state[dependent] === TaskState.Skipped) return;
      for (const run of this.#interest.runsOf(dependent)) this.share(run, task);
    });
  }

  #waitAgain(dependent: number): void {
    this.#tasks.pending[dependent] += 1;
    // Those in a queue would only find their input missing.
    const state = this.#tasks.state[dependent];
    if (state === TaskState.Ready || state === TaskState.Backoff) this.#tasks.state[dependent] = TaskState.Waiting;
  }

  /** Wakes what is ready among a reopened task and the reopened ones it depends on. */
  #wakeFrom(task: number): void {
    const queue = [task];
    const seen = new Set(queue);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      this.#wakeOrBlock(next);
      this.#tasks.forEachDependency(next, (dependency) => {
        if (seen.has(dependency) || this.#tasks.state[dependency] !== TaskState.Waiting) return;
        seen.add(dependency);
        queue.push(dependency);
      });
    }
  }

  /** An input may have failed for good since the task was done. */
  #wakeOrBlock(task: number): void {
    if (this.#tasks.state[task] !== TaskState.Waiting) return;
    if (this.#tasks.pending[task] > 0) this.waitForInputs(task);
    else this.#dispatching.enqueue(task);
  }

  #wakeIfReady(task: number): void {
    if (this.#tasks.state[task] !== TaskState.Waiting || this.#tasks.pending[task] > 0) return;
    this.#dispatching.enqueue(task);
  }

  #isPending(task: number): boolean {
    const state = this.#tasks.state[task];
    return state === TaskState.Waiting || state === TaskState.Ready || state === TaskState.Backoff;
  }

  #fail(task: number, command: Command): void {
    this.#tasks.state[task] = TaskState.Failed;
    this.#emit(command);
    const nested = this.#nesting.runsOf(task);
    this.#nesting.forget(task);
    for (const run of nested) this.#orphan(run, false);
    for (const run of this.#interest.runsOf(task)) this.#interest.noteMissing(run);
    this.#countSettled(task);
  }

  #countSettled(task: number): void {
    for (const run of this.#interest.settled(task)) {
      this.#interest.runs[run].unsettled -= 1;
      this.#endIfSettled(run);
    }
  }

  #endIfSettled(run: number): void {
    const state = this.#interest.runs[run];
    if (state.unsettled > 0 || state.ended) return;
    state.ended = true;
    this.#left.ended(run);
    this.#emit({ type: "run-ended", run });
  }

  /** Whether all that a run waits for is settled. */
  hasEnded(run: number): boolean {
    return this.#interest.runs[run].ended;
  }
}
