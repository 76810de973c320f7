import { type RunHistory, readHistory } from "../../sdk/history/run-history.ts";
import { type TaskHistory, taskHistories } from "../../sdk/history/task-history.ts";
import { shownTask } from "../../sdk/history/task-text.ts";
import { oneLine } from "../../sdk/progress/text.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { print } from "../print.ts";
import type { NamespaceOptions } from "../store-options.ts";
import { table } from "../table.ts";

/** `stratolab tasks [name] --run <run>`: the tasks of a run, those that tasks run below these. */
export async function listRunTasks(
  stores: Stores,
  name: string | undefined,
  run: string,
  { namespace, json }: NamespaceOptions,
): Promise<void> {
  const history = await readHistory(stores, namespace, run);
  const tasks = taskHistories(history.plan, history.events).filter(({ status }) => status !== "not-needed");
  if (name !== undefined && !tasks.some((task) => task.name === name)) {
    const known = [...new Set(tasks.map((task) => task.name))].join(", ") || "none";
    throw new LabError("unknown-task", `run ${history.run.id} has no task ${JSON.stringify(name)}; it has: ${known}`);
  }
  const rows = belowParents(tasks).filter(({ task }) => name === undefined || task.name === name);
  const shown = rows.map(({ task: { position, parent, status, attempts, name: own } }) => ({
    position,
    name: own,
    task: shownTask(history.plan, position),
    ...(parent === undefined ? {} : { parent }),
    status,
    attempts: attempts.length,
  }));
  print(json, shown, () => describe(rows, history));
}

interface Row {
  readonly task: TaskHistory;
  /** How many tasks run each other above it. */
  readonly depth: number;
}

function belowParents(tasks: readonly TaskHistory[]): Row[] {
  const children = new Map<number | undefined, TaskHistory[]>();
  for (const task of tasks) {
    const siblings = children.get(task.parent);
    if (siblings) siblings.push(task);
    else children.set(task.parent, [task]);
  }
  const rows: Row[] = [];
  const waiting: Row[] = (children.get(undefined) ?? []).map((task) => ({ task, depth: 0 })).reverse();
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    const { task, depth } = row;
    rows.push(row);
    for (const child of (children.get(task.position) ?? []).toReversed())
      waiting.push({ task: child, depth: depth + 1 });
  }
  return rows;
}

const describe = (rows: readonly Row[], { plan }: RunHistory): string =>
  table(
    ["#", "STATUS", "ATTEMPTS", "TASK"],
    rows.map(({ task: { position, status, attempts }, depth }) => [
      String(position),
      status,
      String(attempts.length),
      `${"  ".repeat(depth)}${oneLine(shownTask(plan, position))}`,
    ]),
  );
