import {
  aws,
  Lab,
  type LabOptions,
  type ProgressEvent,
  RunError,
  type Runner,
  type RunnerEvent,
  type Task,
} from "stratolab";
import { expect, test } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import { lambdaSecond } from "../../sdk/core/prices.ts";
import type { BilledSpan } from "../../sdk/runners/runner.ts";
import { ecsBillSince } from "../storm/bill.ts";
import { requestBill } from "../support/request-bill.ts";
import { thisStack } from "../support/this-stack.ts";
import { onEcs, onLambda } from "./fixtures/cost-tasks.ts";

const salt = Date.now();
const namespace = `cost-${salt}`;
const labOf = (options: Partial<LabOptions> = {}) =>
  new Lab({
    tasks: new URL("./fixtures/cost-tasks.ts", import.meta.url),
    runner: aws({ ecsIdleMs: 1_000 }),
    namespace,
    progress: false,
    ...options,
  });

/** The runner, with an ear on what invocations say of their own time. */
function listenedTo() {
  const runner = aws({ ecsIdleMs: 1_000 });
  const spans = new Map<string, BilledSpan>();
  const open = runner.open.bind(runner);
  runner.open = (session) => {
    const report = (event: RunnerEvent) => {
      if (event.type === "outcome" && event.billed) {
        spans.set(event.assignment, { ...spans.get(event.assignment), ...event.billed });
      }
      session.report(event);
    };
    return open({ ...session, report });
  };
  const billedMs = () => [...spans.values()].reduce((sum, { from, until = from }) => sum + until - from, 0);
  return { runner, billedMs };
}

/** Runs tasks. @returns What came of it, and what the fault proxy has counted of it. */
async function counted(tasks: Task<unknown>[], runner: Runner) {
  const localAws = connectLocalAws();
  const events: ProgressEvent[] = [];
  const lab = labOf({ concurrency: 6, runner, progress: (event) => events.push(event) });
  // The lab's own code and signs of life are no part of a run.
  await lab.isCached(onLambda({ n: 0, ms: 0, salt }));
  await localAws.resetCounts();
  const outcomes = await lab.start(tasks).settled();
  await lab.close();
  const { operations } = await localAws.counts();
  const { "dynamodb:BatchWriteItem": _goodbye, ...ofRun } = operations;
  expect(outcomes.map(({ kind }) => kind)).toEqual(tasks.map(() => "ok"));
  await using other = labOf();
  const [{ costUsd }] = await other.runs();
  // The bar hears of it as it happens.
  const told = events.reduce((sum, event) => (event.type === "cost" ? sum + event.usd : sum), 0);
  expect(told).toBeCloseTo(costUsd, 12);
  const attempts = outcomes.flatMap((outcome) => outcome.attempts);
  for (const attempt of attempts) expect(attempt.costUsd).toBeGreaterThan(0);
  const attemptsUsd = attempts.reduce((sum, attempt) => sum + attempt.costUsd, 0);
  return { costUsd, attemptsUsd, operations: ofRun, requestsUsd: requestBill({ operations: ofRun }) };
}

const architectureOf = () => thisStack().outputs.Architecture as "x86_64" | "arm64";
/** The record of a small result, for a month. */
const KEPT_USD = (0.25 * 450) / 2 ** 30;

test("on Lambda a run costs what its requests and the time of its invocations come to, within 2 %", async () => {
  const { runner, billedMs } = listenedTo();
  // So short that requests are most of it.
  const tasks = Array.from({ length: 8 }, (_, n) => onLambda({ n, ms: 50, salt: salt + 2 }));
  const { costUsd, attemptsUsd, operations, requestsUsd } = await counted(tasks, runner);
  const timeUsd = (billedMs() * lambdaSecond(512, 0, architectureOf())) / 1_000;
  const separate = requestsUsd + timeUsd + 8 * KEPT_USD;
  expect(Math.abs(costUsd / separate - 1), `${costUsd} of ${separate}: ${JSON.stringify(operations)}`).toBeLessThan(
    0.02,
  );
  expect(attemptsUsd).toBeLessThan(costUsd);
  expect(attemptsUsd).toBeGreaterThan(timeUsd);
});

test("on ECS a run costs what the lifetimes of its containers and all requests come to, within 2 %", async () => {
  const since = new Date();
  const tasks = [0, 1, 2, 3].map((n) => onEcs({ n, ms: 400, salt }));
  const { costUsd, attemptsUsd, operations, requestsUsd } = await counted(tasks, aws({ ecsIdleMs: 1_000 }));
  const ecs = await ecsBillSince(thisStack().outputs.ClusterName, since, architectureOf());
  const separate = ecs.dollarsByMinute + requestsUsd;
  expect(ecs.containers).toBeGreaterThan(0);
  expect(Math.abs(costUsd / separate - 1), `${costUsd} of ${separate}: ${JSON.stringify(operations)}`).toBeLessThan(
    0.02,
  );
  // All but what containers cost that came too late for any work, and what the driver asked.
  expect(attemptsUsd).toBeLessThanOrEqual(costUsd);
});

test("maxCostUsd ends a run when it is spent, and the next one goes on from there", async () => {
  await using lab = labOf({ concurrency: 1 });
  const tasks = Array.from({ length: 8 }, (_, n) => onLambda({ n, ms: 300, salt: salt + 1 }));
  // What the first run has measured says that each may cost some 0.00002 dollars.
  const maxCostUsd = 0.00003;
  const error = await lab.runTasks(tasks, { maxCostUsd, name: "short" }).catch((e: unknown) => e as RunError);
  if (!(error instanceof RunError)) throw new Error("it should have been ended");
  expect(error.kind).toBe("cost-limit");
  expect(error.message).toMatch(/was ended by maxCostUsd 0\.00003: it has cost \$0\.0000\d+, .* larger maxCostUsd/);
  const done = error.results.filter((result) => result !== undefined).length;
  expect(done).toBeGreaterThan(0);
  expect(error.failures.map(({ kind }) => kind)).toEqual(tasks.slice(done).map(() => "cancelled"));
  const [short] = await lab.runs({ name: "short" });
  expect(short.costUsd).toBeLessThanOrEqual(maxCostUsd);
  expect(short.costUsd).toBeGreaterThan(0);

  // Whoever goes on with the very run pays on the same account.
  const { id: runId, costUsd } = short;
  await expect(lab.runTasks(tasks, { runId, maxCostUsd: costUsd })).rejects.toMatchObject({ kind: "cost-limit" });

  const again = await lab.start(tasks).settled();
  expect(again.map((outcome) => outcome.kind === "ok" && outcome.value)).toEqual(tasks.map((_, n) => n));
  expect(again.filter((outcome) => outcome.kind === "ok" && outcome.cached)).toHaveLength(done);
});
