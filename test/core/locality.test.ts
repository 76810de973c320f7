import { describe, expect, test } from "vitest";
import { Locality } from "../../sdk/core/locality.ts";
import { TaskState, TaskTable } from "../../sdk/core/task-table.ts";

const MB = 2 ** 20;

/** Three results of 1, 5 and 3 MB and one of a byte, and a task that needs some of them. */
function worldOf(needs: readonly number[]) {
  const tasks = new TaskTable();
  for (const bytes of [MB, 5 * MB, 3 * MB, 1]) tasks.resultBytes[tasks.add(0, 0, TaskState.Done)] = bytes;
  const dependent = tasks.add(0, 0, TaskState.Ready);
  for (const input of needs) tasks.addDependency(dependent, input);
  return { tasks, dependent, locality: new Locality() };
}

describe("a task goes to the executor", () => {
  test.each<[string, { made: [string, number][]; needs: number[]; idle?: string[]; best: string | undefined }]>([
    ["that made its input", { made: [["a", 0]], needs: [0], best: "a" }],
    [
      "that has most of its bytes",
      {
        made: [
          ["a", 0],
          ["b", 1],
          ["a", 2],
        ],
        needs: [0, 1, 2],
        best: "b",
      },
    ],
    [
      "that has more of them together",
      {
        made: [
          ["a", 1],
          ["a", 0],
          ["b", 1],
        ],
        needs: [0, 1],
        best: "a",
      },
    ],
    [
      "that is idle",
      {
        made: [
          ["a", 1],
          ["b", 0],
        ],
        needs: [0, 1],
        idle: ["b"],
        best: "b",
      },
    ],
    ["whichever, where none has any", { made: [["a", 1]], needs: [0], best: undefined }],
    ["whichever, where its inputs are small", { made: [["a", 3]], needs: [3], best: undefined }],
    ["whichever, where it has none", { made: [["a", 1]], needs: [], best: undefined }],
  ])("%s", (_, { made, needs, idle, best }) => {
    const { tasks, dependent, locality } = worldOf(needs);
    for (const [executor, task] of made) locality.ran(task, executor, tasks);
    expect(locality.best(dependent, tasks, (executor) => idle?.includes(executor) ?? true)).toBe(best);
  });

  test("that has loaded its input for another task", () => {
    const { tasks, dependent, locality } = worldOf([1]);
    const sibling = tasks.add(0, 0, TaskState.Ready);
    tasks.addDependency(sibling, 1);
    locality.ran(dependent, "a", tasks);
    expect(locality.best(sibling, tasks, () => true)).toBe("a");
    locality.forget("a");
    expect(locality.best(sibling, tasks, () => true)).toBeUndefined();
  });

  test("but not for what an executor has let go since", () => {
    const { tasks, dependent, locality } = worldOf([0]);
    locality.ran(0, "a", tasks);
    for (let n = 0; n < 20; n++) {
      const other = tasks.add(0, 0, TaskState.Done);
      tasks.resultBytes[other] = MB;
      locality.ran(other, "a", tasks);
    }
    expect(locality.best(dependent, tasks, () => true)).toBeUndefined();
  });
});
