import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateClusterCommand, DescribeTasksCommand, type ECSClient, ListClustersCommand } from "@aws-sdk/client-ecs";
import {
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
} from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FaultPlan, type FaultRule, FUNCTION_DEATHS, type FunctionDeath } from "../../localstack/faults/rules.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { classifyInvokeError, classifyLambdaError } from "../../sdk/core/classify-lambda.ts";
import { CLUSTER, ecsClient, until } from "./ecs-helpers.ts";
import { zipOf } from "./zip.ts";

/** Leaves a mark for each time that it runs, and takes as long as it is told. */
const HANDLER = `
  import { appendFileSync } from "node:fs";
  export const handler = async ({ file, ms = 0, answerBytes = 0, fails = false }, context) => {
    appendFileSync(file, "x");
    if (fails) throw new Error("told to");
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { ran: true, filler: "y".repeat(answerBytes) };
  };`;

/** What the classifier is to make of each death. */
const KINDS: Readonly<Record<FunctionDeath, string>> = {
  "out-of-memory": "out-of-memory",
  killed: "out-of-memory",
  "exit-1": "executor-lost",
  "exit-137": "executor-lost",
  "native-crash": "executor-lost",
  "no-reason": "executor-lost",
  timeout: "timeout",
  "timeout-without-type": "timeout",
  thrashing: "out-of-memory",
  "marshal-error": "user-error",
};

let localAws: LocalAws;
let lambda: LambdaClient;
let dynamo: DynamoDBClient;
let s3: S3Client;
let ecs: ECSClient;
let cloudFormation: CloudFormationClient;
let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "stratolab-proxy-"));
  localAws = await startLocalAws();
  const config = {
    endpoint: localAws.endpoint,
    region: localAws.region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  };
  lambda = new LambdaClient(config);
  dynamo = new DynamoDBClient(config);
  s3 = new S3Client({ ...config, forcePathStyle: true });
  cloudFormation = new CloudFormationClient(config);
  ecs = ecsClient(localAws);
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: "marker",
      Runtime: "nodejs22.x",
      Role: "arn:aws:iam::000000000000:role/marker",
      Handler: "index.handler",
      Code: { ZipFile: zipOf("index.mjs", HANDLER) },
      Timeout: 30,
    }),
  );
  await dynamo.send(
    new CreateTableCommand({
      TableName: "table",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    }),
  );
  await s3.send(new CreateBucketCommand({ Bucket: "bucket" }));
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
});
afterAll(async () => {
  for (const client of [lambda, dynamo, s3, ecs, cloudFormation]) client?.destroy();
  await localAws?.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async ({ task }) => {
  file = path.join(folder, task.id);
  await localAws.resetCounts();
});
afterEach(() => localAws.faults.clear());

const set = (rules: readonly FaultRule[], plan: FaultPlan = {}) => localAws.faults.set({ seed: 1, ...plan, rules });
const invoke = (input: object = {}, options: object = {}) =>
  lambda.send(
    new InvokeCommand({
      FunctionName: "marker",
      LogType: "Tail",
      Payload: JSON.stringify({ file, ...input }),
      ...options,
    }),
  );
const put = (pk: string) => dynamo.send(new PutItemCommand({ TableName: "table", Item: { pk: { S: pk } } }));
const timesRun = async (): Promise<number> => (await readFile(file, "utf8").catch(() => "")).length;
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  );

