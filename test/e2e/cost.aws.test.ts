import { aws, Lab, type LabOptions, type ProgressEvent, RunError } from "stratolab";
import { expect, test } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import type { Counts } from "../../localstack/proxy/counts.ts";
import { lambdaSecond, PRICES } from "../../sdk/core/prices.ts";
import { ecsBillSince } from "../storm/bill.ts";
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

/** What AWS would charge for requests, each of the smallest unit, as the fault proxy counted them. */
function requestBill({ operations }: Counts): number {
  const { dynamo, s3, lambda } = PRICES;
  const usd: Readonly<Record<string, number>> = {
    "lambda:Invoke": lambda.request,
    "dynamodb:PutItem": dynamo.writeUnit,
    "dynamodb:UpdateItem": dynamo.writeUnit,
    "dynamodb:DeleteItem": dynamo.writeUnit,
    "dynamodb:GetItem": dynamo.readUnit,
    "dynamodb:Query": dynamo.readUnit,
    "dynamodb:BatchGetItem": dynamo.readUnit,
    "s3:PutObject": s3.put,
    "s3:GetObject": s3.get,
    "s3:HeadObject": s3.get,
  };
  return Object.entries(operations).reduce((sum, [name, { requests }]) => sum + requests * (usd[name] ?? 0), 0);
}

test("a run's cost is what its requests and the lifetimes of its ECS tasks come to", async () => {
  const localAws = connectLocalAws();
  const events: ProgressEvent[] = [];
  const lab = labOf({ concurrency: 6, progress: (event) => events.push(event) });
  // The lab's own code and signs of life are no part of a run.
  await lab.isCached(onLambda({ n: 0, ms: 0, salt }));
  await localAws.resetCounts();
  const since = new Date();
  const lambdaMs = 700;
  const tasks = [0, 1, 2, 3].flatMap((n) => [onLambda({ n, ms: lambdaMs, salt }), onEcs({ n, ms: 400, salt })]);
  const run = lab.start(tasks);
  const outcomes = await run.settled();
  await lab.close();
  const { ClusterName, Architecture } = thisStack().outputs;
  const architecture = Architecture as "x86_64" | "arm64";
  const ecs = await ecsBillSince(ClusterName, since, architecture);
  const requests = requestBill(await localAws.counts());
  const lambda = (4 * lambdaMs * lambdaSecond(512, 0, architecture)) / 1_000;
  const separate = ecs.dollarsByMinute + requests + lambda;

  expect(outcomes.map(({ kind }) => kind)).toEqual(tasks.map(() => "ok"));
  expect(ecs.containers).toBeGreaterThan(0);
  await using other = labOf();
  const [{ costUsd }] = await other.runs();
  const attempts = outcomes.flatMap((outcome) => outcome.attempts);
  expect(Math.abs(costUsd / separate - 1)).toBeLessThan(0.02);
  // All but what containers cost that came too late for any work.
  const ofAttempts = attempts.reduce((sum, attempt) => sum + attempt.costUsd, 0);
  expect(ofAttempts).toBeLessThanOrEqual(costUsd);
  expect(ofAttempts).toBeGreaterThan(requests + lambda);
  for (const attempt of attempts) expect(attempt.costUsd).toBeGreaterThan(0);

  // The bar hears of it as it happens.
  const told = events.reduce((sum, event) => (event.type === "cost" ? sum + event.usd : sum), 0);
  expect(told).toBeCloseTo(costUsd, 9);
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
