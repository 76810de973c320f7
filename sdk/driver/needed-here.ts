import type { TaskTable } from "../core/task-table.ts";
import type { TaskEntry } from "./task-entry.ts";

/**
 * Those of the tasks of a dispatch whose results are not cached, and which one task needs that stands behind them in
 * the same dispatch, and nobody else: they need not be stored. One only: of two the first might be done with a
 * result, and the second made again with another one, by an attempt that gives another one each time.
 */
export function neededHereOnly(
  entries: readonly TaskEntry[],
  tasks: TaskTable,
  book: { isNested(run: number): boolean; wanting(entry: TaskEntry): readonly unknown[] },
): ReadonlySet<TaskEntry> {
  const found = new Set<TaskEntry>();
  if (entries.length === 1) return found;
  const here = new Set(entries.map(({ task }) => task));
  for (const entry of entries) {
    if (entry.planned.keepMs !== 0 || book.isNested(entry.run) || book.wanting(entry).length > 0) continue;
    let count = 0;
    let isHere = true;
    tasks.forEachDependent(entry.task, (dependent) => {
      count += 1;
      isHere &&= here.has(dependent);
    });
    if (count === 1 && isHere) found.add(entry);
  }
  return found;
}
