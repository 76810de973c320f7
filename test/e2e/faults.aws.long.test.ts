import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { aws, Lab, type LabOptions, type TaskOutcome } from "stratolab";
import { afterAll, describe, expect, test } from "vitest";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import type { FaultRule, FunctionDeath } from "../../localstack/faults/rules.ts";
import { eventually } from "../support/scripts.ts";
import { thisStack } from "../support/this-stack.ts";
import { onDemand, onLambda, onSpot, STEPS, steps } from "./fixtures/fault-tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "faults-"));
const localAws = connectLocalAws();
let salt = Date.now();

/** Each test has containers of its own: rules count them from their start. */
const open = (progress: LabOptions["progress"] = false, concurrency = 4) =>
  new Lab({
    tasks: new URL("./fixtures/fault-tasks.ts", import.meta.url),
    runner: aws({ ecsIdleMs: 1_000 }),
    concurrency,
    progress,
  });
const lab = open();
afterAll(() => lab.close());

interface Fallen {
  readonly outcome: TaskOutcome<number>;
  readonly kinds: readonly string[];
  readonly executions: readonly string[];
}

/** Runs one task while something goes wrong. */
async function amid(rule: FaultRule, make: typeof onLambda, ms = 50, on = lab): Promise<Fallen> {
  const log = logOf(++salt);
  await using _faults = await localAws.faults.set({ seed: 1, rules: [rule] });
  const [outcome] = await on.start([make({ log, ms, salt })]).settled();
  return { outcome, kinds: outcome.attempts.map(({ kind }) => kind), executions: linesOf(salt) };
}

const logOf = (id: number) => join(folder, String(id));
const linesOf = (id: number) => (existsSync(logOf(id)) ? readFileSync(logOf(id), "utf8").trim().split("\n") : []);

describe("calls of Lambda", () => {
  test.each<[string, FaultRule, string[], number]>([
    [
      "throttled",
      { fault: "throttle", operation: "lambda:Invoke", count: 3 },
      ["throttled", "throttled", "throttled", "ok"],
      1,
    ],
    [
      "throttled, told inside another error",
      { fault: "throttle", operation: "lambda:Invoke", hidden: true, count: 1 },
      ["throttled", "ok"],
      1,
    ],
    [
      "that fail in the service",
      { fault: "server-error", operation: "lambda:Invoke", count: 1 },
      ["throttled", "ok"],
      1,
    ],
    [
      "whose answer is lost: the result is found in the table",
      { fault: "lost-answer", operation: "lambda:Invoke", count: 1 },
      ["ok"],
      1,
    ],
    [
      "that are cut off on their way",
      { fault: "reset-before", operation: "lambda:Invoke", count: 1 },
      ["executor-lost", "ok"],
      1,
    ],
    ["delivered twice", { fault: "duplicate", operation: "lambda:Invoke", count: 1 }, ["ok"], 2],
  ])("%s", async (_, rule, kinds, executions) => {
    const fallen = await amid(rule, onLambda);
    expect(fallen.outcome).toMatchObject({ kind: "ok", value: salt });
    expect(fallen.kinds).toEqual(kinds);
    // A second delivery may come after the answer to the first.
    await eventually(() => linesOf(salt).length >= executions, 5_000, `execution ${executions}`);
    expect(linesOf(salt)).toHaveLength(executions);
  });

  test("of DynamoDB and S3 that come too fast, or fail, are tried again and never seen", async () => {
    for (const fault of ["throttle", "server-error"] as const) {
      const fallen = await amid({ fault, operation: ["dynamodb:*", "s3:*"], rate: 0.2 }, onLambda);
      expect(fallen.kinds).toEqual(["ok"]);
    }
  });
});

describe("functions that die, in Lambda's words", () => {
  test("after they have committed: the result is found in the table", async () => {
    const rule: FaultRule = {
      fault: "function-error",
      operation: "lambda:Invoke",
      death: "killed",
      ran: true,
      count: 1,
    };
    const fallen = await amid(rule, onLambda);
    expect(fallen.kinds).toEqual(["ok"]);
    expect(fallen.executions).toHaveLength(1);
  });

  test.each<[FunctionDeath, string]>([
    ["out-of-memory", "out-of-memory"],
    ["killed", "out-of-memory"],
    ["thrashing", "out-of-memory"],
    ["exit-1", "executor-lost"],
    ["exit-137", "executor-lost"],
    ["native-crash", "executor-lost"],
    ["no-reason", "executor-lost"],
    ["timeout", "timeout"],
    ["timeout-without-type", "timeout"],
  ])("%s", async (death, kind) => {
    const rule: FaultRule = { fault: "function-error", operation: "lambda:Invoke", death, count: 1 };
    const fallen = await amid(rule, onLambda);
    expect(fallen.kinds).toEqual([kind, "ok"]);
    const [first, last] = fallen.outcome.attempts;
    if (kind === "out-of-memory") expect(last.memoryMb).toBeGreaterThan(first.memoryMb ?? 0);
    if (kind === "timeout") expect(last.lane).toMatch(/^fargate/);
  });
});

