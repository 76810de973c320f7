import { randomUUID } from "node:crypto";
import {
  DescribeTasksCommand,
  ECSClient,
  type Failure as EcsFailure,
  type Task as EcsTask,
  RunTaskCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Lane } from "../../core/offer.ts";
import { ExecutorEnv } from "../../wire/protocol.ts";
import type { StackParts } from "./stack.ts";

/** ECS's own bounds: ECS tasks started by a call, and described by one. */
export const RUN_TASK_MAX = 10;
const DESCRIBE_TASKS_MAX = 100;

const MAX_ATTEMPTS = 5;

/** What a container is told when it is started. */
export interface ContainerSettings {
  readonly lab: string;
  readonly feedShard: number;
  readonly idleMs: number;
  readonly runtimeUrl: string;
  readonly runtimeHash: string;
}

/** ECS, as far as a lab needs it. Calls may be repeated: RunTask carries a token, the others change nothing twice. */
export class Ecs {
  readonly #client: ECSClient;
  readonly #stack: StackParts;

  constructor(stack: StackParts) {
    this.#stack = stack;
    this.#client = new ECSClient({
      region: stack.region,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, socketTimeout: 30_000 }),
    });
  }

  /** Starts up to ten ECS tasks for a lane. */
  async run(
    lane: Lane,
    count: number,
    settings: ContainerSettings,
  ): Promise<{ tasks: EcsTask[]; failures: EcsFailure[] }> {
    const answer = await this.#client.send(
      new RunTaskCommand({
        cluster: this.#stack.cluster,
        count,
        clientToken: randomUUID(),
        startedBy: settings.lab.slice(0, 36),
        ...this.#placement(lane),
        overrides: {
          cpu: String(Math.round(lane.cpus * 1024)),
          memory: String(lane.memoryMb),
          ...ephemeralStorage(lane),
          containerOverrides: [
            {
              name: this.#stack.container,
              environment: environment({
                [ExecutorEnv.table]: this.#stack.table,
                [ExecutorEnv.bucket]: this.#stack.bucket,
                [ExecutorEnv.lab]: settings.lab,
                [ExecutorEnv.feedShard]: String(settings.feedShard),
                [ExecutorEnv.idleMs]: String(settings.idleMs),
                [ExecutorEnv.memoryMb]: String(lane.memoryMb),
                [ExecutorEnv.runtimeUrl]: settings.runtimeUrl,
                [ExecutorEnv.runtimeHash]: settings.runtimeHash,
              }),
              ...(lane.gpus > 0 ? { resourceRequirements: [{ type: "GPU" as const, value: String(lane.gpus) }] } : {}),
            },
          ],
        },
      }),
    );
    return { tasks: answer.tasks ?? [], failures: answer.failures ?? [] };
  }

  #placement(lane: Lane) {
    const { gpu, fargateTaskDefinition, subnets, securityGroups, assignPublicIp } = this.#stack;
    if (lane.service === "ec2") {
      const provider = gpu?.capacityProviders.find(
        ({ instanceType, spot }) => instanceType === lane.instanceType && spot === lane.spot,
      );
      if (!gpu || !provider) throw new Error(`the stack has no capacity provider for ${lane.name}`);
      // Bridge networking: the instance's own interface serves, and none may be named.
      return {
        taskDefinition: gpu.taskDefinition,
        capacityProviderStrategy: [{ capacityProvider: provider.name, weight: 1 }],
      };
    }
    return {
      taskDefinition: fargateTaskDefinition,
      capacityProviderStrategy: [{ capacityProvider: lane.spot ? "FARGATE_SPOT" : "FARGATE", weight: 1 }],
      networkConfiguration: {
        awsvpcConfiguration: { subnets: [...subnets], securityGroups: [...securityGroups], assignPublicIp },
      },
    };
  }

  /** What ECS says of its tasks; those it does not know any more are in `missing`. */
  async describe(arns: readonly string[]): Promise<{ tasks: EcsTask[]; missing: string[] }> {
    const tasks: EcsTask[] = [];
    const missing: string[] = [];
    for (let start = 0; start < arns.length; start += DESCRIBE_TASKS_MAX) {
      const answer = await this.#client.send(
        new DescribeTasksCommand({
          cluster: this.#stack.cluster,
          tasks: arns.slice(start, start + DESCRIBE_TASKS_MAX),
        }),
      );
      tasks.push(...(answer.tasks ?? []));
      for (const { arn, reason } of answer.failures ?? []) if (reason === "MISSING" && arn) missing.push(arn);
    }
    return { tasks, missing };
  }

  async stop(arn: string, reason: string): Promise<void> {
    await this.#client.send(new StopTaskCommand({ cluster: this.#stack.cluster, task: arn, reason }));
  }

  close(): void {
    this.#client.destroy();
  }
}

/** Storage beyond what comes free has to be asked for, in whole GiB. */
function ephemeralStorage({ service, ephemeralStorageMb }: Lane) {
  if (service !== "fargate" || ephemeralStorageMb === undefined || ephemeralStorageMb <= 20 * 1024) return {};
  return { ephemeralStorage: { sizeInGiB: Math.ceil(ephemeralStorageMb / 1024) } };
}

const environment = (variables: Record<string, string>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));
