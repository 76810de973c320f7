/**
 * How long each task may take for the run to end in time. What is left of the deadline beside the work on the
 * longest path through a task is shared evenly among the tasks on that path.
 *
 * @param dependencies Positions that each task depends on: all before its own.
 * @param durationsMs Of each task, 0 where it is not known or has its result.
 */
export function slackOf(
  dependencies: readonly (readonly number[])[],
  durationsMs: readonly number[],
  deadlineMs: number,
): number[] {
  const count = durationsMs.length;
  // Longest path down to each task and from it on, itself included in both: work, and tasks on the way.
  const before = { ms: new Float64Array(count), tasks: new Int32Array(count) };
  const after = { ms: new Float64Array(count), tasks: new Int32Array(count) };
  for (let task = 0; task < count; task++) {
    for (const dependency of dependencies[task]) extend(before, task, dependency);
    before.ms[task] += durationsMs[task];
    before.tasks[task] += 1;
  }
  for (let task = count - 1; task >= 0; task--) {
    after.ms[task] += durationsMs[task];
    after.tasks[task] += 1;
    for (const dependency of dependencies[task]) extend(after, dependency, task);
  }
  return durationsMs.map((ms, task) => {
    const through = before.ms[task] + after.ms[task] - ms;
    const onTheWay = before.tasks[task] + after.tasks[task] - 1;
    return ms + (deadlineMs - through) / onTheWay;
  });
}

interface Paths {
  readonly ms: Float64Array;
  readonly tasks: Int32Array;
}

function extend({ ms, tasks }: Paths, to: number, from: number): void {
  if (ms[from] > ms[to] || (ms[from] === ms[to] && tasks[from] > tasks[to])) {
    ms[to] = ms[from];
    tasks[to] = tasks[from];
  }
}
