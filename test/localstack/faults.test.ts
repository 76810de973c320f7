import { CreateClusterCommand, DescribeTasksCommand, type ECSClient, StopTaskCommand } from "@aws-sdk/client-ecs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EcsError } from "../../localstack/ecs/ecs-error.ts";
import type { EcsFaults } from "../../localstack/ecs/faults.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { CLUSTER, ecsClient, register, run, until, untilStatus } from "./ecs-helpers.ts";

const SLEEP = "setInterval(() => {}, 1000)";

let faults: EcsFaults = {};
let localAws: LocalAws;
let client: ECSClient;
let sleeper: string;

beforeAll(async () => {
  // Each test sets its own faults, so the stand-in asks through these.
  localAws = await startLocalAws({
    ecs: {
      startDelayMs: 0,
      stopTimeoutScale: 0.01,
      faults: {
        onCall: (action, input) => faults.onCall?.(action, input),
        onPlace: (plan, input, capacity) => faults.onPlace?.(plan, input, capacity),
        onStart: (task) => faults.onStart?.(task),
        onRunning: (task, control) => faults.onRunning?.(task, control),
        onDescribe: (task) => faults.onDescribe?.(task) ?? task,
      },
    },
  });
  client = ecsClient(localAws);
  await client.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  sleeper = await register(client, "sleeper", SLEEP);
});

afterAll(async () => {
  client?.destroy();
  await localAws?.stop();
});

const start = async (): Promise<string> => (await run(client, sleeper)).tasks![0]!.taskArn!;

describe("a fault", () => {
  it("can throttle a call", async () => {
    faults = {
      onCall: (action) =>
        action === "DescribeTasks" ? new EcsError("ThrottlingException", "Rate exceeded") : undefined,
    };
    const command = new DescribeTasksCommand({ cluster: CLUSTER, tasks: ["one"] });
    await expect(client.send(command)).rejects.toMatchObject({
      name: "ThrottlingException",
      message: "Rate exceeded",
    });
  });

  it("can leave no capacity for some", async () => {
    const reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    let calls = 0;
    faults = { onPlace: () => (calls++ === 0 ? reason : undefined) };
    const { tasks, failures } = await run(client, sleeper, { count: 2 });
    expect(tasks).toHaveLength(1);
    expect(failures).toEqual([{ reason }]);
    localAws.ecs.kill(tasks![0]!.taskArn!);
  });

  it("can keep one from starting, without containers", async () => {
    const stoppedReason = "CannotPullContainerError: ref pull has been retried 1 time(s)";
    faults = { onStart: () => ({ stoppedReason, withoutContainers: true }) };
    expect(await untilStatus(client, await start(), "STOPPED")).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason,
      containers: [],
    });
  });

  it("can interrupt a Spot one", async () => {
    faults = { onRunning: (_, control) => control.stop("SpotInterruption", "Your Spot Task was interrupted.") };
    expect(await untilStatus(client, await start(), "STOPPED")).toMatchObject({
      stopCode: "SpotInterruption",
      stoppedReason: "Your Spot Task was interrupted.",
      containers: [{ exitCode: 143 }],
    });
  });

  it("can crash one", async () => {
    faults = { onRunning: (_, control) => control.kill() };
    const { stopCode, containers } = await untilStatus(client, await start(), "STOPPED");
    expect([stopCode, containers![0]!.exitCode, containers![0]!.reason]).toEqual([
      "EssentialContainerExited",
      137,
      undefined,
    ]);
  });

  it("can show one as stopped that still runs", async () => {
    faults = { onDescribe: (task) => ({ ...task, lastStatus: "STOPPED", stopCode: "EssentialContainerExited" }) };
    const taskArn = await start();
    expect((await untilStatus(client, taskArn, "STOPPED")).stopCode).toBe("EssentialContainerExited");
    const truth = await until(() =>
      localAws.ecs.tasks().find((task) => task.taskArn === taskArn && task.lastStatus === "RUNNING"),
    );
    expect(truth.desiredStatus).toBe("RUNNING");
    localAws.ecs.stopTask(taskArn, "UserInitiated", "end of the test");
  });
});

describe("an ECS task that waits for its start", () => {
  it("can be stopped before", async () => {
    await using slow = await startLocalAws({ endpoint: localAws.endpoint, ecs: { startDelayMs: 600_000 } });
    const slowClient = ecsClient(slow);
    const { tasks } = await run(slowClient, sleeper);
    const task = tasks![0]!.taskArn!;
    await slowClient.send(new StopTaskCommand({ cluster: CLUSTER, task }));
    const stopped = await untilStatus(slowClient, task, "STOPPED");
    expect(stopped).toMatchObject({ stopCode: "UserInitiated" });
    expect(stopped.containers![0]!.exitCode).toBeUndefined();
  });
});
