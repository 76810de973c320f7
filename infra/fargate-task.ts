import { CpuArchitecture, FargateTaskDefinition, OperatingSystemFamily } from "aws-cdk-lib/aws-ecs";
import type { IRole } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Stores } from "./data-access.ts";
import { addExecutorContainer } from "./executor-container.ts";
import type { Architecture } from "./props.ts";

interface FargateTaskProps extends Stores {
  readonly architecture: Architecture;
  readonly image: string;
  readonly logGroup: ILogGroup;
  readonly taskRole: IRole;
  readonly executionRole: IRole;
}

/** Task definition for Fargate and Fargate Spot. RunTask sets each ECS task's size. */
export class FargateTask extends FargateTaskDefinition {
  constructor(scope: Construct, id: string, props: FargateTaskProps) {
    super(scope, id, {
      cpu: 1024,
      memoryLimitMiB: 2048,
      runtimePlatform: {
        operatingSystemFamily: OperatingSystemFamily.LINUX,
        cpuArchitecture: props.architecture === "arm64" ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
      },
      taskRole: props.taskRole,
      executionRole: props.executionRole,
    });
    addExecutorContainer(this, props);
  }
}
