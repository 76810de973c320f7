import { TaskState, type TaskTable } from "./task-table.ts";

/** What has to be known of tasks to choose which of them the executor of others may go on with. */
export interface FanInRules {
  /** How long what it goes on with may take, all together, in milliseconds. */
  readonly targetMs: number;
  /** All that is ready goes out at this moment, to one executor or another. */
  readonly allGoOut: boolean;
  /** How long a task is counted with, in milliseconds; undefined where it may not go along. */
  costMs(task: number): number | undefined;
  /** Whether the executor that works on a task was told of this fan-in. */
  isKnownTo(running: number, fanIn: number): boolean;
}

/** Fan-ins that a dispatch names, at most: each is a specification more that it carries. */
const MOST = 16;
/** Inputs of a fan-in, at most: what is known of all of them lies in one item. */
const MOST_INPUTS = 16;
/** Tasks that are looked at, at most, for each dispatch. */
const MOST_LOOKED_AT = 64;

/**
 * Chooses fan-ins whose inputs are made by several executors: whichever of them brings the last one goes on with it,
 * without asking. They are named with each dispatch that has a part of them, from the leaves to the root, as far as the
 * target time allows. What several tasks wait for is left to the driver, which shares it out.
 *
 * @param within Tasks of the dispatch.
 * @returns In an order in which each comes after those that it waits for.
 */
export function fanInsAfter(within: readonly number[], tasks: TaskTable, rules: FanInRules): number[] {
  const chosen: number[] = [];
  const isHere = new Set(within);
  let ms = 0;
  let leftToLookAt = MOST_LOOKED_AT;
  const queue = [...within];
  for (const task of queue) {
    const dependent = onlyWaiting(task, tasks, isHere);
    if (dependent === undefined) continue;
    if (--leftToLookAt < 0 || chosen.length === MOST) break;
    const cost = rules.costMs(dependent);
    if (cost === undefined || ms + cost > rules.targetMs || !isMetElsewhere(dependent, chosen)) continue;
    ms += cost;
    isHere.add(dependent);
    chosen.push(dependent);
    queue.push(dependent);
  }
  return chosen;

  /** Whether others may bring what it waits for beside what is here, and each of them knows of it. */
  function isMetElsewhere(fanIn: number, after: readonly number[]): boolean {
    let inputs = 0;
    let isMet = true;
    let isShared = false;
    tasks.forEachDependency(fanIn, (input) => {
      const state = tasks.state[input];
      if (state === TaskState.Done) return;
      inputs += 1;
      // Behind a fan-in nothing is certain to be here.
      if (isHere.has(input)) isShared ||= after.includes(input);
      else {
        isShared = true;
        const isComing =
          state === TaskState.Running
            ? rules.isKnownTo(input, fanIn)
            : (state === TaskState.Waiting || (state === TaskState.Ready && rules.allGoOut)) &&
              rules.costMs(input) !== undefined;
        isMet &&= isComing;
      }
    });
    return isMet && isShared && inputs <= MOST_INPUTS;
  }
}

/** What waits for a task, where that is one task alone. */
function onlyWaiting(task: number, tasks: TaskTable, isHere: ReadonlySet<number>): number | undefined {
  let only: number | undefined;
  let waiting = 0;
  tasks.forEachDependent(task, (dependent) => {
    if (tasks.state[dependent] !== TaskState.Waiting || isHere.has(dependent)) return;
    waiting += 1;
    only = dependent;
  });
  return waiting === 1 ? only : undefined;
}
