import type { TaskEntry } from "./task-entry.ts";

/**
 * Which tasks have to run again so that a task finds objects that others have put: those that put them, and all
 * that lie between, whose results name the objects.
 *
 * @param producers Cache keys.
 * @param known Finds tasks that are not below this one, by key.
 */
export function toRunAgain(
  entry: TaskEntry,
  producers: readonly string[],
  known: (key: string) => TaskEntry | undefined,
): TaskEntry[] {
  const keys = new Set(producers);
  const leads = new Map<TaskEntry, boolean>();
  // Without recursion: a chain may be long.
  const stack = [...entry.dependencies];
  while (stack.length > 0) {
    const next = stack[stack.length - 1];
    const open = next.dependencies.filter((each) => !leads.has(each));
    if (!leads.has(next) && open.length > 0) {
      for (const each of open) stack.push(each);
      continue;
    }
    stack.pop();
    leads.set(next, keys.has(next.planned.key) || next.dependencies.some((each) => leads.get(each)));
  }
  const again = [...leads].flatMap(([each, isOnTheWay]) => (isOnTheWay ? [each] : []));
  const found = new Set(again.map(({ planned }) => planned.key));
  const others = producers.flatMap((key) => (found.has(key) ? [] : (known(key) ?? [])));
  return [...again, ...others];
}
