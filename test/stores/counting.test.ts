import fc from "fast-check";
import { expect, test } from "vitest";
import { type Candidate, countingResults, firstOf } from "../../sdk/stores/counting.ts";

/** A result as an executor has written it: with the values that it had in its hands. */
interface Written extends Candidate {
  readonly task: number;
  /** Which results those were, by their ids. */
  readonly from: readonly string[];
}

/** A history of executors that compute tasks of one plan, each from results that some executor has written. */
const histories = fc
  .record({
    tasks: fc.integer({ min: 1, max: 6 }),
    edges: fc.array(fc.boolean(), { minLength: 36, maxLength: 36 }),
    attempts: fc.array(
      fc.record({
        task: fc.nat(5),
        generation: fc.integer({ min: 0, max: 1 }),
        endedAt: fc.nat(4),
        value: fc.nat(2),
        choice: fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
      }),
      { maxLength: 25 },
    ),
    order: fc.array(fc.nat(), { minLength: 25, maxLength: 25 }),
  })
  .map(({ tasks, edges, attempts, order }) => {
    const dependencies = Array.from({ length: tasks }, (_, task) =>
      Array.from({ length: task }, (_, before) => before).filter((before) => edges[task * 6 + before]),
    );
    const written: Written[] = [];
    for (const [index, attempt] of attempts.entries()) {
      const task = attempt.task % tasks;
      const from: Written[] = [];
      for (const dependency of dependencies[task]) {
        const there = written.filter((each) => each.task === dependency);
        if (there.length > 0) from.push(there[attempt.choice[dependency] % there.length]);
      }
      // Nothing is computed before its inputs are there.
      if (from.length < dependencies[task].length) continue;
      const { generation, endedAt } = attempt;
      const inputs = from.length === 0 ? undefined : from.map(({ value }) => value).join();
      const value = `${attempt.value}`;
      written.push({ task, generation, endedAt, id: `a${index}`, value, inputs, from: from.map(({ id }) => id) });
    }
    const shuffled = written
      .map((each, index) => ({ each, rank: order[index] }))
      .sort((one, other) => one.rank - other.rank)
      .map(({ each }) => each);
    return { dependencies, written, shuffled };
  });

const counted = (dependencies: readonly (readonly number[])[], written: readonly Written[]) =>
  countingResults(
    dependencies.map((of, task) => ({ candidates: written.filter((each) => each.task === task), dependencies: of })),
    (_, inputs) => inputs.map(({ value }) => value).join(),
  );

test("where several results of a dependency are in sight, none counts that was computed from another value", () => {
  fc.assert(
    fc.property(histories, ({ dependencies, written }) => {
      const counting = counted(dependencies, written);
      counting.forEach((result, task) => {
        if (!result) return;
        for (const [index, dependency] of dependencies[task].entries()) {
          const latest = written.filter((each) => each.task === dependency);
          const generation = Math.max(...latest.map((each) => each.generation));
          const values = new Set(latest.filter((each) => each.generation === generation).map(({ value }) => value));
          if (latest.length === 0 || (values.size < 2 && counting[dependency])) continue;
          const used = written.find(({ id }) => id === result.from[index]);
          expect(used?.value).toBe(counting[dependency]?.value);
        }
      });
    }),
    { numRuns: 2_000 },
  );
});

test("at most one result of a task counts, of the highest generation, and whatever came first in which order", () => {
  fc.assert(
    fc.property(histories, ({ dependencies, written, shuffled }) => {
      const counting = counted(dependencies, written);
      expect(counted(dependencies, shuffled)).toEqual(counting);
      counting.forEach((result, task) => {
        const all = written.filter((each) => each.task === task);
        if (!result) return;
        expect(result.task).toBe(task);
        expect(result.generation).toBe(Math.max(...all.map(({ generation }) => generation)));
        // Without what it depends on in sight, the first one counts.
        if (dependencies[task].length === 0) expect(result).toBe(firstOf(all));
      });
    }),
    { numRuns: 2_000 },
  );
});

test("one execution of each task counts as a whole", () => {
  const chain = [[], [0], [1]];
  const written = chain.map((_, task) => {
    const inputs = task === 0 ? undefined : "0";
    return { task, generation: 0, endedAt: task, id: `a${task}`, value: "0", inputs, from: [] };
  });
  expect(counted(chain, written)).toEqual(written);
});

test("a dependency that was deleted and made again with another value leaves what was computed from it", () => {
  const made = { task: 0, generation: 0, endedAt: 9, id: "later", value: "new", inputs: undefined, from: [] };
  const kept = { task: 1, generation: 0, endedAt: 1, id: "kept", value: "v", inputs: "old", from: [] };
  expect(counted([[], [0]], [made, kept])).toEqual([made, kept]);
  const late = { ...made, endedAt: 10, id: "late", value: "old" };
  // From now on two values are in sight, and the first of them is not the one that it was computed from.
  expect(counted([[], [0]], [made, kept, late])).toEqual([made, undefined]);
});
