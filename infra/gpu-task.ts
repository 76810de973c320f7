import { Compatibility, NetworkMode, TaskDefinition } from "aws-cdk-lib/aws-ecs";
import type { IRole } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Stores } from "./data-access.ts";
import { addExecutorContainer } from "./executor-container.ts";

interface GpuTaskProps extends Stores {
  readonly image: string;
  readonly logGroup: ILogGroup;
  readonly taskRole: IRole;
  readonly executionRole: IRole;
}

/**
 * Task definition for EC2 instances with GPUs. RunTask sets each ECS task's size and number of GPUs.
 *
 * Its network is Docker's bridge: in awsvpc mode an ECS task on EC2 gets no public address, and so
 * would reach nothing from a VPC without NAT; in host mode user code could take the instance's own
 * credentials. RunTask takes no network configuration for it.
 */
export class GpuTask extends TaskDefinition {
  constructor(scope: Construct, id: string, props: GpuTaskProps) {
    super(scope, id, {
      compatibility: Compatibility.EC2,
      networkMode: NetworkMode.BRIDGE,
      cpu: "1024",
      memoryMiB: "2048",
      taskRole: props.taskRole,
      executionRole: props.executionRole,
    });
    addExecutorContainer(this, { ...props, gpuCount: 1 });
  }
}
