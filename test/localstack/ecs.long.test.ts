import {
  CreateClusterCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  ListTagsForResourceCommand,
  ListTasksCommand,
  StartTaskCommand,
  StopTaskCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { CLUSTER, describeTask, ecsClient, register, run, until, untilStatus } from "./ecs-helpers.ts";
import { isAlive } from "./processes.ts";

const SLEEP = "setInterval(() => {}, 1000)";
const GPU_PROVIDER = "gpu-t4";

let localAws: LocalAws;
let client: ECSClient;
let sleeper: string;
let gpuDefinition: string;

beforeAll(async () => {
  localAws = await startLocalAws({
    ecs: {
      startDelayMs: 10,
      stopTimeoutScale: 0.05,
      capacityProviders: [
        { name: GPU_PROVIDER, instances: [{ type: "g4dn.xlarge", vcpus: 4, memoryMb: 15_000, gpus: 1, count: 2 }] },
      ],
    },
  });
  client = ecsClient(localAws);
  await client.send(new CreateClusterCommand({ clusterName: CLUSTER, capacityProviders: ["FARGATE", "FARGATE_SPOT"] }));
  sleeper = await register(client, "sleeper", SLEEP);
  gpuDefinition = await register(
    client,
    "gpu",
    `console.log("gpus", process.env.NVIDIA_VISIBLE_DEVICES); ${SLEEP}`,
    { memory: 1000, resourceRequirements: [{ type: "GPU", value: "1" }] },
    { requiresCompatibilities: ["EC2"], networkMode: "bridge", cpu: undefined, memory: undefined },
  );
});

afterAll(async () => {
  client?.destroy();
  await localAws?.stop();
});

describe("an ECS task's life", () => {
  it("runs the definition's command with overrides, and tells how it ended", async () => {
    const definition = await register(client, "env", "console.log(process.env.A, process.env.B, process.argv[1])", {
      environment: [
        { name: "A", value: "definition" },
        { name: "B", value: "definition" },
      ],
    });
    const { tasks, failures } = await run(client, definition, {
      startedBy: "run-1",
      overrides: {
        cpu: "1024",
        memory: "4096",
        containerOverrides: [
          {
            name: "main",
            environment: [{ name: "B", value: "override" }],
            command: ["console.log(process.env.A, process.env.B, process.argv[1])", "argument"],
          },
        ],
      },
    });
    expect(failures).toEqual([]);
    expect(tasks).toHaveLength(1);
    const [{ taskArn, ...created }] = tasks as [{ taskArn: string } & object];
    expect(taskArn).toMatch(/^arn:aws:ecs:us-east-1:000000000000:task\/lab\/[0-9a-f]{32}$/);
    expect(created).toMatchObject({
      lastStatus: "PROVISIONING",
      desiredStatus: "RUNNING",
      launchType: "FARGATE",
      cpu: "1024",
      memory: "4096",
      group: "family:env",
      startedBy: "run-1",
      createdAt: expect.any(Date),
    });

    const stopped = await untilStatus(client, taskArn, "STOPPED");
    expect(stopped).toMatchObject({
      desiredStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      containers: [{ name: "main", image: "node:22", lastStatus: "STOPPED", exitCode: 0 }],
      startedAt: expect.any(Date),
      stoppedAt: expect.any(Date),
    });
    expect(localAws.ecs.lines(taskArn).map(({ text }) => text)).toEqual(["definition override argument"]);
  });

  it("gives the exit code of a failure and of a signal", async () => {
    const [failed, crashed] = await Promise.all([
      register(client, "exit-3", "process.exit(3)"),
      register(client, "abort", "process.kill(process.pid, 'SIGABRT')"),
    ]);
    const codes = await Promise.all(
      [failed, crashed].map(async (definition) => {
        const { tasks } = await run(client, definition);
        const { containers } = await untilStatus(client, tasks![0]!.taskArn!, "STOPPED");
        return containers![0]!.exitCode;
      }),
    );
    expect(codes).toEqual([3, 134]);
  });

  it("kills what exceeds its memory, in AWS's words, its children included", async () => {
    const hog = "const held = []; setInterval(() => held.push(Buffer.alloc(32 * 1024 * 1024, 1)), 5)";
    const definition = await register(
      client,
      "hog",
      // The parent stays small: only together with its child does it exceed the limit.
      `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(hog)}], { detached: true }); ${SLEEP}`,
    );
    const { tasks } = await run(client, definition);
    expect(await untilStatus(client, tasks![0]!.taskArn!, "STOPPED")).toMatchObject({
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      containers: [{ exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" }],
    });
  });

  it("ends with TaskFailedToStart where the command is not there", async () => {
    const definition = await register(client, "no-command", "", { entryPoint: ["no-such-command"], command: [] });
    const { tasks } = await run(client, definition);
    const stopped = await untilStatus(client, tasks![0]!.taskArn!, "STOPPED");
    expect(stopped).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: expect.stringContaining("CannotStartContainerError"),
    });
    expect(stopped.containers![0]!.exitCode).toBeUndefined();
    expect(stopped.startedAt).toBeUndefined();
  });

  it("stops all containers when an essential one ends", async () => {
    const definition = await register(
      client,
      "sidecar",
      "",
      {},
      {
        containerDefinitions: [
          { name: "main", image: "node:22", entryPoint: ["node", "-e"], command: ["process.exit(0)"] },
          { name: "side", image: "node:22", essential: false, entryPoint: ["node", "-e"], command: [SLEEP] },
        ],
      },
    );
    const { tasks } = await run(client, definition);
    const { containers } = await untilStatus(client, tasks![0]!.taskArn!, "STOPPED");
    expect(containers!.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ["main", 0],
      ["side", 143],
    ]);
  });
});

