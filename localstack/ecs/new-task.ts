import { randomUUID } from "node:crypto";
import type { Placement } from "./capacity.ts";
import type { CapacityChoice } from "./capacity-choice.ts";
import type { ContainerPlan, LaunchPlan } from "./launch-plan.ts";
import type { Cluster, EcsContainer, EcsTask, RunTaskInput, Tag } from "./wire.ts";

/** An id as ECS gives them: 32 hexadecimal digits. */
export const newTaskId = (): string => randomUUID().replaceAll("-", "");

/** Id of an ECS task or cluster: the last part of its ARN, or the id itself. */
export const idOf = (arnOrId: string): string => arnOrId.slice(arnOrId.lastIndexOf("/") + 1);

/** What {@link newTask} makes an ECS task of. */
export interface NewTask {
  readonly id: string;
  readonly plan: LaunchPlan;
  readonly cluster: Cluster;
  readonly capacity: CapacityChoice;
  readonly placement: Placement | undefined;
  readonly input: RunTaskInput;
  readonly tags: readonly Tag[];
  /** In seconds since 1970. */
  readonly at: number;
}

/** An ECS task at the begin of its life. */
export function newTask({ id, plan, cluster, capacity, placement, input, tags, at }: NewTask): EcsTask {
  // "arn:aws:ecs:us-east-1:000000000000", the same for all of a cluster's resources.
  const arnBase = cluster.clusterArn.split(":").slice(0, 5).join(":");
  const region = cluster.clusterArn.split(":")[3] ?? "";
  const taskArn = `${arnBase}:task/${cluster.clusterName}/${id}`;
  const fargate = plan.launchType === "FARGATE";
  const provider = capacity.provider ?? placement?.provider;
  const gpuIds = [...(placement?.gpuIds ?? [])];
  return {
    taskArn,
    clusterArn: cluster.clusterArn,
    taskDefinitionArn: plan.definition.taskDefinitionArn,
    ...(placement && {
      containerInstanceArn: `${arnBase}:container-instance/${cluster.clusterName}/${placement.instance}`,
    }),
    attachments: [],
    availabilityZone: `${region}a`,
    ...(capacity.provider !== undefined && provider !== undefined && { capacityProviderName: provider }),
    launchType: plan.launchType,
    ...(fargate && { platformVersion: platformVersion(input.platformVersion), platformFamily: "Linux" }),
    containers: plan.containers.map((container) =>
      newContainer(container, taskArn, `${arnBase}:container/${cluster.clusterName}/${id}/${randomUUID()}`, gpuIds),
    ),
    cpu: String(plan.cpu),
    memory: String(plan.memory),
    ...(plan.ephemeralStorage && { ephemeralStorage: plan.ephemeralStorage }),
    overrides: { containerOverrides: [], ...input.overrides },
    group: input.group ?? `family:${plan.definition.family}`,
    ...(input.startedBy !== undefined && { startedBy: input.startedBy }),
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    healthStatus: "UNKNOWN",
    tags,
    version: 1,
    lastStatus: "PROVISIONING",
    desiredStatus: "RUNNING",
    createdAt: at,
  };
}

const platformVersion = (asked: string | undefined): string => (asked && asked !== "LATEST" ? asked : "1.4.0");

function newContainer(plan: ContainerPlan, taskArn: string, containerArn: string, gpuIds: string[]): EcsContainer {
  return {
    containerArn,
    taskArn,
    name: plan.name,
    ...(plan.image !== undefined && { image: plan.image }),
    lastStatus: "PENDING",
    networkBindings: [],
    networkInterfaces: [],
    healthStatus: "UNKNOWN",
    cpu: String(plan.cpu),
    ...(plan.memory !== undefined && { memory: String(plan.memory) }),
    ...(plan.memoryReservation !== undefined && { memoryReservation: String(plan.memoryReservation) }),
    // Each container takes its share of what the instance gave the whole ECS task.
    ...(plan.gpus > 0 && { gpuIds: gpuIds.splice(0, plan.gpus) }),
  };
}
