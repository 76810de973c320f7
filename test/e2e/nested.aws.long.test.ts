import { aws } from "stratolab";
import { expect, test } from "vitest";
import { eventually } from "../support/scripts.ts";
import { fibonacci, fibonacciOnEcs, waiting } from "./fixtures/nested-tasks.ts";
import { countOf, nestingLab, newFile } from "./nested-suite.ts";

const runner = () => aws({ ecsIdleMs: 1_000 });

test("a recursion on Lambda, two at a time", async () => {
  await using lab = nestingLab({ runner: runner(), concurrency: 2 });
  expect(await lab.runTask(fibonacci({ n: 10, salt: Date.now() }))).toBe(55);
});

test("a recursion on ECS, two at a time", async () => {
  await using lab = nestingLab({ runner: runner(), concurrency: 2 });
  expect(await lab.runTask(fibonacciOnEcs({ n: 4, salt: Date.now() }))).toBe(3);
});

test("a parent on Lambda that waits long is suspended, and made again from the results it waited for", async () => {
  await using lab = nestingLab({ runner: runner() });
  const file = newFile();
  const [outcome] = await lab.start([waiting({ file, ms: 6_500, count: 2 })]).settled();
  expect(outcome).toMatchObject({ kind: "ok", value: 1 });
  expect(outcome.attempts.map(({ kind }) => kind)).toEqual(["suspended", "ok"]);
  expect([countOf(file, "parent"), countOf(file, "slow")]).toEqual([2, 2]);
});

test("to cancel a parent on Lambda cancels what it runs", async () => {
  await using lab = nestingLab({ runner: runner() });
  const file = newFile();
  const parent = waiting({ file, ms: 60_000, count: 1 });
  const run = lab.start([parent]);
  await eventually(() => countOf(file, "slow") === 1, 20_000, "the child's start");
  await lab.cancel(parent);
  expect((await run.settled())[0].kind).toBe("cancelled");
});
