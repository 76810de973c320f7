import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { CreateClusterCommand } from "@aws-sdk/client-ecs";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootstrapAndDeploy } from "../../localstack/deploy.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { isHealthy } from "../../localstack/ministack.ts";
import { startProgram } from "./commands.ts";
import { CLUSTER, ecsClient, register, run, until, untilStatus } from "./ecs-helpers.ts";
import { isAlive } from "./processes.ts";

const TINY_APP = new URL("./tiny-app/", import.meta.url).pathname;

describe("a local AWS", () => {
  let localAws: LocalAws;

  beforeAll(async () => {
    const instance = { type: "g4dn.xlarge", vcpus: 4, memoryMb: 15_000, gpus: 1 };
    localAws = await startLocalAws({
      lambdaEnvironment: { COLOR: "green" },
      ecs: { startDelayMs: 0, capacityProviders: [{ name: "gpu", instances: [instance] }] },
    });
  });
  afterAll(() => localAws?.stop());

  it("takes a cdk deploy, runs what it deployed, and leaves no process behind", async () => {
    const outputs = await bootstrapAndDeploy(localAws, {
      stackName: "Tiny",
      context: { greeting: "hello" },
      cwd: TINY_APP,
    });
    expect(outputs).toMatchObject({ Greeting: "hello", Bucket: expect.any(String) });

    const lambda = new LambdaClient({
      endpoint: localAws.endpoint,
      region: localAws.region,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: outputs.Function }));
    const answer = JSON.parse(Buffer.from(Payload!).toString()) as { pids: number[]; endpoint: string; color: string };
    expect(answer).toMatchObject({ endpoint: localAws.executorEndpoint, color: "green" });

    const client = ecsClient(localAws);
    const { tasks } = await run(client, outputs.TaskDefinition!, {
      cluster: outputs.Cluster,
      launchType: undefined,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE" }],
    });
    const line = await until(() => localAws.ecs.lines(tasks![0]!.taskArn!)[0]);
    expect(line.text).toBe("from the stack");

    const gpu = await run(client, outputs.GpuDefinition!, {
      cluster: outputs.Cluster,
      count: 2,
      launchType: undefined,
      networkConfiguration: undefined,
      capacityProviderStrategy: [{ capacityProvider: "gpu" }],
    });
    expect(gpu.tasks!.map(({ containers }) => containers![0]!.gpuIds)).toEqual([[expect.any(String)]]);
    expect(gpu.failures!.map(({ reason }) => reason)).toEqual(["RESOURCE:GPU"]);

    expect(answer.pids.map(isAlive)).toEqual([true, true]);
    await localAws.stop();
    expect(answer.pids.map(isAlive)).toEqual([false, false]);
    expect(await isHealthy(localAws.endpoint)).toBe(false);
  });
});

describe("a local AWS beside another emulator", () => {
  it("uses the one it is given, and leaves it running", async () => {
    await using first = await startLocalAws();
    const second = await startLocalAws({ endpoint: first.endpoint, ecs: { startDelayMs: 0 } });
    const client = ecsClient(second);
    await client.send(new CreateClusterCommand({ clusterName: CLUSTER }));
    const { tasks } = await run(client, await register(client, "quick", "process.exit(5)"));
    const { containers } = await untilStatus(client, tasks![0]!.taskArn!, "STOPPED");
    expect(containers![0]!.exitCode).toBe(5);
    await second.stop();
    expect(await isHealthy(first.endpoint)).toBe(true);
  });

  it("says so when none answers", async () => {
    await expect(startLocalAws({ endpoint: "http://127.0.0.1:9" })).rejects.toThrow(
      "no emulator answers at http://127.0.0.1:9",
    );
  });
});

describe("a port in use", () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => server.close());

  it("is an error that names it and the way out", async () => {
    await expect(startLocalAws({ port })).rejects.toThrow(
      `port ${port} is already in use: stop what listens there, or choose another with --port`,
    );
  });

  it("of the ECS stand-in stops the rest again", async () => {
    await expect(startLocalAws({ ecsPort: port })).rejects.toThrow(`port ${port} is already in use`);
  });

  it("is one line and exit 1 on the command line", async () => {
    const { exitCode, errors } = await startProgram("../../localstack/main.ts", [
      "--no-deploy",
      `--port=${port}`,
      "--ecs-port=0",
    ]).ended;
    expect(exitCode).toBe(1);
    expect(errors.split("\n").filter((line) => line.startsWith("error:"))).toEqual([
      `error: port ${port} is already in use: stop what listens there, or choose another with --port`,
    ]);
  });
});

describe("a failed deploy", () => {
  it("says what cdk said", async () => {
    await using localAws = await startLocalAws();
    const deploy = bootstrapAndDeploy(localAws, { stackName: "Tiny", cwd: `${TINY_APP}/..` });
    await expect(deploy).rejects.toThrow(/cdk deploy failed:\n[\s\S]*--app is required/);
  });
});

describe("the end of the process", () => {
  it("ends everything when it is killed", async () => {
    const holder = startProgram("./holder.ts");
    const { pids, endpoint } = JSON.parse(await holder.firstLine) as { pids: number[]; endpoint: string };
    expect(pids.map(isAlive)).toEqual([true, true]);
    holder.child.kill("SIGKILL");
    await until(() => !pids.some(isAlive) || undefined);
    await until(async () => !(await isHealthy(endpoint)) || undefined);
  });

  it("prints the environment, and stops at a signal", async () => {
    const command = startProgram("../../localstack/main.ts", ["--no-deploy", "--json", "--port=0", "--ecs-port=0"]);
    const { env } = JSON.parse(await command.firstLine) as { env: Record<string, string> };
    expect(env).toMatchObject({ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test" });
    expect(await isHealthy(env.AWS_ENDPOINT_URL!)).toBe(true);
    command.child.kill("SIGINT");
    expect((await command.ended).exitCode).toBe(0);
    expect(await isHealthy(env.AWS_ENDPOINT_URL!)).toBe(false);
  });
});
