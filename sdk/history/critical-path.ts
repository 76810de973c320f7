/** A task as the critical path sees it. */
interface Measured {
  readonly dependencies: readonly number[];
  readonly durationMs: number;
}

/**
 * The chain of tasks that depend on each other with the longest time of its own: more executors would
 * not have made the run shorter than that.
 *
 * @param tasks Dependencies before those that need them.
 * @returns Positions, first to last; none where nothing took any time.
 */
export function criticalPath(tasks: readonly Measured[]): number[] {
  const untilEnd = new Float64Array(tasks.length);
  const before = new Int32Array(tasks.length).fill(-1);
  let last = -1;
  tasks.forEach(({ dependencies, durationMs }, position) => {
    for (const dependency of dependencies) {
      const isLonger = before[position] < 0 || untilEnd[dependency] > untilEnd[before[position]];
      if (isLonger && untilEnd[dependency] > 0) before[position] = dependency;
    }
    untilEnd[position] = durationMs + (before[position] < 0 ? 0 : untilEnd[before[position]]);
    if (untilEnd[position] > (last < 0 ? 0 : untilEnd[last])) last = position;
  });
  const path: number[] = [];
  for (let position = last; position >= 0; position = before[position]) {
    if (tasks[position].durationMs > 0) path.push(position);
  }
  return path.reverse();
}
