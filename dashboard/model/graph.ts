import type { RunModel, TaskModel, TaskStatus } from "./run-model.ts";
import { noCounts } from "./task-types.ts";

/** Up to this many tasks are drawn one by one. */
export const MAX_SINGLE_TASKS = 120;
/** Of a type that was expanded, so many are drawn one by one, the most telling first. */
export const MAX_EXPANDED = 40;

/** A box of the graph: a task, or several of one type. */
export interface GraphNode {
  readonly id: string;
  readonly name: string;
  /** Params of a single task. */
  readonly label: string;
  readonly counts: Readonly<Record<TaskStatus, number>>;
  readonly total: number;
  /** The task, where it is a single one. */
  readonly task: number | undefined;
  /** Tasks of the type depend on others of it. */
  readonly isRecursive: boolean;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Whether tasks are drawn together by type. */
  readonly isAggregated: boolean;
}

/**
 * The DAG of a run as boxes and arrows: task by task while these are few, by type otherwise.
 *
 * @param expanded Types whose tasks are drawn one by one all the same.
 */
export function graphOf({ tasks }: RunModel, expanded: ReadonlySet<string>): Graph {
  const wanted = tasks.filter((task) => task.wanted);
  const isAggregated = wanted.length > MAX_SINGLE_TASKS;
  const single = isAggregated ? singled(wanted, expanded) : new Set(wanted);
  const idOf = (task: TaskModel) => (single.has(task) ? `task ${task.position}` : `type ${task.name}`);

  const nodes = new Map<string, GraphNode & { counts: Record<TaskStatus, number>; total: number }>();
  const edges = new Map<string, GraphEdge & { count: number }>();
  const recursive = new Set<string>();
  for (const task of wanted) {
    const id = idOf(task);
    let node = nodes.get(id);
    if (!node) {
      const isSingle = single.has(task);
      const { name, params, position } = task;
      const of = { id, name, label: isSingle ? params : "", task: isSingle ? position : undefined };
      node = { ...of, counts: noCounts(), total: 0, isRecursive: false };
      nodes.set(id, node);
    }
    node.counts[task.status] += 1;
    node.total += 1;
    // An arrow leads also from a task to those that it runs.
    for (const dependency of task.parent === undefined ? task.dependencies : [...task.dependencies, task.parent]) {
      const before = tasks[dependency];
      if (!before.wanted) continue;
      const from = idOf(before);
      if (from === id) {
        recursive.add(id);
        continue;
      }
      const key = `${from}\n${id}`;
      const edge = edges.get(key);
      if (edge) edge.count += 1;
      else edges.set(key, { from, to: id, count: 1 });
    }
  }
  return {
    nodes: [...nodes.values()].map((node) => ({ ...node, isRecursive: recursive.has(node.id) })),
    edges: [...edges.values()],
    isAggregated,
  };
}

const RANK: Readonly<Record<TaskStatus, number>> = {
  failed: 0,
  running: 1,
  cancelled: 3,
  pending: 4,
  done: 5,
  cached: 6,
};
/** Failed ones first, then what runs, then what was tried more than once. */
const rankOf = ({ status, attempts }: TaskModel) => Math.min(RANK[status], attempts.length > 1 ? 2 : 9);

function singled(tasks: readonly TaskModel[], expanded: ReadonlySet<string>): Set<TaskModel> {
  const single = new Set<TaskModel>();
  for (const name of expanded) {
    const group = tasks.filter((task) => task.name === name).sort((a, b) => rankOf(a) - rankOf(b));
    for (const task of group.slice(0, MAX_EXPANDED)) single.add(task);
  }
  return single;
}