describe("without faults", () => {
  it("passes everything on, and counts it by operation and task", async () => {
    const clientContext = Buffer.from(JSON.stringify({ custom: { tasks: ["fit", "score"] } })).toString("base64");
    const { Payload } = await invoke({}, { ClientContext: clientContext });
    expect(JSON.parse(Payload!.transformToString())).toMatchObject({ ran: true });
    await put("one");
    const Body = Buffer.alloc(3_000_000, 7);
    await s3.send(new PutObjectCommand({ Bucket: "bucket", Key: "a/b", Body }));
    const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: "bucket", Key: "a/b" }));
    expect(Buffer.from(await body!.transformToByteArray()).equals(Body)).toBe(true);
    expect((await s3.send(new HeadObjectCommand({ Bucket: "bucket", Key: "a/b" }))).ContentLength).toBe(3_000_000);
    await ecs.send(new ListClustersCommand({}));
    await failureOf(cloudFormation.send(new DescribeStacksCommand({ StackName: "none" })));

    const { requests, operations, tasks } = await localAws.counts();
    expect(requests).toBe(7);
    expect(Object.entries(operations).map(([name, { requests, failed }]) => [name, requests, failed])).toEqual([
      ["cloudformation:DescribeStacks", 1, 1],
      ["dynamodb:PutItem", 1, 0],
      ["ecs:ListClusters", 1, 0],
      ["lambda:Invoke", 1, 0],
      ["s3:GetObject", 1, 0],
      ["s3:HeadObject", 1, 0],
      ["s3:PutObject", 1, 0],
    ]);
    expect(operations["lambda:Invoke"]).toMatchObject({ delivered: 1, fromExecutors: 0, faults: {} });
    expect(tasks).toEqual({ fit: { "lambda:Invoke": 1 }, score: { "lambda:Invoke": 1 } });
  });
});

describe("a throttle is told in each service's own words", () => {
  it("by Lambda", async () => {
    await set([{ fault: "throttle", operation: "lambda:*", reason: "CallerRateLimitExceeded" }]);
    const error = await failureOf(invoke());
    expect(error).toMatchObject({
      name: "TooManyRequestsException",
      message: "Rate Exceeded.",
      Reason: "CallerRateLimitExceeded",
      retryAfterSeconds: "1",
      $metadata: { httpStatusCode: 429 },
    });
    expect(classifyInvokeError({ ...error, name: error.name, message: error.message })).toMatchObject({
      kind: "throttled",
      mayHaveRun: false,
    });
    expect(await timesRun()).toBe(0);
  });

  it("by DynamoDB", async () => {
    await set([{ fault: "throttle", operation: "dynamodb:PutItem", resource: "table" }]);
    expect(await failureOf(put("one"))).toMatchObject({
      name: "ThrottlingException",
      message: expect.stringMatching(/^Throughput exceeds the current capacity/),
      $metadata: { httpStatusCode: 400 },
    });
    await dynamo.send(new GetItemCommand({ TableName: "table", Key: { pk: { S: "one" } } }));
  });

  it("by S3, also where an answer has no body", async () => {
    await set([{ fault: "throttle", operation: ["s3:PutObject", "s3:Head*"] }]);
    expect(await failureOf(s3.send(new PutObjectCommand({ Bucket: "bucket", Key: "x", Body: "x" })))).toMatchObject({
      name: "SlowDown",
      message: "Please reduce your request rate.",
      $metadata: { httpStatusCode: 503 },
    });
    const head = await failureOf(s3.send(new HeadObjectCommand({ Bucket: "bucket", Key: "x" })));
    expect(head.$metadata.httpStatusCode).toBe(503);
  });

  it("by ECS, plainly and hidden in another exception's text", async () => {
    const describeTasks = () => ecs.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: ["one"] }));
    await set([
      { fault: "throttle", operation: "ecs:DescribeTasks", nth: 1 },
      { fault: "throttle", operation: "ecs:DescribeTasks", nth: 2, hidden: true },
    ]);
    expect(await failureOf(describeTasks())).toMatchObject({ name: "ThrottlingException", message: "Rate exceeded" });
    expect(await failureOf(describeTasks())).toMatchObject({
      name: "ClientException",
      message: expect.stringContaining("ThrottlingException: Rate exceeded"),
    });
    expect((await describeTasks()).failures).toMatchObject([{ reason: "MISSING" }]);
  });

  it("by CloudFormation", async () => {
    await set([{ fault: "throttle", operation: "cloudformation:*" }]);
    expect(await failureOf(cloudFormation.send(new DescribeStacksCommand({})))).toMatchObject({
      name: "Throttling",
      message: "Rate exceeded",
    });
  });
});

