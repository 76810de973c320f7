import { DescribeTasksCommand, ECSClient, ListTasksCommand, type Task } from "@aws-sdk/client-ecs";
import type { TaskOutcome } from "stratolab";
import { type Architecture, fargateSecond, lambdaSecond, PRICES } from "../../sdk/core/prices.ts";

/** What Lambda would charge for the attempts of these tasks. */
export function lambdaBill(outcomes: readonly TaskOutcome<unknown>[]): number {
  const onLambda = outcomes.flatMap(({ attempts }) => attempts).filter(({ lane }) => lane.startsWith("lambda"));
  return onLambda.reduce(
    (sum, { memoryMb = 0, startedAt, endedAt }) =>
      sum + PRICES.lambda.request + (lambdaSecond(memoryMb) * (endedAt - startedAt)) / 1000,
    0,
  );
}

export interface EcsBill {
  /** By the second: the storm squeezes hours into seconds, and Fargate's first minute would hide the rest. */
  readonly dollars: number;
  /** With the first minute of each ECS task in full, as Fargate charges it. */
  readonly dollarsByMinute: number;
  readonly containers: number;
  /** ECS tasks that have not stopped. */
  readonly running: readonly string[];
}

/** What Fargate would charge for the ECS tasks since a moment, as soon as they have all stopped. */
export async function ecsBillSince(
  cluster: string,
  since: Date,
  architecture: Architecture = "x86_64",
  withinMs = 20_000,
): Promise<EcsBill> {
  const client = new ECSClient({});
  const deadline = Date.now() + withinMs;
  for (;;) {
    const tasks = (await allTasks(client, cluster)).filter(({ createdAt }) => createdAt && createdAt >= since);
    const running = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED");
    if (running.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      continue;
    }
    return {
      dollars: tasks.reduce((sum, task) => sum + dollarsOf(task, 0, architecture), 0),
      dollarsByMinute: tasks.reduce((sum, task) => sum + dollarsOf(task, 60, architecture), 0),
      containers: tasks.length,
      running: running.map(({ taskArn = "" }) => taskArn),
    };
  }
}

async function allTasks(client: ECSClient, cluster: string): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const desiredStatus of ["RUNNING", "STOPPED"] as const) {
    const { taskArns = [] } = await client.send(new ListTasksCommand({ cluster, desiredStatus }));
    for (let from = 0; from < taskArns.length; from += 100) {
      const answer = await client.send(new DescribeTasksCommand({ cluster, tasks: taskArns.slice(from, from + 100) }));
      tasks.push(...(answer.tasks ?? []));
    }
  }
  return tasks;
}

function dollarsOf(
  { cpu, memory, capacityProviderName, startedAt, stoppedAt }: Task,
  minimumSeconds: number,
  architecture: Architecture,
): number {
  // One that never ran costs nothing.
  if (!startedAt) return 0;
  const seconds = ((stoppedAt ?? new Date()).getTime() - startedAt.getTime()) / 1_000;
  const spot = /spot/i.test(capacityProviderName ?? "");
  const shape = { vcpus: Number(cpu) / 1_024, memoryMb: Number(memory), spot, architecture, publicAddress: true };
  return fargateSecond(shape) * Math.max(minimumSeconds, seconds);
}
