import { describe, expect, test } from "vitest";
import { type FanInRules, fanInsAfter } from "../../sdk/core/fan-ins.ts";
import { TaskState, TaskTable } from "../../sdk/core/task-table.ts";

const { Done, Failed, Ready, Running, Waiting } = TaskState;
type State = (typeof TaskState)[keyof typeof TaskState];

/** Tasks by what each waits for; those that wait for nothing are running unless said otherwise. */
function tableOf(needs: readonly (readonly number[])[], states: Readonly<Record<number, State>> = {}): TaskTable {
  const tasks = new TaskTable();
  needs.forEach((inputs, task) => {
    tasks.add(0, 0, states[task] ?? (inputs.length > 0 ? Waiting : Running));
    for (const input of inputs) tasks.addDependency(task, input);
  });
  return tasks;
}

const rules: FanInRules = { targetMs: 100, allGoOut: true, costMs: () => 1, isKnownTo: () => true };
/** Four leaves, two pairs of them, and the root. */
const TREE = [[], [], [], [], [0, 1], [2, 3], [4, 5]];

describe("an executor may go on with", () => {
  test("what waits for its task and for others, and so on to the root", () => {
    expect(fanInsAfter([0], tableOf(TREE), rules)).toEqual([4, 6]);
    expect(fanInsAfter([0, 1, 4], tableOf(TREE), rules)).toEqual([6]);
    expect(fanInsAfter([0, 2], tableOf(TREE), rules)).toEqual([4, 5, 6]);
  });

  test("as much as the target time has room for", () => {
    expect(fanInsAfter([0], tableOf(TREE), { ...rules, costMs: () => 60 })).toEqual([4]);
    expect(fanInsAfter([0], tableOf(TREE), { ...rules, costMs: () => 120 })).toEqual([]);
  });

  test("not what has all inputs here: that was a matter of the dispatch", () => {
    expect(fanInsAfter([0, 1], tableOf([[], [], [0, 1]]), rules)).toEqual([]);
    expect(fanInsAfter([0], tableOf([[], [], [0, 1]], { 1: Done }), rules)).toEqual([]);
  });

  test("what waits for a fan-in alone, though", () => {
    expect(fanInsAfter([0], tableOf([[], [], [0, 1], [2]]), rules)).toEqual([2, 3]);
  });

  test("not one of several that wait for the same", () => {
    expect(fanInsAfter([0], tableOf([[], [], [0, 1], [0, 1]]), rules)).toEqual([]);
  });

  test("not what an executor works for that was not told of it", () => {
    const isKnownTo = (running: number, fanIn: number) => running !== 1 && fanIn === 4;
    expect(fanInsAfter([0], tableOf(TREE), { ...rules, isKnownTo })).toEqual([]);
    expect(fanInsAfter([1], tableOf(TREE), { ...rules, isKnownTo })).toEqual([4, 6]);
  });

  test("what waits for ready tasks only if those go out at this moment, too", () => {
    const tasks = tableOf(TREE, { 1: Ready });
    expect(fanInsAfter([0], tasks, rules)).toEqual([4, 6]);
    expect(fanInsAfter([0], tasks, { ...rules, allGoOut: false })).toEqual([]);
  });

  test("not what waits for a task that goes elsewhere, or has failed", () => {
    const costMs = (task: number) => (task === 1 ? undefined : 1);
    expect(fanInsAfter([0], tableOf(TREE, { 1: Ready }), { ...rules, costMs })).toEqual([]);
    expect(fanInsAfter([0], tableOf(TREE, { 1: Failed }), rules)).toEqual([]);
  });

  test("few of many, and none with very many inputs", () => {
    const comb = [[], [], ...Array.from({ length: 100 }, (_, at) => [at === 0 ? 0 : at + 1, 1])];
    expect(fanInsAfter([0], tableOf(comb.slice(0, 40)), rules)).toHaveLength(16);
    const wide = [...Array.from({ length: 17 }, () => []), Array.from({ length: 17 }, (_, at) => at)];
    expect(fanInsAfter([0], tableOf(wide), rules)).toEqual([]);
  });
});
