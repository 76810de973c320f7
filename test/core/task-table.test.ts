import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TaskState, TaskTable } from "../../sdk/core/task-table.ts";

const dependentsOf = (table: TaskTable, task: number) => {
  const found: number[] = [];
  table.forEachDependent(task, (dependent) => found.push(dependent));
  return found.sort((a, b) => a - b);
};
const dependenciesOf = (table: TaskTable, task: number) => {
  const found: number[] = [];
  table.forEachDependency(task, (dependency) => found.push(dependency));
  return found.sort((a, b) => a - b);
};

describe("the table of tasks", () => {
  test("numbers tasks from 0, each with its run, shape and state, and nothing tried yet", () => {
    const table = new TaskTable();
    expect([table.add(7, 3, TaskState.Waiting), table.add(8, 4, TaskState.Done)]).toEqual([0, 1]);
    expect(table.count).toBe(2);
    expect([table.owner[1], table.shape[1], table.state[1]]).toEqual([8, 4, TaskState.Done]);
    expect([table.pending[1], table.rung[1], table.onDemand[1], table.apart[1], table.attempt[1]]).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  test("keeps what it holds when it grows", () => {
    const table = new TaskTable();
    const count = 100_000;
    for (let task = 0; task < count; task++) {
      table.add(task % 5, task % 7, TaskState.Waiting);
      table.attempt[task] = task % 11;
      if (task > 0) table.addDependency(task, task - 1);
    }
    for (let task = 0; task < count; task++) {
      const intact =
        table.owner[task] === task % 5 && table.shape[task] === task % 7 && table.attempt[task] === task % 11;
      if (!intact) throw new Error(`task ${task} was changed`);
    }
    expect(dependenciesOf(table, count - 1)).toEqual([count - 2]);
    expect(dependentsOf(table, 0)).toEqual([1]);
  });

  test("takes less than 100 bytes for each of a million tasks in a chain", () => {
    const table = new TaskTable();
    for (let task = 0; task < 1e6; task++) {
      table.add(0, 0, TaskState.Waiting);
      if (task > 0) table.addDependency(task, task - 1);
    }
    const columns = Object.values(table).filter((column) => ArrayBuffer.isView(column));
    const perTask = columns.reduce((bytes, column) => bytes + column.byteLength, 0) / 1e6;
    expect(perTask).toBeLessThan(100);
  });
});

test("edges are found from both ends, as in a naive model", () => {
  const edges = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 30 })), { maxLength: 200 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const table = new TaskTable();
      for (let task = 0; task <= 30; task++) table.add(0, 0, TaskState.Waiting);
      for (const [dependent, dependency] of pairs) table.addDependency(dependent, dependency);
      for (let task = 0; task <= 30; task++) {
        const below = pairs.filter(([dependent]) => dependent === task).map(([, dependency]) => dependency);
        const above = pairs.filter(([, dependency]) => dependency === task).map(([dependent]) => dependent);
        expect(dependenciesOf(table, task)).toEqual(below.sort((a, b) => a - b));
        expect(dependentsOf(table, task)).toEqual(above.sort((a, b) => a - b));
      }
    }),
  );
});
