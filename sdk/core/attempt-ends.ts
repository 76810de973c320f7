import type { FailureKind } from "../wire/outcome.ts";
import type { Assignment } from "./assignments.ts";
import type { Command } from "./commands.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { AttemptEnd, AttemptFailure, SchedulerEvent, SharedFailure } from "./events.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Nesting } from "./nesting.ts";
import type { Rungs } from "./rungs.ts";
import { TaskState, type TaskTable } from "./task-table.ts";
import type { Verdicts } from "./verdicts.ts";

interface Consequences {
  emit(command: Command): void;
  /** The task is to be tried again as soon as it may. */
  enqueue(task: number): void;
  /** Nobody wants the task any more. */
  giveUp(task: number, kind: FailureKind): void;
  /** The task is done: what is known of its failures counts no more. */
  forget(task: number): void;
}

interface AttemptEndParts {
  readonly tasks: TaskTable;
  readonly rungs: Rungs;
  readonly lifecycle: Lifecycle;
  readonly nesting: Nesting;
  readonly dispatcher: Dispatcher;
  readonly verdicts: Verdicts;
  readonly consequences: Consequences;
}

/** Ends of attempts, one by one or all of an assignment together: whose they are, and who is held responsible. */
export class AttemptEnds {
  readonly #parts: AttemptEndParts;

  constructor(parts: AttemptEndParts) {
    this.#parts = parts;
  }

  attemptEnded(assignmentId: number, task: number, end: AttemptEnd): void {
    const { dispatcher, nesting, tasks, verdicts } = this.#parts;
    const assignment = dispatcher.awaitedIn(assignmentId, task);
    if (assignment) {
      nesting.stopWaiting(task);
      dispatcher.closeAttempt(assignment, task);
      if (end.kind !== "setup-failed") verdicts.setupWentWell(assignment.lane);
    }
    if ("durationMs" in end) this.#succeeded(assignment, task, end);
    else if (assignment) {
      verdicts.giveUpSetup(end, assignment.lane, [task]);
      if (this.otherGoesOn(task, assignment, end)) return;
      if (tasks.isSettled(task)) return;
      if (end.crowded) this.#goesApart(task);
      else verdicts.attemptFailed(task, end, assignment.lane);
    }
  }

