import {
  type ContainerDefinition,
  DescribeTasksCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
  type RunTaskCommandInput,
  type Task,
} from "@aws-sdk/client-ecs";
import type { LocalAws } from "../../localstack/local-aws.ts";

export const CLUSTER = "lab";

const NETWORK = { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } };

/** An ECS client as a user's program makes one: from the local AWS's environment, without retries. */
export const ecsClient = (localAws: LocalAws): ECSClient =>
  new ECSClient({
    endpoint: localAws.env.AWS_ENDPOINT_URL_ECS!,
    region: localAws.region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });

/** Registers a Fargate task definition of one Node container and gives its ARN. */
export async function register(
  client: ECSClient,
  family: string,
  script: string,
  container: Partial<ContainerDefinition> = {},
  definition: Partial<RegisterTaskDefinitionCommandInput> = {},
): Promise<string> {
  const { taskDefinition } = await client.send(
    new RegisterTaskDefinitionCommand({
      family,
      requiresCompatibilities: ["FARGATE"],
      networkMode: "awsvpc",
      cpu: "256",
      memory: "512",
      containerDefinitions: [
        {
          name: "main",
          image: "node:22",
          essential: true,
          entryPoint: ["node", "-e"],
          command: [script],
          ...container,
        },
      ],
      ...definition,
    }),
  );
  return taskDefinition!.taskDefinitionArn!;
}

/** RunTask on Fargate, with what every call here needs. */
export const run = (client: ECSClient, taskDefinition: string, input: Partial<RunTaskCommandInput> = {}) =>
  client.send(
    new RunTaskCommand({
      cluster: CLUSTER,
      taskDefinition,
      launchType: "FARGATE",
      networkConfiguration: NETWORK,
      ...input,
    }),
  );

export const describeTask = async (client: ECSClient, taskArn: string): Promise<Task> => {
  const { tasks } = await client.send(new DescribeTasksCommand({ cluster: CLUSTER, tasks: [taskArn] }));
  return tasks![0]!;
};

/** The ECS task once it has this status. */
export async function untilStatus(client: ECSClient, taskArn: string, status: string): Promise<Task> {
  return until(async () => {
    const task = await describeTask(client, taskArn);
    return task.lastStatus === status ? task : undefined;
  });
}

/** What `probe` gives, once it gives something. The test's own timeout ends it. */
export async function until<T>(probe: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