describe("a server error is told in each service's own words", () => {
  it.each([
    [500, ["ServiceException", "InternalServerError", "InternalError", "ServerException"]],
    [503, ["ServiceUnavailableException", "ServiceUnavailable", "ServiceUnavailable", "ServiceUnavailable"]],
  ] as const)("%i", async (status, names) => {
    await set([{ fault: "server-error", status }]);
    const errors = await Promise.all(
      [
        invoke(),
        put("one"),
        s3.send(new PutObjectCommand({ Bucket: "bucket", Key: "x", Body: "x" })),
        ecs.send(new ListClustersCommand({})),
      ].map(failureOf),
    );
    expect(errors.map(({ name }) => name)).toEqual(names);
    expect(errors.map(({ $metadata }) => $metadata.httpStatusCode)).toEqual(Array(4).fill(status));
  });
});

describe("a connection", () => {
  it("breaks before the request arrives", async () => {
    await set([{ fault: "reset-before", operation: "lambda:Invoke", count: 1 }]);
    expect(await failureOf(invoke())).toMatchObject({ code: "ECONNRESET" });
    expect(await timesRun()).toBe(0);
    await invoke();
    expect(await timesRun()).toBe(1);
  });

  it("breaks after it ran, so that the answer is lost", async () => {
    await set([{ fault: "lost-answer", operation: "lambda:Invoke", nth: 2 }]);
    await invoke();
    const error = await failureOf(invoke());
    expect(error).toMatchObject({ code: "ECONNRESET" });
    expect(classifyInvokeError({ name: error.name, message: error.message }).mayHaveRun).toBe(true);
    expect(await timesRun()).toBe(2);
    expect((await localAws.counts()).operations["lambda:Invoke"]).toMatchObject({
      requests: 2,
      delivered: 2,
      failed: 1,
      faults: { "lost-answer": 1 },
    });
  });

  it("is slow", async () => {
    await set([{ fault: "latency", operation: "dynamodb:*", delayMs: 300, jitterMs: 50 }]);
    const start = performance.now();
    await put("one");
    expect(performance.now() - start).toBeGreaterThan(299);
  });

  it("delivers a request twice", async () => {
    await set([{ fault: "duplicate", operation: "lambda:Invoke", delayMs: 20 }]);
    expect((await invoke()).StatusCode).toBe(200);
    await until(async () => (await timesRun()) === 2 || undefined);
    expect((await localAws.counts()).operations["lambda:Invoke"]).toMatchObject({ requests: 1, delivered: 2 });
  });

  it("delivers a conditional write twice, and shows what the second found", async () => {
    const write = () =>
      dynamo.send(
        new PutItemCommand({
          TableName: "table",
          Item: { pk: { S: "once" } },
          ConditionExpression: "attribute_not_exists(pk)",
        }),
      );
    await set([{ fault: "duplicate", operation: "dynamodb:PutItem", delayMs: 50, answer: "second" }]);
    expect(await failureOf(write())).toMatchObject({ name: "ConditionalCheckFailedException" });
  });
});

