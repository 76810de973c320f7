import { LabOptionError } from "./errors.ts";
import { checkNames } from "./options.ts";
import type { Run } from "./run.ts";
import type { Task } from "./task.ts";
import { ObjectRef } from "./wire/object-ref.ts";

export interface WaitOptions {
  /** How many have to be ready. Default 1, or none where there are no items. */
  readonly count?: number;
  /** Longest to wait, in milliseconds; what is ready by then is returned. Default: as long as it takes. */
  readonly timeoutMs?: number;
}

/** What was passed to `lab.wait`, parted. */
export interface WaitResult<T> {
  readonly ready: T[];
  readonly pending: T[];
}

/** Node's timers end at once beyond this, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Item = Task<unknown> | ObjectRef<unknown>;

/** Waits until `count` of the items are ready; a handle is ready from the start. */
export async function waitFor<T extends Item>(
  items: readonly T[],
  options: WaitOptions = {},
  start: (tasks: readonly Task<unknown>[]) => Run,
): Promise<WaitResult<T>> {
  checkNames("wait", options, ["count", "timeoutMs"]);
  if (!Array.isArray(items)) throw new LabOptionError(`wait needs an array of tasks or refs, got ${typeof items}`);
  const { count = Math.min(1, items.length), timeoutMs } = options;
  if (!Number.isInteger(count) || count < 0 || count > items.length) {
    throw new LabOptionError(
      `wait: count must be a whole number from 0 to ${items.length} (the number of items), got ${count}`,
    );
  }
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new LabOptionError(`wait: timeoutMs must be a number of milliseconds, at least 0, got ${String(timeoutMs)}`);
  }
  const ready = new Set<T>(items.filter((item): item is T => item instanceof ObjectRef));
  // What is neither is refused where tasks are planned.
  const tasks = items.filter((item): item is T & Task<unknown> => !(item instanceof ObjectRef));
  const outcomes = start(tasks)[Symbol.asyncIterator]();
  const timeIsUp = new Promise<undefined>((resolve) => {
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS)
      setTimeout(() => resolve(undefined), timeoutMs).unref();
  });
  while (ready.size < count) {
    const next = await Promise.race([outcomes.next(), timeIsUp]);
    if (!next || next.done) break;
    ready.add(next.value.task as T);
  }
  return { ready: items.filter((item) => ready.has(item)), pending: items.filter((item) => !ready.has(item)) };
}
