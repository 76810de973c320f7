import type { TaskEntry } from "./task-entry.ts";

/**
 * So many begin for one partition before some for the next do. A thousand executors with a task each write into three at a
 * time then: into each no more than 400 items a second with tasks of one second, where it takes a thousand units. A dispatch of
 * a hundred lies in two of them one time in four.
 */
const AT_A_TIME = 400;

/**
 * The order in which tasks are to begin that are ready together: those whose results go into the same partition of
 * packs follow each other in order of their keys, so that a dispatch's results are few items, each with keys that are
 * close together; and partitions take turns, so that none of them gets hot. All others keep their places.
 *
 * @param depthOf By how many digits of keys packs of a task type are divided.
 */
export function inPackOrder(entries: readonly TaskEntry[], depthOf: (name: string) => number): readonly TaskEntry[] {
  const places: number[] = [];
  const byPrefix = new Map<string, TaskEntry[]>();
  entries.forEach((entry, place) => {
    const { name, key } = entry.planned;
    const depth = depthOf(name);
    if (depth === 0) return;
    places.push(place);
    const prefix = key.slice(0, depth);
    const known = byPrefix.get(prefix);
    if (known) known.push(entry);
    else byPrefix.set(prefix, [entry]);
  });
  if (places.length === 0) return entries;
  const ordered = [...entries];
  let next = 0;
  for (const group of byPrefix.values()) group.sort((a, b) => (a.planned.key < b.planned.key ? -1 : 1));
  for (let from = 0; next < places.length; from += AT_A_TIME) {
    for (const group of byPrefix.values()) {
      for (const entry of group.slice(from, from + AT_A_TIME)) ordered[places[next++]] = entry;
    }
  }
  return ordered;
}
