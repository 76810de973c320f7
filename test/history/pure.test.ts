import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toJson } from "../../cli/print.ts";
import { criticalPath } from "../../sdk/history/critical-path.ts";
import { findTask, findTasks } from "../../sdk/history/find-tasks.ts";
import { LineFolder } from "../../sdk/history/fold-lines.ts";
import { logLines, type RunLogLine } from "../../sdk/history/log-lines.ts";
import { paramsDifferences } from "../../sdk/history/params-difference.ts";
import { harmless, oneLine } from "../../sdk/progress/text.ts";
import { logged, planOf } from "./told.ts";

/** DAGs in topological order, with whole milliseconds. */
const dags = fc
  .array(fc.record({ durationMs: fc.nat(5), seeds: fc.array(fc.nat(), { maxLength: 3 }) }), { maxLength: 12 })
  .map((tasks) =>
    tasks.map(({ durationMs, seeds }, position) => ({
      durationMs,
      dependencies: position === 0 ? [] : [...new Set(seeds.map((seed) => seed % position))],
    })),
  );

describe("the critical path", () => {
  test("is a chain, and as long as the longest of all chains", () => {
    fc.assert(
      fc.property(dags, (tasks) => {
        const longest = (position: number): number =>
          tasks[position].durationMs + Math.max(0, ...tasks[position].dependencies.map(longest));
        const reaches = (from: number, to: number): boolean =>
          from === to || tasks[from].dependencies.some((dependency) => reaches(dependency, to));
        const path = criticalPath(tasks);
        const sum = path.reduce((total, position) => total + tasks[position].durationMs, 0);
        expect(sum).toBe(Math.max(0, ...tasks.map((_, position) => longest(position))));
        for (let at = 1; at < path.length; at++) expect(reaches(path[at], path[at - 1])).toBe(true);
      }),
    );
  });
});

describe("lines that say the same", () => {
  const lines = fc.array(
    fc
      .record({ at: fc.nat(20_000), text: fc.constantFrom("a", "b", "c"), position: fc.nat(3) })
      .map((line): RunLogLine => ({ ...line, level: "info" })),
    { maxLength: 40 },
  );

  test("are told once with their number, none is lost, and none of those that differ are put together", () => {
    fc.assert(
      fc.property(lines, (given) => {
        const sorted = given.toSorted((a, b) => a.at - b.at);
        const folder = new LineFolder();
        const told = [...sorted.flatMap((line) => folder.add(line)), ...folder.flush()];
        for (const text of ["a", "b", "c"]) {
          const count = told.filter((line) => line.text === text).reduce((sum, line) => sum + line.count, 0);
          expect(count).toBe(given.filter((line) => line.text === text).length);
        }
        expect(told.map(({ at }) => at)).toEqual(told.map(({ at }) => at).toSorted((a, b) => a - b));
        for (const { count, tasks } of told) expect(tasks).toBeLessThanOrEqual(count);
      }),
    );
  });

  test("are told apart when more than five seconds lie between", () => {
    const folder = new LineFolder();
    const line = (at: number, position: number): RunLogLine => ({ at, position, level: "info", text: "x" });
    const told = [line(0, 1), line(10, 2), line(10, 2), line(6_000, 1)].flatMap((each) => folder.add(each));
    expect([...told, ...folder.flush()]).toEqual([
      { ...line(0, 1), count: 3, tasks: 2 },
      { ...line(6_000, 1), count: 1, tasks: 1 },
    ]);
  });
});

describe("a task", () => {
  const plan = planOf(["load"], ["train", [0]], ["train", [0]], ["12"]);

  test("is meant by its name, its number, or a part of its text", () => {
    expect(findTasks(plan, "train")).toEqual([1, 2]);
    expect(findTask(plan, "load")).toBe(0);
    expect([findTask(plan, "#2"), findTask(plan, "2"), findTask(plan, "12")]).toEqual([2, 2, 3]);
    expect(findTask(plan, "n({ id: 1")).toBe(1);
  });

  test("that is not there, or is one of several, is refused with what there is", () => {
    expect(() => findTask(plan, "tarin")).toThrow('no task of the run is meant by "tarin"; it has load, 2 train, 12');
    expect(() => findTask(plan, "#9")).toThrow("no task");
    expect(() => findTask(plan, "train")).toThrow(
      '2 tasks are meant by "train", say which by its number: #1 train({ id: 1 }), #2 train({ id: 2 })',
    );
  });

  test("has its own log lines, from a level on", () => {
    const events = [logged(1, 1, "one"), logged(2, 2, "two", "warn"), { type: "notice", at: 3, text: "all" } as const];
    const texts = (filter: Parameters<typeof logLines>[1]) => logLines(plan, filter)(events).map(({ text }) => text);
    expect(texts({})).toEqual(["one", "two", "all"]);
    expect(texts({ level: "warn" })).toEqual(["two", "all"]);
    expect(texts({ task: "#1" })).toEqual(["one"]);
    expect(texts({ attempt: 2 })).toEqual([]);
    expect(() => texts({ task: "nothing" })).toThrow("no task");
  });
});

test("differences of params are told by their place", () => {
  const shared = { deep: [1, { x: 1 }], map: new Map([[1, 2]]), same: new Date(0) };
  expect(paramsDifferences(shared, structuredClone(shared))).toEqual([]);
  expect(
    paramsDifferences({ ...shared, gone: 1, n: 1 }, { ...shared, deep: [1, { x: 2 }, 3], n: "1", map: new Map() }).map(
      ({ text }) => text,
    ),
  ).toEqual([
    "params.deep[1].x was 1, is 2",
    "params.deep[2] is new: 3",
    "params.map was Map(1) { 1 => 2 }, is Map(0) {}",
    "params.gone was 1, and is gone",
    "params.n was 1, is '1'",
  ]);
  const many = (value: number) => Array.from({ length: 20 }, () => value);
  expect(paramsDifferences(many(1), many(2)).at(-1)?.text).toBe("and 12 more");
});

test("no text of a task holds what a terminal would obey, however it is told", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for them is the purpose.
  const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
  const texts = fc.string({ unit: fc.integer({ min: 0, max: 0x2ff }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(texts, (text) => {
      expect(harmless(text)).not.toMatch(obeyed);
      expect(oneLine(text)).not.toMatch(/\n/);
      expect(toJson({ text })).not.toMatch(obeyed);
      expect(JSON.parse(toJson({ text }))).toEqual({ text });
    }),
  );
});
