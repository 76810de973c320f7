import {
  CreateClusterCommand,
  DescribeTasksCommand,
  type ECSClient,
  type RunTaskCommandInput,
} from "@aws-sdk/client-ecs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FaultRule, START_ERRORS } from "../../localstack/faults/rules.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { classifyEcsFailure, classifyEcsStop } from "../../sdk/core/classify-ecs.ts";
import { CLUSTER, describeTask, ecsClient, register, run, until, untilStatus } from "./ecs-helpers.ts";

const SLEEP = "setInterval(() => {}, 1000)";
/** Says that it heard SIGTERM, and goes on. */
const STUBBORN = `process.on("SIGTERM", () => console.log("heard")); console.log("ready"); ${SLEEP}`;

let localAws: LocalAws;
let client: ECSClient;
let sleeper: string;

beforeAll(async () => {
  localAws = await startLocalAws({
    ecs: {
      startDelayMs: 0,
      stopTimeoutScale: 0.005,
      capacityProviders: [
        { name: "gpu", instances: [{ type: "g4dn.xlarge", vcpus: 4, memoryMb: 15_000, gpus: 1, count: 9 }] },
      ],
    },
  });
  client = ecsClient(localAws);
  await client.send(new CreateClusterCommand({ clusterName: CLUSTER, capacityProviders: ["FARGATE", "FARGATE_SPOT"] }));
  sleeper = await register(client, "sleeper", SLEEP);
});
afterEach(async () => {
  await localAws.faults.clear();
  for (const { taskArn, lastStatus } of localAws.ecs.tasks()) {
    if (lastStatus !== "STOPPED") localAws.ecs.stopTask(taskArn, "UserInitiated", "end of the test");
  }
});
afterAll(async () => {
  client?.destroy();
  await localAws?.stop();
});

const set = (...rules: FaultRule[]) => localAws.faults.set({ seed: 1, rules });
const start = async (input: Partial<RunTaskCommandInput> = {}, definition = sleeper): Promise<string> =>
  (await run(client, definition, input)).tasks![0]!.taskArn!;
const SPOT: Partial<RunTaskCommandInput> = {
  launchType: undefined,
  capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }],
};
/** What the classifier makes of an ECS task's end. */
const kindOf = async (taskArn: string): Promise<string> => {
  const { stopCode, stoppedReason, containers, startedAt } = await untilStatus(client, taskArn, "STOPPED");
  return classifyEcsStop({ stopCode, stoppedReason, containers: containers ?? [], hadStarted: startedAt !== undefined })
    .kind;
};

describe("a Spot interruption", () => {
  it("gives its notice: SIGTERM, and SIGKILL when it is over", async () => {
    await set({ fault: "spot-interruption", afterMs: 200, noticeMs: 400 });
    const taskArn = await start(SPOT, await register(client, "stubborn", STUBBORN));
    await until(() => localAws.ecs.lines(taskArn).find(({ text }) => text === "heard"));
    const heardAt = performance.now();
    // Already with the notice, while it still runs, the reason can be seen.
    expect(await describeTask(client, taskArn)).toMatchObject({
      stopCode: "SpotInterruption",
      desiredStatus: "STOPPED",
    });
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stopCode: "SpotInterruption",
      stoppedReason: "Your Spot Task was interrupted.",
      containers: [{ exitCode: 137 }],
    });
    expect(performance.now() - heardAt).toBeGreaterThan(300);
    expect(await kindOf(taskArn)).toBe("spot-interruption");
  });

  it("hits the n-th on Spot, and none elsewhere", async () => {
    await using faults = await set({ fault: "spot-interruption", nth: 2 });
    const elsewhere = await start();
    const { tasks } = await run(client, sleeper, { ...SPOT, count: 3 });
    const arns = tasks!.map(({ taskArn }) => taskArn!);
    expect(await kindOf(arns[1]!)).toBe("spot-interruption");
    for (const taskArn of [elsewhere, arns[0]!, arns[2]!]) {
      expect((await untilStatus(client, taskArn, "RUNNING")).stopCode).toBeUndefined();
    }
    expect((await faults.state()).rules).toMatchObject([{ id: "spot-interruption-1", matched: 3, hits: 1 }]);
  });

  it("does not come any more once the plan is cleared", async () => {
    const faults = await set({ fault: "spot-interruption", afterMs: 300 });
    const taskArn = await start(SPOT);
    await untilStatus(client, taskArn, "RUNNING");
    await faults.clear();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await describeTask(client, taskArn)).lastStatus).toBe("RUNNING");
  });
});

