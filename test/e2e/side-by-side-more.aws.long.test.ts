import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab } from "stratolab";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { asking, contained, hanging } from "./fixtures/beside-more-tasks.ts";

const salt = `${Date.now()}`;
const numbers = Array.from({ length: 16 }, (_, n) => n);
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stratolab-beside-more-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One executor at a time, so that what overlaps does so in one. */
const labOf = (namespace: string) =>
  new Lab({
    tasks: new URL("./fixtures/beside-more-tasks.ts", import.meta.url),
    runner: aws(),
    namespace: `${namespace}-${salt}`,
    progress: false,
    concurrency: 1,
  });

const linesOf = (log: string) => readFileSync(log, "utf8").trim().split("\n").map(Number);
const byNumber = (one: number, other: number) => one - other;

test("short tasks overlap in a container with two vCPUs, two at a time", async () => {
  const log = join(folder, "contained");
  await using lab = labOf("contained");
  const tasks = (count: number, round: string) =>
    numbers.slice(0, count).map((n) => contained({ n, log, salt: round }));
  await lab.runTasks(tasks(4, "first"));
  await lab.runTasks(tasks(16, "warm"));
  rmSync(log);
  const results = await lab.runTasks(tasks(16, "second"));
  expect(linesOf(log).toSorted(byNumber)).toEqual(numbers);
  expect(new Set(results.map(({ by }) => by)).size).toBe(2);
  const overlapping = results.filter((one) =>
    results.some((other) => other !== one && other.from < one.until && one.from < other.until),
  );
  expect(overlapping.length).toBeGreaterThanOrEqual(8);
});

test("one beyond its deadline takes nobody along, and fails for itself", async () => {
  const log = join(folder, "hanging");
  await using lab = labOf("hanging");
  const tasks = (count: number, hangs: number, round: string) =>
    numbers.slice(0, count).map((n) => hanging({ n, log, salt: round, ...(n === hangs ? { hangs: true } : {}) }));
  await lab.runTasks(tasks(4, -1, "first"));
  await lab.runTasks(tasks(16, -1, "warm"));
  rmSync(log);
  const outcomes = await lab.start(tasks(16, 5, "second")).settled();
  expect(outcomes.map(({ kind }) => kind)).toEqual(numbers.map((n) => (n === 5 ? "timeout" : "ok")));
  // Twice, as often as it may; the others once.
  expect(linesOf(log).toSorted(byNumber)).toEqual([...numbers, 5].toSorted(byNumber));
});

test("all that is at work side by side ends when its run is cancelled", async () => {
  const log = join(folder, "cancelled");
  await using lab = labOf("cancelled");
  const tasks = (count: number, hang: boolean, round: string) =>
    numbers.slice(0, count).map((n) => hanging({ n, log, salt: round, ...(hang ? { hangs: true } : {}) }));
  await lab.runTasks(tasks(4, false, "first"));
  await lab.runTasks(tasks(16, false, "warm"));
  rmSync(log);
  const run = lab.start(tasks(16, true, "second"));
  await vi.waitFor(() => expect(linesOf(log).length).toBeGreaterThanOrEqual(2), 20_000);
  await run.cancel();
  const outcomes = await run.settled();
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["cancelled"]));
  const begun = linesOf(log).length;
  // The function is free for others, in new processes.
  expect(await lab.runTask(hanging({ n: 99, log, salt: "after" }))).toBe(99);
  expect(linesOf(log)).toHaveLength(begun + 1);
});

test("one that runs a task of its own waits for it, and the others are done all the same", async () => {
  const log = join(folder, "asking");
  await using lab = labOf("asking");
  const tasks = (count: number, asks: number, round: string) =>
    numbers.slice(0, count).map((n) => asking({ n, log, salt: round, ...(n === asks ? { asks: true } : {}) }));
  await lab.runTasks(tasks(4, -1, "first"));
  await lab.runTasks(tasks(16, -1, "warm"));
  rmSync(log);
  expect(await lab.runTasks(tasks(16, 2, "second"))).toEqual(numbers);
  expect(linesOf(log).filter((n) => n === 1_002)).toEqual([1_002]);
});
