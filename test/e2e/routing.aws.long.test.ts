import { DescribeTasksCommand, ECSClient, ListTasksCommand, type Task } from "@aws-sdk/client-ecs";
import { aws, InfeasibleError, Lab, type ProgressEvent, RunError } from "stratolab";
import { afterAll, describe, expect, test } from "vitest";
import { thisStack } from "../support/this-stack.ts";
import { byCpus, byMemory, everything, long, onEcs, onGpu, queued } from "./fixtures/routed-tasks.ts";

const events: ProgressEvent[] = [];
const lab = new Lab({
  tasks: new URL("./fixtures/routed-tasks.ts", import.meta.url),
  runner: aws({ ecsIdleMs: 3_000 }),
  progress: (event) => events.push(event),
});
const salt = Date.now();

afterAll(() => lab.close());

async function ecsTasks(desiredStatus: "RUNNING" | "STOPPED", since = new Date(0)) {
  const client = new ECSClient({});
  const cluster = thisStack().outputs.ClusterName;
  const { taskArns = [] } = await client.send(new ListTasksCommand({ cluster, desiredStatus }));
  if (taskArns.length === 0) return [];
  const tasks: Task[] = [];
  for (let from = 0; from < taskArns.length; from += 100) {
    const answer = await client.send(new DescribeTasksCommand({ cluster, tasks: taskArns.slice(from, from + 100) }));
    tasks.push(...(answer.tasks ?? []));
  }
  return tasks.filter(({ createdAt }) => createdAt && createdAt >= since);
}

describe("routing on a deployed stack", () => {
  test("takes the smallest Lambda size that has the memory and the CPUs", async () => {
    const [small, middle, oneCpu, twoCpus] = await lab.runTasks([
      byMemory({ memoryMb: 300, salt }),
      byMemory({ memoryMb: 1_025, salt }),
      byCpus({ numCpus: 1, salt }),
      byCpus({ numCpus: 2, salt }),
    ]);
    expect([small, middle, oneCpu, twoCpus].map(({ functionMemory }) => functionMemory)).toEqual([
      "512",
      "1769",
      "1769",
      "3538",
    ]);
  });

  test("takes ECS for more than Lambda's memory or time, or on request, and results cross services", async () => {
    const parts = [
      byMemory({ memoryMb: 12_000, salt }),
      long({ salt }),
      onEcs({ n: 1, salt }),
      byMemory({ memoryMb: 300, salt }),
    ] as const;
    const [count, ...places] = await lab.runTasks([everything({ parts }), ...parts]);
    expect(count).toBe(4);
    expect(places.map(({ service }) => service)).toEqual(["ecs", "ecs", "ecs", "lambda"]);
    const logged = events.filter((event) => event.type === "log").map(({ text }) => text);
    expect(logged).toContain("number 1");
  });

  test("serves many attempts by few containers, which end by themselves when idle", async () => {
    const startedAt = new Date();
    const many = Array.from({ length: 30 }, (_, n) => onEcs({ n: 100 + n, salt }));
    const results = await lab.runTasks(many);
    expect(results.map(({ n }) => n)).toEqual(many.map((_, n) => 100 + n));
    expect(new Set(results.map(({ host }) => host)).size).toBeLessThan(30);
    const deadline = Date.now() + 30_000;
    while ((await ecsTasks("RUNNING")).length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(await ecsTasks("RUNNING")).toEqual([]);
    // Those of other files may have been made to fail before they had a container.
    const exitCodes = (await ecsTasks("STOPPED", startedAt)).map(({ containers }) => containers?.[0]?.exitCode);
    expect(new Set(exitCodes)).toEqual(new Set([0]));
  });

  test("follows long attempts on Lambda through the feed, results, failures and log lines alike", async () => {
    events.length = 0;
    const [good, bad] = await lab.start([queued({ fail: false, salt }), queued({ fail: true, salt })]).settled();
    expect(good.kind === "ok" && good.value.service).toBe("lambda");
    expect(bad.kind).toBe("user-error");
    expect(events.filter((event) => event.type === "log").map(({ text }) => text)).toEqual([
      "from the queue",
      "from the queue",
    ]);
  });

  test("refuses what nothing can run before anything runs, naming the nearest", async () => {
    events.length = 0;
    const error = await lab
      .runTasks([onGpu({ salt }), byMemory({ memoryMb: 128, salt: salt + 1 })])
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InfeasibleError);
    expect((error as InfeasibleError).message).toMatch(/numGpus: 1.*the nearest is .*no GPU/);
    // What the run before has cost may be told late.
    expect(events.filter(({ type }) => type !== "cost")).toEqual([]);
  });

  test("finds results again from another lab", async () => {
    await using other = new Lab({
      tasks: new URL("./fixtures/routed-tasks.ts", import.meta.url),
      runner: "aws",
      progress: false,
    });
    expect(await other.isCached(onEcs({ n: 1, salt }))).toBe(true);
    const cached = await other.cachedTasks({ type: byCpus });
    expect(cached.map(({ params }) => params)).toContainEqual({ numCpus: 2, salt });
  });

  test("says what is wrong with a stack that cannot be used", async () => {
    const failing = async (options: Parameters<typeof aws>[0], environment: Record<string, string> = {}) => {
      const saved = { ...process.env };
      Object.assign(process.env, environment);
      const broken = new Lab({
        tasks: new URL("./fixtures/routed-tasks.ts", import.meta.url),
        runner: aws(options),
        progress: false,
      });
      const error = await broken.runTask(long({ salt })).catch((reason: unknown) => reason);
      for (const name of Object.keys(environment)) {
        if (saved[name] === undefined) delete process.env[name];
        else process.env[name] = saved[name];
      }
      expect(error).not.toBeInstanceOf(RunError);
      return (error as Error).message;
    };
    expect(await failing({ stack: "Nowhere" })).toMatch(
      /there is no stack Nowhere in region us-east-1.*npx cdk deploy -c stackName=Nowhere/,
    );
    expect(await failing({ region: "eu-west-1" })).toMatch(/there is no stack Stratolab in region eu-west-1/);
    expect(await failing({}, { AWS_ENDPOINT_URL: "http://127.0.0.1:9" })).toMatch(
      /nothing answers at AWS_ENDPOINT_URL/,
    );
  });
});