describe("StopTask", () => {
  it("lets a container end on SIGTERM", async () => {
    const definition = await register(
      client,
      "graceful",
      `process.on("SIGTERM", () => process.exit(7)); console.log("ready"); ${SLEEP}`,
      // Long: the process ends by itself well before.
      { stopTimeout: 120 },
    );
    const { tasks } = await run(client, definition);
    const taskArn = tasks![0]!.taskArn!;
    await until(() => localAws.ecs.lines(taskArn)[0]);
    const { task } = await client.send(new StopTaskCommand({ cluster: CLUSTER, task: taskArn, reason: "no longer" }));
    expect(task).toMatchObject({ desiredStatus: "STOPPED", stopCode: "UserInitiated" });
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stopCode: "UserInitiated",
      stoppedReason: "no longer",
      containers: [{ exitCode: 7 }],
    });
  });

  it("kills what ignores SIGTERM, and what changed its session", async () => {
    const definition = await register(
      client,
      "stubborn",
      `process.on("SIGTERM", () => {});
       const child = require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
       child.unref(); console.log(child.pid); ${SLEEP}`,
      { stopTimeout: 6 },
    );
    const { tasks } = await run(client, definition);
    const taskArn = tasks![0]!.taskArn!;
    const line = await until(() => localAws.ecs.lines(taskArn)[0]);
    await client.send(new StopTaskCommand({ cluster: CLUSTER, task: taskArn }));
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stoppedReason: "Task stopped by user",
      containers: [{ exitCode: 137 }],
    });
    expect(isAlive(Number(line.text))).toBe(false);
  });

  it("refuses an ECS task that is not there", async () => {
    await expect(client.send(new StopTaskCommand({ cluster: CLUSTER, task: "0".repeat(32) }))).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: "The referenced task was not found.",
    });
  });
});

