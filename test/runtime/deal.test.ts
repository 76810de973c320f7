import { describe, expect, test } from "vitest";
import { Deal } from "../../runtime/deal.ts";
import type { AttemptSpec } from "../../sdk/wire/attempt.ts";

const spec = (task: number, handed: readonly number[] = []) =>
  ({
    task,
    key: `k${task}`,
    ...(handed.length > 0 ? { handed: handed.map((each) => `k${each}`) } : {}),
  }) as unknown as AttemptSpec;
const tasksOf = (attempts: readonly AttemptSpec[]) => attempts.map(({ task }) => task);

describe("an assignment", () => {
  test("goes to one process as it is", () => {
    const deal = new Deal([spec(0), spec(1), spec(2, [0])], 1);
    expect(tasksOf(deal.take())).toEqual([0, 1, 2]);
    expect(deal.left).toBe(0);
  });

  test("goes to several line by line: what is handed on stays in one process, in its order", () => {
    const deal = new Deal([spec(0), spec(1), spec(2, [0]), spec(3), spec(4, [1, 2])], 2);
    expect(deal.left).toBe(2);
    expect([deal.take(), deal.take()].map(tasksOf)).toEqual([[1, 0, 2, 4], [3]]);
  });

  test("of short tasks goes in larger pieces, which are small towards the end", () => {
    const deal = new Deal(
      Array.from({ length: 41 }, (_, task) => spec(task)),
      2,
    );
    expect(deal.take()).toHaveLength(1);
    deal.took(1, 5);
    expect(deal.take()).toHaveLength(4);
    deal.took(4, 4);
    expect(deal.take()).toHaveLength(9);
    expect(deal.take()).toHaveLength(6);
    deal.took(6, 600);
    expect(deal.take()).toHaveLength(1);
  });

  test("has what a process did not come to dealt again, and what was cancelled not at all", () => {
    const deal = new Deal([spec(0), spec(1), spec(2)], 2);
    const [first] = deal.take();
    deal.giveBack([first as AttemptSpec]);
    expect(tasksOf(deal.drop([1, 7]))).toEqual([1]);
    expect([deal.take(), deal.take()].map(tasksOf)).toEqual([[0], [2]]);
  });
});
