import { execFileSync } from "node:child_process";
import { CreateClusterCommand, type ECSClient, StopTaskCommand } from "@aws-sdk/client-ecs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContainerEngine } from "../../localstack/ecs/container-engine.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { startProgram } from "./commands.ts";
import { CLUSTER, ecsClient, register, run, until, untilStatus } from "./ecs-helpers.ts";

const IMAGE = "stratolab-test-node:1";
const SLEEP = "setInterval(() => {}, 1000)";

const engine = new ContainerEngine();
const isThere = await engine.answers();
if (!isThere) {
  console.info(
    `the container driver is not tested: no engine answers at ${engine.address} (start Docker, or set DOCKER_HOST)`,
  );
}

/** An image of nothing but this machine's Node and what it loads: no registry is needed. */
async function buildImage(): Promise<void> {
  const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  const files = [process.execPath, ...libraries].map((file) => file.slice(1));
  const tar = execFileSync("tar", ["--create", "--dereference", "--directory=/", ...files], { maxBuffer: 1 << 30 });
  const [repo, tag] = IMAGE.split(":");
  await (await engine.follow("POST", `/images/create?fromSrc=-&repo=${repo}&tag=${tag}`, tar)).dump();
}

const containers = () => engine.ask<{ Image: string }[]>("GET", "/containers/json?all=true");
const ours = async () => (await containers()).filter(({ Image }) => Image === IMAGE);

describe.runIf(isThere)("containers of an engine", () => {
  let localAws: LocalAws;
  let client: ECSClient;

  beforeAll(async () => {
    await buildImage();
    localAws = await startLocalAws({ driver: "auto", ecs: { startDelayMs: 0, stopTimeoutScale: 0.05 } });
    client = ecsClient(localAws);
    await client.send(new CreateClusterCommand({ clusterName: CLUSTER, capacityProviders: ["FARGATE_SPOT"] }));
  });
  afterAll(async () => {
    client?.destroy();
    await localAws?.stop();
    await engine.ask("DELETE", `/images/${IMAGE}?force=true`);
    await engine.close();
  });

  const define = (family: string, script: string, container: object = {}) =>
    register(client, family, script, { image: IMAGE, entryPoint: [process.execPath, "-e"], ...container });
  const start = async (definition: string, input: object = {}): Promise<string> =>
    (await run(client, definition, input)).tasks![0]!.taskArn!;

  it("run their command in their image, and reach the local AWS", async () => {
    const script = `
      fetch(process.env.ECS_CONTAINER_METADATA_URI_V4 + "/task").then((answer) => answer.json()).then(({ Family }) => {
        console.log(process.pid, Family, process.env.AWS_ENDPOINT_URL);
        console.error("to the other stream");
        process.exitCode = 3;
      });`;
    const taskArn = await start(await define("hello", script));
    expect(await untilStatus(client, taskArn, "STOPPED")).toMatchObject({
      stopCode: "EssentialContainerExited",
      containers: [{ exitCode: 3 }],
    });
    const lines = localAws.ecs.lines(taskArn).map(({ stream, text }) => [stream, text]);
    expect(lines).toContainEqual(["stdout", `1 hello ${localAws.executorEndpoint}`]);
    expect(lines).toContainEqual(["stderr", "to the other stream"]);
  });

  it("are killed by the kernel for want of memory", async () => {
    const hog = "const held = []; setInterval(() => held.push(Buffer.alloc(32 * 1024 * 1024, 1)), 5)";
    expect(await untilStatus(client, await start(await define("hog", hog)), "STOPPED")).toMatchObject({
      containers: [{ exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" }],
    });
  });

  it("do not start without their image or their command", async () => {
    const [noImage, noCommand] = await Promise.all([
      define("no-image", "", { image: "127.0.0.1:9/nothing:1" }),
      define("no-command", "", { entryPoint: ["/no/such/command"] }),
    ]);
    for (const [definition, reason] of [
      [noImage, /^CannotPullContainerError: ref pull has been retried .*127\.0\.0\.1:9\/nothing:1/],
      [noCommand, /^CannotStartContainerError: Error response from daemon: .*no\/such\/command/],
    ] as const) {
      expect(await untilStatus(client, await start(definition), "STOPPED")).toMatchObject({
        stopCode: "TaskFailedToStart",
        stoppedReason: expect.stringMatching(reason),
      });
    }
  });

  it("hear SIGTERM, be it StopTask's or a Spot interruption's", async () => {
    const script = `process.on("SIGTERM", () => process.exit(7)); console.log("ready"); ${SLEEP}`;
    const definition = await define("graceful", script, { stopTimeout: 120 });
    const stopped = await start(definition);
    await until(() => localAws.ecs.lines(stopped)[0]);
    await client.send(new StopTaskCommand({ cluster: CLUSTER, task: stopped }));
    expect((await untilStatus(client, stopped, "STOPPED")).containers![0]!.exitCode).toBe(7);

    await using _ = await localAws.faults.set({ rules: [{ fault: "spot-interruption", afterMs: 300 }] });
    const interrupted = await start(definition, {
      launchType: undefined,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }],
    });
    expect(await untilStatus(client, interrupted, "STOPPED")).toMatchObject({
      stopCode: "SpotInterruption",
      containers: [{ exitCode: 7 }],
    });
  });

  it("are gone with the local AWS, also when it is killed", async () => {
    const program = startProgram("./holder.ts", ["container", IMAGE]);
    await program.firstLine;
    expect(await ours()).toHaveLength(1);
    program.child.kill("SIGKILL");
    await until(async () => ((await ours()).length === 0 ? true : undefined));
    await start(await define("sleeper", SLEEP));
    await until(async () => ((await ours()).length === 1 ? true : undefined));
    await localAws.stop();
    expect(await ours()).toEqual([]);
  });
});

describe("without an engine", () => {
  const nowhere = { ...process.env, DOCKER_HOST: "unix:///no/such/socket" };

  it("a container driver is one line and exit 1, before anything is deployed", async () => {
    const args = ["--no-deploy", "--port=0", "--driver=container"];
    const { exitCode, errors } = await startProgram("../../localstack/main.ts", args, nowhere).ended;
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/error: no container engine answers at unix:\/\/\/no\/such\/socket: start Docker [^\n]+\n$/);
  });

  it("auto takes child processes, and says so", async () => {
    const args = ["--no-deploy", "--port=0", "--driver=auto", "--json"];
    const program = startProgram("../../localstack/main.ts", args, nowhere);
    await program.firstLine;
    program.child.kill("SIGINT");
    expect((await program.ended).errors).toContain(
      "ECS tasks run as child processes: no container engine answers at unix:///no/such/socket",
    );
  });
});
