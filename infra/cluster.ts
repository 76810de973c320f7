import { CfnCluster } from "aws-cdk-lib/aws-ecs";
import { Validations } from "aws-cdk-lib/core";
import type { Construct } from "constructs";

interface ClusterProps {
  readonly clusterName: string;
  /** Names of EC2 capacity providers, beside Fargate's own. */
  readonly capacityProviders: readonly string[];
}

/**
 * The ECS cluster: a name under which ECS tasks run, with nothing in it while idle.
 *
 * The capacity providers are named on the cluster itself, so that one template suits AWS and the
 * emulator, which has no `ClusterCapacityProviderAssociations`. Instances learn the cluster's name
 * from their launch template, which it therefore cannot depend on: the name is chosen, not generated.
 */
export class Cluster extends CfnCluster {
  constructor(scope: Construct, id: string, props: ClusterProps) {
    super(scope, id, {
      clusterName: props.clusterName,
      capacityProviders: ["FARGATE", "FARGATE_SPOT", ...props.capacityProviders],
      clusterSettings: [{ name: "containerInsights", value: "disabled" }],
    });
    Validations.of(this).acknowledge({
      id: "AwsSolutions-ECS4",
      reason: "Container Insights costs by ECS task and hour; executors write their own usage samples.",
    });
  }
}
