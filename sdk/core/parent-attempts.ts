import type { Assignment } from "./assignments.ts";
import type { Command } from "./commands.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { SchedulerEvent } from "./events.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { circleThrough, type Nesting } from "./nesting.ts";
import { TaskState, type TaskTable } from "./task-table.ts";

interface Consequences {
  emit(command: Command): void;
  enqueue(task: number): void;
  /** Whether another attempt of the task goes on, now that this one has ended. */
  otherGoesOn(task: number, lost: Assignment): boolean;
  /** The task goes elsewhere, free of charge. */
  takeBack(task: number): void;
  /** This attempt of a task is ended: nobody wants it, another one goes on beside it, or another one is made. */
  kill(assignment: Assignment, task: number, reason: "cancelled" | "superseded" | "made-again"): void;
  /** The task's run was cancelled, and it is not tried again. */
  giveUp(task: number): void;
}

interface ParentParts {
  readonly tasks: TaskTable;
  readonly nesting: Nesting;
  readonly lifecycle: Lifecycle;
  readonly dispatcher: Dispatcher;
  readonly consequences: Consequences;
}

/** Attempts that run tasks of their own: how they wait for them, and go on. */
export class ParentAttempts {
  readonly #parts: ParentParts;

  constructor(parts: ParentParts) {
    this.#parts = parts;
  }

  /** Of two attempts that run tasks, one would run them beside the other. */
  asks({ assignment: id, task }: SchedulerEvent & { type: "asks" }): void {
    const { consequences, dispatcher, tasks } = this.#parts;
    const assignment = dispatcher.awaitedIn(id, task);
    if (!assignment) return;
    const { seconds } = dispatcher;
    seconds.noteParent(task);
    if (seconds.of(task) === undefined) return;
    const other = dispatcher.awaitedOf(task).find((each) => each !== assignment);
    seconds.forget(task);
    tasks.assignment[task] = id;
    if (other) consequences.kill(other, task, "superseded");
  }

  /** An attempt waits for a run of its own, and leaves its place to others meanwhile. */
  parked({ assignment: id, task, run }: SchedulerEvent & { type: "parked" }): void {
    const { consequences, dispatcher, lifecycle, nesting } = this.#parts;
    const assignment = dispatcher.assignmentOf(task);
    if (assignment?.id !== id || nesting.parentOf(run) !== task) return;
    if (lifecycle.hasEnded(run)) {
      if (lifecycle.isCut(run)) this.#waitInVain(assignment, task);
      return;
    }
    const path = circleThrough(task, run, lifecycle.waits);
    if (path) {
      consequences.emit({ type: "circle", task, run, path });
      return;
    }
    nesting.wait(task, run);
    for (const other of dispatcher.park(assignment, task)) consequences.takeBack(other);
  }

  /** It waits for what was cut short: that is its end, as soon as it waits for nothing else. */
  #waitInVain(assignment: Assignment, task: number): void {
    const { nesting } = this.#parts;
    nesting.waitInVain(task);
    if (!nesting.waitsOf(task)) this.#makeAgain(assignment, task);
  }

  /**
   * What an attempt has run was cancelled for want of anybody who wanted the task. It is not told: it could make
   * something of it that were taken for the task's result. Where the task is wanted again, another attempt runs it all anew.
   */
  #makeAgain(assignment: Assignment, task: number): void {
    const { consequences, lifecycle } = this.#parts;
    consequences.kill(assignment, task, lifecycle.mayRetry(task) ? "made-again" : "cancelled");
    this.#resume(task);
  }

  /** An attempt has waited too long for its runs: it is made again when they have ended. */
  suspended({ assignment: id, task }: SchedulerEvent & { type: "suspended" }): void {
    const { consequences, dispatcher, nesting, tasks } = this.#parts;
    const assignment = dispatcher.awaitedIn(id, task);
    if (!assignment) return;
    dispatcher.closeAttempt(assignment, task);
    dispatcher.seconds.noteParent(task);
    // That it runs tasks was not heard of in time: it has got a second attempt, which will run them now.
    if (consequences.otherGoesOn(task, assignment)) return;
    if (nesting.waitsOf(task)) tasks.state[task] = TaskState.Suspended;
    else this.#resume(task);
  }

  /** A run of an attempt's own has ended: whoever waits for it goes on. */
  runEnded(run: number): void {
    const { dispatcher, lifecycle, nesting, tasks } = this.#parts;
    const parent = nesting.ended(run, lifecycle.isCut(run));
    if (parent === undefined) return;
    const assignment = dispatcher.assignmentOf(parent);
    if (assignment && nesting.waitsInVain(parent)) this.#makeAgain(assignment, parent);
    else if (assignment) dispatcher.goOn(assignment);
    else if (tasks.state[parent] === TaskState.Suspended) this.#resume(parent);
  }

  #resume(task: number): void {
    const { consequences, lifecycle, nesting } = this.#parts;
    nesting.stopWaiting(task);
    if (lifecycle.mayRetry(task)) {
      lifecycle.leaveToOthers(task);
      consequences.enqueue(task);
    } else consequences.giveUp(task);
  }
}
