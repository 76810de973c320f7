/** What the planner has to be told of a task. */
export interface TaskSource<T> {
  /** Tasks inside this one's params. */
  dependenciesOf(task: T): readonly T[];
  /** Cache key of the task; those of its dependencies are known by then. */
  keyOf(task: T, keyOfDependency: (dependency: T) => string): string;
}

/** A DAG in order: whatever a task depends on comes before it. */
export interface Plan<T> {
  /** One task for each key. */
  readonly tasks: readonly { readonly task: T; readonly key: string; readonly dependencies: readonly number[] }[];
  /** Position of each task asked for, in the order asked. */
  readonly targets: readonly number[];
}

/** Tasks that depend on each other in a circle, in order. */
export interface Cycle<T> {
  readonly cycle: readonly T[];
}

/**
 * Orders the tasks below the targets so that dependencies come first, and makes one of those that are
 * equal. Works without recursion: a chain of a million tasks is fine.
 */
export function plan<T extends object>(targets: readonly T[], source: TaskSource<T>): Plan<T> | Cycle<T> {
  const positions = new Map<T, number>();
  const byKey = new Map<string, number>();
  const tasks: { task: T; key: string; dependencies: readonly number[] }[] = [];
  const open = new Set<T>();
  const keyOfDependency = (dependency: T) => tasks[positions.get(dependency) as number].key;

  for (const target of targets) {
    const stack: { task: T; dependencies: readonly T[]; next: number }[] = [];
    const enter = (task: T) => {
      open.add(task);
      stack.push({ task, dependencies: source.dependenciesOf(task), next: 0 });
    };
    if (!positions.has(target)) enter(target);
    while (stack.length > 0) {
      const frame = stack[stack.length - 1];
      const dependency = frame.dependencies[frame.next++];
      if (dependency !== undefined) {
        if (open.has(dependency)) return { cycle: [...cycleFrom(stack, dependency), dependency] };
        if (!positions.has(dependency)) enter(dependency);
        continue;
      }
      stack.pop();
      open.delete(frame.task);
      const key = source.keyOf(frame.task, keyOfDependency);
      let position = byKey.get(key);
      if (position === undefined) {
        const below = frame.dependencies.map((each) => positions.get(each) as number);
        position = tasks.push({ task: frame.task, key, dependencies: [...new Set(below)] }) - 1;
        byKey.set(key, position);
      }
      positions.set(frame.task, position);
    }
  }
  return { tasks, targets: targets.map((target) => positions.get(target) as number) };
}

function cycleFrom<T>(stack: readonly { task: T }[], start: T): T[] {
  return stack.slice(stack.findIndex((frame) => frame.task === start)).map((frame) => frame.task);
}
