import type { Stack } from "aws-cdk-lib/core";

/** ARNs of what belongs to one ECS cluster; those of many end in a wildcard. */
export interface EcsArns {
  readonly cluster: string;
  readonly tasks: string;
  readonly containerInstances: string;
  /** All revisions of a task definition. */
  taskDefinitions(family: string): string;
}

/** Made from names, because the cluster's own ARN would tie the instances to it in a circle. */
export function ecsArns(stack: Stack, clusterName: string): EcsArns {
  const arn = (resource: string, resourceName: string) => stack.formatArn({ service: "ecs", resource, resourceName });
  return {
    cluster: arn("cluster", clusterName),
    tasks: arn("task", `${clusterName}/*`),
    containerInstances: arn("container-instance", `${clusterName}/*`),
    taskDefinitions: (family) => arn("task-definition", `${family}:*`),
  };
}