describe("ECS tasks", () => {
  test.each<[string, FaultRule, RegExp]>([
    ["without capacity", { fault: "capacity-unavailable", count: 1 }, /Capacity is unavailable/],
    [
      "that fail to start, with an empty list of containers",
      { fault: "start-failure", count: 1 },
      /ResourceInitializationError/,
    ],
  ])("%s are started again, at no task's expense", async (_, rule, words) => {
    const told: string[] = [];
    await using own = open((event) => {
      if (event.type === "notice") told.push(event.text);
    });
    const fallen = await amid(rule, onSpot, 50, own);
    expect(fallen.kinds).toEqual(["ok"]);
    expect(told.join("\n")).toMatch(words);
  });

  test("that are out of memory in ECS's words go on at the next size", async () => {
    await using own = open();
    const fallen = await amid({ fault: "out-of-memory", afterMs: 3_000, exitCode: 0, count: 1 }, onSpot, 4_000, own);
    expect(fallen.kinds).toEqual(["out-of-memory", "ok"]);
    expect(fallen.outcome.attempts.map(({ memoryMb }) => memoryMb)).toEqual([512, 1_024]);
  });

  test.each<[string, FaultRule]>([
    ["shown as stopped while they run", { fault: "stopped-while-running", count: 1 }],
    ["that DescribeTasks does not know", { fault: "missing", count: 1 }],
  ])("%s report all the same", async (_, rule) => {
    await using own = open();
    const fallen = await amid(rule, onSpot, 1_500, own);
    expect(fallen.outcome).toMatchObject({ kind: "ok", value: salt });
    expect(fallen.kinds).toEqual(["ok"]);
  });

  test("evicted in their middle go on from the state saved when notice came; after three times On-Demand", async () => {
    await using own = open();
    const rule = { fault: "spot-interruption", afterMs: 2_000, noticeMs: 500 } as const;
    const fallen = await amid(rule, steps, 200, own);
    const { attempts } = fallen.outcome;
    expect(new Set(fallen.kinds.slice(0, -1))).toEqual(new Set(["spot-interruption"]));
    expect(attempts.at(-1)).toMatchObject({ kind: "ok", lane: expect.not.stringContaining("spot") });
    // Each step once, plus at most the one that each eviction interrupted.
    expect(new Set(fallen.executions).size).toBe(STEPS);
    expect(fallen.executions.length).toBeLessThanOrEqual(STEPS + attempts.length - 1);
  });

  test("are asked for in tens", async () => {
    await using own = open(false, 25);
    await using _faults = await localAws.faults.set({ rules: [{ fault: "capacity-unavailable" }] });
    await localAws.resetCounts();
    const log = logOf(++salt);
    const run = own.start(Array.from({ length: 25 }, (_, n) => onSpot({ log, ms: n, salt })));
    const asked = async () => (await localAws.counts()).operations["ecs:RunTask"]?.requests ?? 0;
    while ((await asked()) < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    await run.cancel();
    expect(await asked()).toBe(3);
  });

  test("whose code is gone fail, and say what is missing", async () => {
    await using own = open();
    await amid({ fault: "latency", delayMs: 0 }, onLambda, 10, own);
    const s3 = new S3Client({});
    const Bucket = thisStack().outputs.BucketName;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "bundles/" }));
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const fallen = await amid({ fault: "latency", delayMs: 0 }, onDemand, 10, own);
    expect(fallen.outcome.kind).toBe("start-failed");
    expect(fallen.outcome.attempts[0].seen).toMatch(/bundle/);
    expect(fallen.executions).toEqual([]);
  });

  test("whose image cannot be pulled fail with AWS's words", async () => {
    await using own = open();
    const fallen = await amid({ fault: "image-pull-failure" }, onDemand, 50, own);
    expect(fallen.kinds).toEqual(["start-failed"]);
    expect(fallen.outcome.attempts[0].seen).toContain("CannotPullContainerError");
    expect(fallen.executions).toEqual([]);
  });
});