describe("a kill", () => {
  it.each([137, 0] as const)("for want of memory is told with exit code %i", async (exitCode) => {
    await set({ fault: "out-of-memory", exitCode, memoryMb: 512, family: "sleep*" });
    const taskArn = await start();
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      containers: [{ exitCode, reason: "OutOfMemoryError: Container killed due to memory usage" }],
    });
    expect(await kindOf(taskArn)).toBe("out-of-memory");
  });

  it("for want of memory keeps to its size", async () => {
    await set({ fault: "out-of-memory", memoryMb: 1024 });
    const [small, large] = [await start(), await start({ overrides: { cpu: "256", memory: "1024" } })];
    expect(await kindOf(large)).toBe("out-of-memory");
    expect((await untilStatus(client, small, "RUNNING")).stopCode).toBeUndefined();
  });

  it("without a word leaves only the exit code", async () => {
    await set({ fault: "crash" });
    const { stopCode, containers } = await untilStatus(client, await start(), "STOPPED");
    expect([stopCode, containers![0]!.exitCode, containers![0]!.reason]).toEqual([
      "EssentialContainerExited",
      137,
      undefined,
    ]);
  });

  it("may come with a stop code that nobody documented", async () => {
    await set({ fault: "stop", stopCode: "SomethingNew", reason: "It happens." });
    expect(await untilStatus(client, await start(), "STOPPED")).toMatchObject({
      stopCode: "SomethingNew",
      stoppedReason: "It happens.",
    });
  });
});

describe("a start", () => {
  it.each(START_ERRORS)("fails with %s", async (error) => {
    await set({ fault: "start-failure", error });
    const taskArn = await start();
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: expect.stringMatching(/^[A-Z][A-Za-z]+Error: /),
      containers: [],
    });
    expect(await kindOf(taskArn)).toBe(error === "OutOfMemoryAtStart" ? "out-of-memory" : "start-failed");
  });

  it("fails for want of its image", async () => {
    await set({ fault: "image-pull-failure" });
    const taskArn = await start();
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason:
        'CannotPullContainerError: ref pull has been retried 1 time(s): failed to resolve reference "node:22": ' +
        "node:22: not found",
      containers: [{ name: "main" }],
    });
    expect(await kindOf(taskArn)).toBe("start-failed");
  });
});

describe("RunTask", () => {
  it("finds no capacity for some", async () => {
    await set({ fault: "capacity-unavailable", nth: [1, 3], capacityProvider: "FARGATE_SPOT" });
    const { tasks, failures } = await run(client, sleeper, { ...SPOT, count: 4 });
    const reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    expect(failures).toEqual([{ reason }, { reason }]);
    expect(tasks).toHaveLength(2);
    expect(classifyEcsFailure(failures![0]!).kind).toBe("throttled");
  });

  it("finds no GPU, for who asks for one", async () => {
    const gpu = await register(
      client,
      "gpu",
      SLEEP,
      { memory: 1000, resourceRequirements: [{ type: "GPU", value: "1" }] },
      { requiresCompatibilities: ["EC2"], networkMode: "bridge", cpu: undefined, memory: undefined },
    );
    await set({ fault: "resources-exhausted", count: 1 });
    expect((await run(client, sleeper)).failures).toEqual([]);
    const onGpu = {
      launchType: undefined,
      networkConfiguration: undefined,
      capacityProviderStrategy: [{ capacityProvider: "gpu" }],
    };
    expect((await run(client, gpu, onGpu)).failures).toEqual([{ reason: "RESOURCE:GPU" }]);
    expect((await run(client, gpu, onGpu)).failures).toEqual([]);
  });
});

describe("DescribeTasks", () => {
  it("shows one as stopped that still runs, for a while", async () => {
    await set({ fault: "stopped-while-running", forMs: 600 });
    const taskArn = await start();
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      containers: [{ exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" }],
    });
    const truth = localAws.ecs.tasks().find((task) => task.taskArn === taskArn);
    expect(truth).toMatchObject({ lastStatus: "RUNNING", desiredStatus: "RUNNING" });
    await untilStatus(client, taskArn, "RUNNING");
  });

  it("does not know one", async () => {
    await set({ fault: "missing", nth: 2 });
    const arns = [await start(), await start()];
    await until(() => (localAws.ecs.tasks().every(({ lastStatus }) => lastStatus !== "PENDING") ? true : undefined));
    const { tasks, failures } = await client.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: arns }));
    expect(tasks!.map(({ taskArn }) => taskArn)).toEqual([arns[0]]);
    expect(failures).toEqual([{ arn: arns[1], reason: "MISSING" }]);
  });
});

describe("a seed", () => {
  it("gives the same ECS tasks the same fate again", async () => {
    const fates = async () => {
      await localAws.faults.set({
        seed: 11,
        rules: [
          { fault: "capacity-unavailable", rate: 0.2 },
          { fault: "start-failure", rate: 0.5 },
        ],
      });
      const { tasks, failures } = await run(client, sleeper, { count: 10 });
      const kinds = await Promise.all(
        tasks!.map(async ({ taskArn }) => {
          const { stopCode } = await until(async () => {
            const task = await describeTask(client, taskArn!);
            return task.lastStatus === "RUNNING" || task.lastStatus === "STOPPED" ? task : undefined;
          });
          return stopCode ?? "runs";
        }),
      );
      return [failures!.length, ...kinds];
    };
    const first = await fates();
    expect(first).toContain("TaskFailedToStart");
    expect(first).toContain("runs");
    expect(await fates()).toEqual(first);
  });
});
