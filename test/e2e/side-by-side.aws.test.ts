import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab, type LabOptions } from "stratolab";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { beside, hungry } from "./fixtures/beside-tasks.ts";

const salt = `${Date.now()}`;
const localAws = connectLocalAws();
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-beside-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One invocation at a time, so that what overlaps does so in one. */
const labOf = (namespace: string, options: Partial<LabOptions> = {}) =>
  new Lab({
    tasks: new URL("./fixtures/beside-tasks.ts", import.meta.url),
    runner: aws(),
    namespace: `${namespace}-${salt}`,
    progress: false,
    concurrency: 1,
    ...options,
  });

const linesOf = (log: string) => readFileSync(log, "utf8").trim().split("\n").map(Number);
const numbers = Array.from({ length: 16 }, (_, n) => n);

it("short tasks of a function with two vCPUs overlap in one invocation, two at a time", async () => {
  const log = join(folder, "beside");
  await using lab = labOf("beside");
  const tasks = (count: number, round: string) =>
    numbers.slice(0, count).map((n) => beside({ n, dies: false, log, salt: round }));
  // Now it is known how long they take, and how much memory.
  await lab.runTasks(tasks(4, "first"));
  // And there is a second process.
  await lab.runTasks(tasks(16, "warm"));
  await localAws.resetCounts();
  const results = await lab.runTasks(tasks(16, "second"));
  const { operations } = await localAws.counts();
  // At least two in each.
  expect(operations["lambda:Invoke"]?.requests).toBeLessThanOrEqual(8);
  const overlapping = results.filter((one) =>
    results.some((other) => other !== one && other.from < one.until && one.from < other.until),
  );
  expect(overlapping.length).toBeGreaterThanOrEqual(8);
  expect(new Set(results.map(({ by }) => by)).size).toBe(2);
  // Never three.
  for (const { from } of results) {
    expect(results.filter((other) => other.from <= from && from < other.until).length).toBeLessThanOrEqual(2);
  }
  expect(new Set(results.map(({ numCpus }) => numCpus))).toEqual(new Set([1]));
});

it("one that kills its process takes nobody along: the others are not executed again", async () => {
  const log = join(folder, "killed");
  await using lab = labOf("beside-killed");
  const tasks = (count: number, dies: number, round: string) =>
    numbers.slice(0, count).map((n) => beside({ n, dies: n === dies, log, salt: round }));
  await lab.runTasks(tasks(4, -1, "first"));
  await lab.runTasks(tasks(16, -1, "warm"));
  rmSync(log);
  const results = await lab.runTasks(tasks(16, 1, "second"));
  expect(results.map(({ n }) => n)).toEqual(numbers);
  // Killed with another at work it goes alone, free of charge; then it is charged, and done the third time.
  expect(linesOf(log).toSorted((a, b) => a - b)).toEqual([...numbers, 1, 1].toSorted((a, b) => a - b));
});

it("memory that two need at once is given to each alone, and no size is learned to be too small", async () => {
  const log = join(folder, "hungry");
  // Of the function's memory so little may be used that one has room beside a process that does nothing, and two have not.
  await using lab = labOf("beside-hungry", { memoryMonitor: { marginMb: 2_800 } });
  const tasks = (count: number, megabytes: number, round: string) =>
    numbers.slice(0, count).map((n) => hungry({ n, megabytes, log, salt: round }));
  await lab.runTasks(tasks(3, 1, "first"));
  // And there is a second process.
  await lab.runTasks(tasks(8, 1, "warm"));
  rmSync(log);
  const outcomes = await lab.start(tasks(2, 350, "second")).settled();
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(["ok", "ok"]);
  expect(outcomes.flatMap((outcome) => outcome.attempts ?? []).filter(({ kind }) => kind === "out-of-memory")).toEqual(
    [],
  );
  expect(linesOf(log).length).toBeGreaterThan(2);
});