describe("RunTask", () => {
  it("starts as many as asked, one call for one client token", async () => {
    const input = { count: 3, clientToken: "token-1", tags: [{ key: "lab", value: "one" }] };
    const [first, again] = await Promise.all([run(client, sleeper, input), run(client, sleeper, input)]);
    const arns = first.tasks!.map(({ taskArn }) => taskArn!);
    expect(new Set(arns).size).toBe(3);
    expect(again.tasks!.map(({ taskArn }) => taskArn)).toEqual(arns);
    await expect(run(client, sleeper, { ...input, count: 2 })).rejects.toMatchObject({
      name: "ConflictException",
      resourceIds: arns,
    });
    await stopAll(arns);
  });

  it.each([
    ["no network", { networkConfiguration: undefined }, /^Network Configuration must be provided/],
    ["no subnets", { networkConfiguration: { awsvpcConfiguration: { subnets: [] } } }, /^subnets can not be empty/],
    ["an impossible size", { overrides: { cpu: "256", memory: "4096" } }, /^No Fargate configuration exists for given/],
    ["a memory above the task's", oversized(), /^'memory' setting for container 'main' is greater than for task/],
    [
      "another container",
      { overrides: { containerOverrides: [{ name: "other" }] } },
      /^Override for container named other/,
    ],
    ["too many", { count: 11 }, /^count must be between 1 and 10/],
    [
      "both launch type and strategy",
      { capacityProviderStrategy: [{ capacityProvider: "FARGATE" }] },
      /^Specifying both/,
    ],
    [
      "a provider of another cluster",
      { launchType: undefined, capacityProviderStrategy: [{ capacityProvider: "other" }] },
      /not associated with the cluster/,
    ],
    ["a launch type that the definition lacks", { launchType: "EC2" as const }, /does not support launch_type EC2/],
    ["no such cluster", { cluster: "other" }, /^Cluster not found/],
    ["no such definition", { taskDefinition: "other" }, /^TaskDefinition not found/],
  ])("refuses %s", async (_, input, message) => {
    await expect(run(client, sleeper, input)).rejects.toMatchObject({
      name: expect.stringMatching(/^(ClientException|InvalidParameterException|ClusterNotFoundException)$/),
      message: expect.stringMatching(message),
    });
  });

  it("spreads over capacity providers, base first", async () => {
    const { tasks } = await run(client, sleeper, {
      launchType: undefined,
      count: 5,
      capacityProviderStrategy: [
        { capacityProvider: "FARGATE", base: 1, weight: 1 },
        { capacityProvider: "FARGATE_SPOT", weight: 3 },
      ],
    });
    const names = tasks!.map(({ capacityProviderName }) => capacityProviderName);
    expect(names.filter((name) => name === "FARGATE_SPOT")).toHaveLength(3);
    expect(tasks!.every(({ launchType }) => launchType === "FARGATE")).toBe(true);
    await stopAll(tasks!.map(({ taskArn }) => taskArn!));
  });

  it("gives each GPU once, says RESOURCE:GPU beyond, and takes it back on stop", async () => {
    const strategy = {
      launchType: undefined,
      networkConfiguration: undefined,
      capacityProviderStrategy: [{ capacityProvider: GPU_PROVIDER }],
    };
    const { tasks, failures } = await run(client, gpuDefinition, { ...strategy, count: 3 });
    expect(failures).toEqual([{ arn: expect.stringContaining(":container-instance/lab/"), reason: "RESOURCE:GPU" }]);
    const ids = tasks!.map(({ containers }) => containers![0]!.gpuIds!);
    expect(new Set(ids.flat()).size).toBe(2);
    const arns = tasks!.map(({ taskArn }) => taskArn!);
    const line = await until(() => localAws.ecs.lines(arns[0]!)[0]);
    expect(line.text).toBe(`gpus ${ids[0]![0]}`);

    await stopAll(arns.slice(0, 1));
    const again = await run(client, gpuDefinition, { ...strategy, count: 1 });
    expect(again.failures).toEqual([]);
    await stopAll([arns[1]!, again.tasks![0]!.taskArn!]);
  });
});