describe("Lambda's limits", () => {
  it("refuse a payload of more than 6 MB, and of 1 MB for an asynchronous invocation", async () => {
    const error = await failureOf(invoke({ filler: "x".repeat(6_291_456) }));
    expect(error).toMatchObject({ name: "RequestTooLargeException", $metadata: { httpStatusCode: 413 } });
    expect(error.message).toBe("Request must be smaller than 6291456 bytes for the InvokeFunction operation");
    const later = invoke({ filler: "x".repeat(1_048_576) }, { InvocationType: "Event" });
    expect(await failureOf(later)).toMatchObject({ name: "RequestTooLargeException" });
    expect(await timesRun()).toBe(0);
  });

  it("refuse an answer of more than 6 MB", async () => {
    const { FunctionError, Payload } = await invoke({ answerBytes: 6_291_456 });
    expect(FunctionError).toBe("Unhandled");
    expect(JSON.parse(Payload!.transformToString())).toMatchObject({ errorType: "Function.ResponseSizeTooLarge" });
  });

  it("let events wait until the account has room for them, and refuse those of functions that there are not", async () => {
    await set([], { limits: { concurrentInvocations: 1 } });
    const busy = invoke({ ms: 700 });
    await until(async () => ((await timesRun()) === 1 ? true : undefined));
    const accepted = await Promise.all([1, 2].map(() => invoke({}, { InvocationType: "Event" })));
    expect(accepted.map(({ StatusCode }) => StatusCode)).toEqual([202, 202]);
    await busy;
    await until(async () => ((await timesRun()) === 3 ? true : undefined));
    const unknown = invoke({}, { InvocationType: "Event", FunctionName: "unknown" });
    expect(await failureOf(unknown)).toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("give an event again to a function that failed, as often as its configuration says", async () => {
    await invoke({ fails: true }, { InvocationType: "Event" });
    await until(async () => ((await timesRun()) === 3 ? true : undefined));
    await lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: "marker", MaximumRetryAttempts: 0 }));
    file += "-once";
    await invoke({ fails: true }, { InvocationType: "Event" });
    await until(async () => ((await timesRun()) === 1 ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await timesRun()).toBe(1);
  });

  it("refuse more invocations at once than the account may have", async () => {
    await set([], { limits: { concurrentInvocations: 2 } });
    const errors = await Promise.all(Array.from({ length: 5 }, () => failureOf(invoke({ ms: 500 }))));
    const refused = errors.filter((error) => error !== undefined);
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({
      name: "TooManyRequestsException",
      Reason: "ConcurrentInvocationLimitExceeded",
    });
    expect(await timesRun()).toBe(2);
  });
});

describe("a function's death", () => {
  it.each(FUNCTION_DEATHS.map((death) => [death, KINDS[death]] as const))("%s is taken for %s", async (death, kind) => {
    await set([{ fault: "function-error", death, ran: death === "killed" }]);
    const { StatusCode, FunctionError, Payload, LogResult } = await invoke();
    expect([StatusCode, FunctionError]).toEqual([200, "Unhandled"]);
    const logTail = Buffer.from(LogResult!, "base64").toString();
    expect(logTail).toMatch(/REPORT .*\tMemory Size: 512 MB\tMax Memory Used: \d+ MB/);
    expect(classifyLambdaError({ ...JSON.parse(Payload!.transformToString()), logTail }).kind).toBe(kind);
    expect(await timesRun()).toBe(death === "killed" ? 1 : 0);
  });
});

describe("a seed", () => {
  const storm = async (seed: number): Promise<string> => {
    await localAws.faults.set({
      seed,
      rules: [
        { fault: "throttle", operation: "dynamodb:*", rate: 0.3 },
        { fault: "lost-answer", operation: "dynamodb:*", rate: 0.2 },
      ],
    });
    let seen = "";
    for (let index = 0; index < 60; index += 1) {
      const error = await failureOf(put("seeded"));
      seen += error ? (error.name === "ThrottlingException" ? "T" : "L") : ".";
    }
    return seen;
  };

  it("gives the same faults again, and another one others", async () => {
    const first = await storm(7);
    expect(first).toMatch(/^(?=.*T)(?=.*L)(?=.*\.)/);
    expect(await storm(7)).toBe(first);
    expect(await storm(8)).not.toBe(first);
  });

  it("gives as many when requests overtake each other", async () => {
    const hits = async () => {
      await using faults = await set([{ fault: "throttle", operation: "dynamodb:PutItem", rate: 0.3 }]);
      await Promise.all(Array.from({ length: 50 }, () => failureOf(put("seeded"))));
      return (await faults.state()).rules[0]!.hits;
    };
    const first = await hits();
    expect(first).toBeGreaterThan(5);
    expect(await hits()).toBe(first);
    expect((await localAws.faults.list()).rules).toEqual([]);
  });
});
