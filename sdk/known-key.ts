import { definitionNamed, Task } from "./task.ts";

/** Keys of tasks that stand for a stored result whose params are not known. */
const knownKeys = new WeakMap<Task<unknown>, string>();

export const knownKeyOf = (task: Task<unknown>): string | undefined => knownKeys.get(task);

/** A task that is known by its key alone: its result can be loaded while it is cached. */
export function taskByKey(name: string, key: string): Task<unknown> {
  const task = new Task<unknown>(definitionNamed(name), undefined);
  knownKeys.set(task, key);
  return task;
}