describe("watching", () => {
  it("describes in hundreds, lists by filter and page, and counts in the cluster", async () => {
    const { tasks } = await run(client, sleeper, { count: 3, startedBy: "watched" });
    const arns = tasks!.map(({ taskArn }) => taskArn!);
    await Promise.all(arns.map((taskArn) => untilStatus(client, taskArn, "RUNNING")));

    const missing = "f".repeat(32);
    const described = await client.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: [...arns, missing] }));
    expect(described.tasks!.map(({ taskArn }) => taskArn)).toEqual(arns);
    expect(described.failures).toEqual([
      { arn: `arn:aws:ecs:us-east-1:000000000000:task/lab/${missing}`, reason: "MISSING" },
    ]);
    const tooMany = new DescribeTasksCommand({ cluster: CLUSTER, tasks: Array.from({ length: 101 }, () => missing) });
    await expect(client.send(tooMany)).rejects.toMatchObject({ name: "InvalidParameterException" });

    const filter = { cluster: CLUSTER, startedBy: "watched", maxResults: 2 };
    const page = await client.send(new ListTasksCommand(filter));
    const rest = await client.send(new ListTasksCommand({ ...filter, nextToken: page.nextToken }));
    expect([...page.taskArns!, ...rest.taskArns!]).toEqual(arns);
    expect(rest.nextToken).toBeUndefined();
    const { taskArns } = await client.send(new ListTasksCommand({ cluster: CLUSTER, startedBy: "nobody" }));
    expect(taskArns).toEqual([]);

    const { clusters } = await client.send(new DescribeClustersCommand({ clusters: [CLUSTER] }));
    expect(clusters![0]).toMatchObject({ runningTasksCount: 3, registeredContainerInstancesCount: 2 });
    await stopAll(arns);
  });

  it("keeps tags", async () => {
    const { tasks } = await run(client, sleeper, { tags: [{ key: "a", value: "1" }] });
    const resourceArn = tasks![0]!.taskArn!;
    await client.send(new TagResourceCommand({ resourceArn, tags: [{ key: "b", value: "2" }] }));
    await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ["a"] }));
    const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual([{ key: "b", value: "2" }]);
    expect((await describeTask(client, resourceArn)).tags).toEqual([]);
    await stopAll([resourceArn]);
  });

  it("tells a container who it is", async () => {
    const definition = await register(
      client,
      "metadata",
      `(async () => {
         const uri = process.env.ECS_CONTAINER_METADATA_URI_V4;
         const [container, task, stats] = await Promise.all(
           ["", "/task", "/stats"].map(async (path) => (await fetch(uri + path)).json()));
         console.log(JSON.stringify({ container, task, stats, region: process.env.AWS_REGION }));
       })()`,
    );
    const { tasks } = await run(client, definition);
    const taskArn = tasks![0]!.taskArn!;
    const line = await until(() => localAws.ecs.lines(taskArn)[0]);
    expect(JSON.parse(line.text)).toMatchObject({
      region: "us-east-1",
      container: { Name: "main", Image: "node:22", KnownStatus: "RUNNING", ContainerARN: expect.any(String) },
      task: {
        Cluster: "arn:aws:ecs:us-east-1:000000000000:cluster/lab",
        TaskARN: taskArn,
        Family: "metadata",
        Limits: { CPU: 0.25, Memory: 512 },
        LaunchType: "FARGATE",
        Containers: [{ Name: "main" }],
      },
      stats: { memory_stats: { limit: 512 * 1024 * 1024, usage: expect.any(Number) } },
    });
    await untilStatus(client, taskArn, "STOPPED");
  });

  it("brings what containers write to CloudWatch Logs", async () => {
    const definition = await register(client, "logging", "console.log('to the log group')", {
      logConfiguration: {
        logDriver: "awslogs",
        options: { "awslogs-group": "lab-logs", "awslogs-stream-prefix": "ecs", "awslogs-create-group": "true" },
      },
    });
    const { tasks } = await run(client, definition);
    const taskId = tasks![0]!.taskArn!.split("/").pop();
    const messages = await until(() => logMessages("lab-logs", `ecs/main/${taskId}`));
    expect(messages).toEqual(["to the log group"]);
  });
});

describe("other actions", () => {
  it("passes on to the emulator what is the emulator's", async () => {
    const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: "sleeper" }));
    expect(taskDefinition).toMatchObject({ family: "sleeper", taskDefinitionArn: sleeper });
  });

  it("fails by name at an action that neither knows", async () => {
    const start = new StartTaskCommand({ cluster: CLUSTER, taskDefinition: sleeper, containerInstances: ["i"] });
    await expect(client.send(start)).rejects.toMatchObject({
      name: "InvalidAction",
      message: expect.stringContaining("knows the action StartTask"),
    });
  });
});

function oversized() {
  return { overrides: { containerOverrides: [{ name: "main", memory: 1024 }] } };
}

async function stopAll(taskArns: readonly string[]): Promise<void> {
  await Promise.all(taskArns.map((task) => client.send(new StopTaskCommand({ cluster: CLUSTER, task }))));
  await Promise.all(taskArns.map((taskArn) => untilStatus(client, taskArn, "STOPPED")));
}

async function logMessages(logGroupName: string, logStreamName: string): Promise<string[] | undefined> {
  const response = await fetch(localAws.endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "Logs_20140328.GetLogEvents",
      authorization: "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request",
    },
    body: JSON.stringify({ logGroupName, logStreamName }),
  });
  const { events = [] } = (await response.json()) as { events?: { message: string }[] };
  return events.length === 0 ? undefined : events.map(({ message }) => message);
}
