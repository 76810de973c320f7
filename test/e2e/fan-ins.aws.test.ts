import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab } from "stratolab";
import { afterAll, expect, test } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { fatal, leaf, leafOnEcs, pair, pairOnEcs, reduction } from "./fixtures/fan-in-tasks.ts";

const localAws = connectLocalAws();
const folder = mkdtempSync(join(tmpdir(), "fan-ins-"));
const lab = new Lab({
  tasks: new URL("./fixtures/fan-in-tasks.ts", import.meta.url),
  runner: aws(),
  namespace: `fan-ins-${Date.now()}`,
  concurrency: 8,
  progress: false,
});
afterAll(() => lab.close());

type Kinds = readonly [typeof leaf, typeof pair];

function notedIn(name: string) {
  const log = join(folder, name);
  writeFileSync(log, "");
  return { noted: { log, salt: 1 }, lines: () => readFileSync(log, "utf8").split("\n").filter(Boolean) };
}

/** Durations have to be known before anything goes along with anything. */
async function measure([make, add]: Kinds, ms: number) {
  const { log } = notedIn("measured").noted;
  await lab.runTask(make({ n: 0, ms, log, salt: 2 }));
  await lab.runTask(add({ a: 0, b: 0, log, salt: 2 }));
}

test("whoever brings the last input of a fan-in goes on with it, and one write decides who that is", async () => {
  await measure([leaf, pair], 300);
  const { lines, noted } = notedIn("reduced");
  await localAws.resetCounts();
  // Some are later than others, so that it is decided at each level.
  expect(await lab.runTask(reduction([leaf, pair], 8, noted, (n) => 300 + 40 * n))).toBe(28);
  const { operations } = await localAws.counts();
  expect(operations["lambda:Invoke"]?.requests).toBe(8);
  // One for each input of each of the seven.
  expect(operations["dynamodb:UpdateItem"]?.fromExecutors).toBe(14);
  expect(lines()).toHaveLength(15);
  const [run] = await lab.runs();
  expect(run.counts).toMatchObject({ total: 15, failed: 0, running: 0 });
});

test("containers decide it likewise, once they are there", async () => {
  const kinds = [leafOnEcs, pairOnEcs] as unknown as Kinds;
  await measure(kinds, 600);
  // Two are started for these.
  const { noted: first } = notedIn("first-in-containers");
  await lab.runTasks([0, 1].map((n) => leafOnEcs({ n, ms: 4_000, ...first })));
  const { lines, noted } = notedIn("in-containers");
  await localAws.resetCounts();
  expect(await lab.runTask(reduction(kinds, 2, noted, (n) => 500 + 200 * n))).toBe(1);
  const processes = lines().map((line) => line.split(" ").at(-1));
  expect(processes).toHaveLength(3);
  expect(new Set(processes.slice(0, 2)).size).toBe(2);
  const { operations } = await localAws.counts();
  expect(operations["dynamodb:UpdateItem"]?.fromExecutors).toBe(2);
});

test("one that dies as it goes on is made again elsewhere, with what is there", async () => {
  await measure([leaf, pair], 300);
  await lab.runTask(fatal({ a: 0, b: 0, ...notedIn("measured-fatal").noted, salt: 2 }));
  const { lines, noted } = notedIn("fatal");
  const leaves = [0, 1].map((n) => leaf({ n, ms: 300 + 100 * n, ...noted }));
  await localAws.resetCounts();
  expect(await lab.runTask(fatal({ a: leaves[0], b: leaves[1], ...noted }))).toBe(1);
  const executed = lines().map((line) => line.split(" ").slice(0, 2).join(" "));
  expect(executed.slice(0, 2).sort()).toEqual(["leaf 0", "leaf 1"]);
  expect(executed.slice(2)).toEqual(["fatal 1", "fatal 2"]);
  const { operations } = await localAws.counts();
  expect(operations["lambda:Invoke"]?.requests).toBe(3);
});
