import { describe, expect, test } from "vitest";
import { chain, type Dag, random, wide } from "../../bench/dags.ts";
import { pass } from "../../bench/plan-1m.ts";

const TASKS = 20_000;

describe("the benchmark of a million tasks, with a fiftieth of them", () => {
  test.each<[string, Dag]>([
    ["wide", wide(TASKS)],
    ["chain", chain(TASKS)],
    ["random", random(TASKS, 1)],
  ])("settles all of a DAG that is %s, in less than 1 KB a task", (_, dag) => {
    expect(pass(dag).bytesPerTask).toBeLessThan(1_024);
  });

  test("draws three inputs for each task, all before it and none twice", () => {
    const dag = random(1_000, 7);
    for (let task = 0; task < dag.tasks; task++) {
      const inputs: number[] = [];
      dag.inputsOf(task, (input) => inputs.push(input));
      expect(new Set(inputs).size).toBe(Math.min(3, task));
      for (const input of inputs) expect(input).toBeLessThan(task);
    }
  });
});