  #succeeded(assignment: Assignment | undefined, task: number, end: AttemptEnd & { readonly kind: "ok" }): void {
    const { consequences, dispatcher, lifecycle, rungs, tasks } = this.#parts;
    const { type } = rungs.shapeOf(task);
    dispatcher.estimateOf(type).add(end.durationMs);
    rungs.sizing.learnPeak(type, end.peakMemoryMb ?? 0);
    dispatcher.seconds.learn(task, end.durationMs);
    tasks.resultBytes[task] = end.resultBytes ?? 0;
    if (assignment) {
      dispatcher.capacity.succeeded(assignment.lane.group);
      dispatcher.hasRun(task, assignment);
    }
    consequences.forget(task);
    // A result that arrives late is as good as any: it was committed first.
    if (!tasks.isSettled(task)) lifecycle.settleDone(task);
  }

  /**
   * Assignments are over as a whole. What ended them is held against the task that was being executed;
   * the others go elsewhere, free of charge. Where several could have been the one, nobody is charged,
   * but from then on each goes alone. Without a failure nobody is to blame.
   */
  breakOff(assignments: readonly Assignment[], told: SharedFailure | undefined): void {
    const { dispatcher, nesting, tasks, verdicts } = this.#parts;
    const isShort = told?.kind === "out-of-memory" && assignments.some(({ atOnce }) => atOnce > 1);
    const end = isShort ? { ...told, crowded: true } : told;
    const open = assignments.flatMap((assignment) => {
      const left = this.#openTasksOf(assignment).map((task) => ({ task, assignment, lane: assignment.lane }));
      if (end?.kind === "throttled") dispatcher.refused(assignment);
      for (const { task } of left) nesting.stopWaiting(task);
      dispatcher.close(assignment);
      return left;
    });
    const isFree = end?.kind === "throttled" || end?.kind === "spot-interruption";
    // What could not be set up is common to all of them, and none has begun.
    const isCommon = isFree || end?.kind === "setup-failed";
    // What was cancelled is not awaited any more: these were ended with it, and nobody meant them.
    const isMeant = end?.kind !== "cancelled";
    // What is still to be handed an input cannot be told from others: it may not even have begun.
    const isWaiting = ({ task, assignment }: (typeof open)[number]) => this.#isToBeHanded(task, assignment);
    const only = open.length === 1 && !isWaiting(open[0]) ? open[0].task : undefined;
    // Where memory has run out with several at work, the one that is left of them had the least of it, perhaps.
    const culprit = end?.crowded ? undefined : (end?.culprit ?? only);
    if (end && open.length > 0) {
      verdicts.giveUpSetup(
        end,
        open[0].lane,
        open.map(({ task }) => task),
      );
    }
    for (const each of open) {
      const { task, assignment, lane } = each;
      // Judging one before it may have ended the run, and this one with it.
      if (tasks.state[task] !== TaskState.Running || this.otherGoesOn(task, assignment, end)) continue;
      if (end && isMeant && ((isCommon && !isWaiting(each)) || task === culprit)) {
        verdicts.attemptFailed(task, end, lane);
      } else {
        if (end && isMeant && culprit === undefined) this.#goesApart(task);
        else this.takeBack(task);
      }
    }
  }

  /** Whether something before it in its assignment is not done that it waits for. */
  #isToBeHanded(task: number, assignment: Assignment): boolean {
    const { tasks } = this.#parts;
    if (tasks.pending[task] === 0 || assignment.tasks.length === 1) return false;
    let isOpen = false;
    tasks.forEachDependency(task, (input) => {
      isOpen ||= tasks.state[input] !== TaskState.Done && assignment.tasks.includes(input);
    });
    return isOpen;
  }

  #openTasksOf(assignment: Assignment): number[] {
    const { dispatcher } = this.#parts;
    return assignment.tasks.filter(
      (task, position) => !assignment.ended[position] && dispatcher.awaitedIn(assignment.id, task) === assignment,
    );
  }

  /**
   * Of two attempts of a task one has ended without a result. What it has shown is learned; else nothing follows
   * from it as long as the other one is there.
   */
  otherGoesOn(task: number, lost: Assignment, end: AttemptFailure | undefined): boolean {
    const { consequences, dispatcher, tasks, verdicts } = this.#parts;
    const { seconds } = dispatcher;
    const second = seconds.of(task);
    if (second === undefined || tasks.isSettled(task)) return false;
    seconds.forget(task);
    if (second !== lost.id) tasks.assignment[task] = second;
    if (end) {
      verdicts.learnFrom(task, end, lost.lane);
      consequences.emit({ type: "goes-on", task, assignment: lost.id, kind: end.kind });
    }
    return true;
  }

  /** What an attempt was to be handed by one before it in its assignment did not come: it costs the task nothing. */
  passedOver({ assignment: id, task }: SchedulerEvent & { type: "passed-over" }): void {
    const { dispatcher } = this.#parts;
    const assignment = dispatcher.assignmentOf(task);
    if (assignment?.id !== id) return;
    dispatcher.closeAttempt(assignment, task);
    this.takeBack(task);
  }

  /** It may have brought down what it shared, or been brought down: it goes alone from now on, free of charge. */
  #goesApart(task: number): void {
    this.#parts.tasks.apart[task] = 1;
    this.takeBack(task);
  }

  /** The task goes elsewhere, free of charge. */
  takeBack(task: number): void {
    const { consequences, lifecycle, tasks } = this.#parts;
    if (!lifecycle.mayRetry(task)) {
      consequences.giveUp(task, "cancelled");
      return;
    }
    tasks.attempt[task] -= 1;
    consequences.enqueue(task);
  }
}
