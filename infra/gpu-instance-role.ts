import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import type { EcsArns } from "./ecs-arns.ts";
import { acknowledgeWildcards, type Grant, statementOf } from "./grant.ts";

interface GpuInstanceRoleProps {
  readonly ecs: EcsArns;
}

/** What the ECS agent on an EC2 instance may do: join its own cluster, and report from there. */
export class GpuInstanceRole extends Role {
  constructor(scope: Construct, id: string, props: GpuInstanceRoleProps) {
    super(scope, id, {
      description: "ECS agent on stratolab's GPU instances",
      assumedBy: new ServicePrincipal("ec2.amazonaws.com"),
    });
    const grants = agentAccess(props.ecs);
    for (const grant of grants) this.addToPolicy(statementOf(grant));
    acknowledgeWildcards(this, grants);
  }
}

const agentAccess = (ecs: EcsArns): Grant[] => [
  {
    actions: [
      "ecs:RegisterContainerInstance",
      "ecs:DeregisterContainerInstance",
      "ecs:SubmitAttachmentStateChanges",
      "ecs:SubmitContainerStateChange",
      "ecs:SubmitTaskStateChange",
    ],
    resources: [ecs.cluster],
  },
  {
    actions: ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"],
    resources: [ecs.containerInstances],
    conditions: { ArnEquals: { "ecs:cluster": ecs.cluster } },
    wildcard: "Instances come and go; the condition keeps to the lab's own cluster.",
  },
  {
    actions: ["ecs:DiscoverPollEndpoint", "ecr:GetAuthorizationToken"],
    resources: ["*"],
    wildcard: "AWS lets no resource be named for these.",
  },
];
