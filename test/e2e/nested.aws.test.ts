import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab, type LabOptions } from "stratolab";
import { expect, test } from "vitest";
import { fibonacci, fibonacciOnEcs, waiting } from "./fixtures/nested-tasks.ts";

const labOn = (options: Partial<LabOptions> = {}) =>
  new Lab({
    tasks: new URL("./fixtures/nested-tasks.ts", import.meta.url),
    runner: aws({ ecsIdleMs: 1_000 }),
    progress: false,
    namespace: `nested-${Date.now()}`,
    ...options,
  });

test("a recursion ten deep on Lambda, two at a time", async () => {
  await using lab = labOn({ concurrency: 2 });
  const s = performance.now();
  expect(await lab.runTask(fibonacci({ n: 10, salt: Date.now() }))).toBe(55);
  console.log("lambda fib", performance.now() - s);
});

test("a parent on Lambda that waits long is suspended, and resumed with the results", async () => {
  await using lab = labOn();
  const file = join(mkdtempSync(join(tmpdir(), "nested-")), "lines");
  const run = lab.start([waiting({ file, ms: 7_000, count: 2 })]);
  const [outcome] = await run.settled();
  console.log(JSON.stringify(outcome.attempts));
  expect(outcome).toMatchObject({ kind: "ok", value: 1 });
});

test("a recursion on ECS", async () => {
  await using lab = labOn({ concurrency: 2 });
  const s = performance.now();
  expect(await lab.runTask(fibonacciOnEcs({ n: 4, salt: Date.now() }))).toBe(3);
  console.log("ecs fib", performance.now() - s);
});
