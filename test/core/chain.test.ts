import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chainFrom } from "../../sdk/core/chain.ts";
import { TaskState, TaskTable } from "../../sdk/core/task-table.ts";

const { Done, Ready, Running, Waiting } = TaskState;
type State = typeof Done | typeof Ready | typeof Running | typeof Waiting;

/** Tasks by what each waits for; those that wait for nothing are ready unless said otherwise. */
function tableOf(needs: readonly (readonly number[])[], states: Readonly<Record<number, State>> = {}): TaskTable {
  const tasks = new TaskTable();
  needs.forEach((inputs, task) => {
    const isOpen = inputs.some((input) => tasks.state[input] !== Done);
    tasks.add(0, 0, states[task] ?? (isOpen ? Waiting : Ready));
    for (const input of inputs) {
      tasks.addDependency(task, input);
      if (tasks.state[input] !== Done) tasks.pending[task] += 1;
    }
  });
  return tasks;
}

const rules = { batch: { targetMs: 100, maxTasks: 100 }, takers: 1_000, costMs: () => 1 };
/** A chain: each task needs the one before it. */
const chain = (length: number) => Array.from({ length }, (_, task) => (task === 0 ? [] : [task - 1]));
/** A tree reduction: leaves first, then the additions of each level. */
function tree(leaves: number): number[][] {
  const needs: number[][] = Array.from({ length: leaves }, () => []);
  for (let level = Array.from(needs.keys()); level.length > 1; ) {
    level = Array.from({ length: level.length / 2 }, (_, at) => needs.push([level[2 * at], level[2 * at + 1]]) - 1);
  }
  return needs;
}

describe("an executor goes on", () => {
  test("along a chain, until the time is used up", () => {
    expect(chainFrom([0], tableOf(chain(1_000)), rules)).toEqual(Array.from({ length: 99 }, (_, task) => task + 1));
    expect(chainFrom([0], tableOf(chain(1_000)), { ...rules, costMs: () => 30 })).toEqual([1, 2]);
    expect(chainFrom([0], tableOf(chain(10)), { ...rules, costMs: () => 60 })).toEqual([]);
  });

  test("not with what may not go along, nor with what waits for that", () => {
    const costMs = (task: number) => (task === 3 ? undefined : 1);
    expect(chainFrom([0], tableOf(chain(6)), { ...rules, costMs })).toEqual([1, 2]);
  });

  test("with a whole subtree of a reduction, whose leaves it fetches", () => {
    const batch = { targetMs: 150, maxTasks: 100 };
    const going = chainFrom([0], tableOf(tree(64)), { ...rules, batch });
    expect([0, ...going].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 64, 65, 66, 67, 96, 97, 112]);
  });

  test("not with a fan-in that waits for what runs elsewhere", () => {
    expect(chainFrom([0], tableOf(tree(4), { 1: Running }), rules)).toEqual([]);
    expect(chainFrom([0], tableOf(tree(4), { 2: Running }), rules)).toEqual([1, 4]);
  });

  test("with a fan-in whose other inputs are there", () => {
    expect(chainFrom([0], tableOf([[], [], [0, 1]], { 1: Done }), rules)).toEqual([2]);
  });

  test("with half an even share of what it makes ready, beyond what a round trip is worth", () => {
    const fan = [[], ...Array.from({ length: 40 }, () => [0])];
    const costMs = () => 2;
    expect(chainFrom([0], tableOf(fan), { ...rules, costMs })).toEqual([1, 2, 3, 4]);
    expect(chainFrom([0], tableOf(fan), { ...rules, costMs, takers: 2 })).toHaveLength(10);
    expect(chainFrom([0], tableOf(fan), { ...rules, costMs: () => 20 })).toEqual([1]);
  });

  test("without looking at all inputs of a fan-in that is far too large for it", () => {
    const wide = [...Array.from({ length: 200 }, () => []), Array.from({ length: 200 }, (_, task) => task)];
    expect(chainFrom([0], tableOf(wide), rules)).toEqual([]);
  });
});

test("a fan-in is not closed where it would be one task too many with what its inputs wait for", () => {
  // The last one needs two, one of which needs the first.
  const tasks = tableOf([[], [0], [], [1, 2]], {});
  const chosen = (maxTasks: number) =>
    chainFrom([0], tasks, { batch: { targetMs: 1, maxTasks }, takers: 1, costMs: () => 0 });
  expect(chosen(3).length).toBeLessThanOrEqual(2);
  expect(chosen(4)).toHaveLength(3);
  // Begun from the other side the first input is found on the way.
  const fromInput = (maxTasks: number) =>
    chainFrom([2], tasks, { batch: { targetMs: 1, maxTasks }, takers: 1, costMs: () => 0 });
  expect(fromInput(3)).toEqual([]);
  expect(fromInput(4)).toEqual([0, 1, 3]);
});

test("every choice stands behind what it waits for, within its bounds, in any DAG", () => {
  const dags = fc.integer({ min: 1, max: 60 }).chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, task) =>
        fc.record({
          needs: fc.uniqueArray(fc.integer({ min: Math.max(0, task - 6), max: Math.max(0, task - 1) }), {
            maxLength: task === 0 ? 0 : 3,
          }),
          state: fc.constantFrom<State | undefined>(undefined, undefined, undefined, Done, Running),
          costMs: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 8, nil: undefined }),
        }),
      ),
    ),
  );
  const bounds = fc.record({
    targetMs: fc.integer({ min: 0, max: 300 }),
    maxTasks: fc.integer({ min: 1, max: 30 }),
    takers: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(dags, bounds, fc.nat(), (dag, { takers, ...batch }, which) => {
      // What is done or runs has all that it needs.
      const done = new Set<number>();
      const states: Record<number, State> = {};
      dag.forEach(({ needs, state }, task) => {
        if (state === undefined || needs.some((need) => !done.has(need))) return;
        states[task] = state;
        if (state === Done) done.add(task);
      });
      const tasks = tableOf(
        dag.map(({ needs }) => needs),
        states,
      );
      const ready = dag.flatMap((_, task) =>
        tasks.state[task] === Ready && dag[task].costMs !== undefined ? task : [],
      );
      if (ready.length === 0) return;
      const first = ready.slice(0, 1 + (which % Math.min(batch.maxTasks, ready.length)));
      const firstMs = first.reduce((sum, task) => sum + (dag[task].costMs ?? 0), 0);
      const chosen = chainFrom(first, tasks, { batch, takers, costMs: (task) => dag[task].costMs });
      const all = [...first, ...chosen];
      expect(new Set(all).size).toBe(all.length);
      expect(all.length).toBeLessThanOrEqual(Math.max(first.length, batch.maxTasks));
      const ms = chosen.reduce((sum, task) => sum + (dag[task].costMs as number), firstMs);
      if (chosen.length > 0) expect(ms).toBeLessThanOrEqual(batch.targetMs);
      chosen.forEach((task, at) => {
        expect([Ready, Waiting]).toContain(tasks.state[task]);
        for (const need of dag[task].needs) {
          expect(tasks.state[need] === Done || all.indexOf(need) < first.length + at).toBe(true);
          if (tasks.state[need] !== Done) expect(all).toContain(need);
        }
      });
    }),
    { numRuns: 500 },
  );
});
