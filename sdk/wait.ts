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

type Item = Task<unknown> | ObjectRef<unknown>;

/** Node's timers end at once beyond this, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `lab.wait`: remembers what it has started, so that whoever asks again and again does not start it each time. */
export class Waits {
  readonly #start: (tasks: readonly Task<unknown>[]) => Run;
  /** When a task has ended, well or not. */
  #ends = new WeakMap<Task<unknown>, Promise<void>>();

  constructor(start: (tasks: readonly Task<unknown>[]) => Run) {
    this.#start = start;
  }

  /** Waits until `count` of the items are ready; a handle is ready from the start. */
  async wait<T extends Item>(items: readonly T[], options: WaitOptions = {}): Promise<WaitResult<T>> {
    checkNames("wait", options, ["count", "timeoutMs"]);
    if (!Array.isArray(items)) throw new LabOptionError(`wait needs an array of tasks or refs, got ${typeof items}`);
    const { count = Math.min(1, items.length), timeoutMs } = options;
    if (!Number.isInteger(count) || count < 0 || count > items.length) {
      throw new LabOptionError(
        `wait: count must be a whole number from 0 to ${items.length} (the number of items), got ${count}`,
      );
    }
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new LabOptionError(
        `wait: timeoutMs must be a number of milliseconds, at least 0, got ${String(timeoutMs)}`,
      );
    }
    const ready = new Set<Item>(items.filter((item) => item instanceof ObjectRef));
    const tasks = new Set(items.filter((item): item is T & Task<unknown> => !(item instanceof ObjectRef)));
    // What is neither is refused where tasks are planned.
    for (const item of tasks) if (Object(item) !== item) await this.#start([item]).settled();
    await this.#enough([...tasks], ready, count, timeoutMs);
    return { ready: items.filter((item) => ready.has(item)), pending: items.filter((item) => !ready.has(item)) };
  }

  async #enough(tasks: readonly Task<unknown>[], ready: Set<Item>, count: number, timeoutMs: number | undefined) {
    this.#begin(tasks.filter((task) => !this.#ends.has(task)));
    const all = ready.size + tasks.length;
    const isEnough = () => ready.size >= Math.min(count, all);
    if (isEnough()) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      for (const task of tasks) {
        const ended = () => {
          if (!isEnough()) ready.add(task);
          if (isEnough()) resolve();
        };
        this.#ends.get(task)?.then(ended, reject);
      }
      if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) timer = setTimeout(resolve, timeoutMs).unref();
    }).finally(() => clearTimeout(timer));
  }

  #begin(tasks: readonly Task<unknown>[]): void {
    const open = new Map<Task<unknown>, { resolve(): void; reject(error: unknown): void }>();
    for (const task of tasks) {
      const end = new Promise<void>((resolve, reject) => open.set(task, { resolve, reject }));
      end.catch(() => {});
      this.#ends.set(task, end);
    }
    if (tasks.length === 0) return;
    const follow = async () => {
      for await (const { task } of this.#start(tasks)) {
        open.get(task)?.resolve();
        open.delete(task);
      }
      for (const { resolve } of open.values()) resolve();
    };
    follow().catch((error: unknown) => {
      // It could not be started, or was given up: whoever asks again has it started again.
      for (const [task, { reject }] of open) {
        this.#ends.delete(task);
        reject(error);
      }
    });
  }

  /** Results are forgotten: tasks are started again by whoever waits for them. */
  forget(): void {
    this.#ends = new WeakMap();
  }
}
