/**
 * The stack's outputs: how the SDK finds what `cdk deploy` created. Names are fixed once released;
 * values are strings, lists and records are JSON.
 */
export const StackOutput = {
  /** `PROTOCOL_VERSION` of the deployed runtime. */
  protocol: "Protocol",
  /** Version of the npm package that deployed it. */
  packageVersion: "PackageVersion",
  table: "TableName",
  bucket: "BucketName",
  /** JSON: {@link FunctionOutput}[], smallest first. */
  functions: "Functions",
  /** Name of the ECS cluster. */
  cluster: "ClusterName",
  /** ARN of the Fargate task definition; size and Spot are chosen per ECS task. */
  fargateTaskDefinition: "FargateTaskDefinition",
  /** Name of the container inside both task definitions. */
  container: "ContainerName",
  /** Comma-separated subnet ids. */
  subnets: "Subnets",
  /** Comma-separated security group ids. */
  securityGroups: "SecurityGroups",
  /** `ENABLED` in public subnets (no NAT gateway), else `DISABLED`. */
  assignPublicIp: "AssignPublicIp",
  /** `x86_64` or `arm64`, of Lambda and Fargate alike. */
  architecture: "Architecture",
  /** JSON: {@link GpuOutput}; absent without GPUs. */
  gpu: "Gpu",
  /** JSON: {@link LogGroupsOutput}. */
  logGroups: "LogGroups",
  /** Name of the Lambda function that drives detached runs. */
  driverFunction: "DriverFunction",
  /** ARN of a managed policy with what the SDK on a laptop needs. */
  driverPolicy: "DriverPolicyArn",
} as const;

/** One Lambda function of the stack. */
export interface FunctionOutput {
  readonly name: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly ephemeralStorageMb: number;
}

/** The GPU capacity of the stack. */
export interface GpuOutput {
  /** ARN of the EC2 task definition. */
  readonly taskDefinition: string;
  /**
   * One for each instance type and kind of purchase, On-Demand first: ECS scales a mixed group without
   * asking which type a waiting ECS task needs.
   */
  readonly capacityProviders: readonly GpuCapacityProvider[];
  /** What one instance offers, smallest first. */
  readonly instances: readonly GpuInstance[];
  /** Instances of each type, On-Demand and Spot together. */
  readonly maxInstances: number;
}

/** A capacity provider of EC2 instances of one type. */
export interface GpuCapacityProvider {
  readonly name: string;
  readonly spot: boolean;
  readonly instanceType: string;
  readonly maxInstances: number;
}

/** What one EC2 instance type offers to ECS tasks. */
export interface GpuInstance {
  readonly type: string;
  /** GPU model in lower case, as `gpuType` names it: `t4`, `l4`, `a10g`. */
  readonly gpuType: string;
  readonly gpus: number;
  readonly vcpus: number;
  /** What ECS can place, in MB: less than the instance has, as its agent and system need some. */
  readonly memoryMb: number;
}

/** Names of the stack's CloudWatch log groups. */
export interface LogGroupsOutput {
  readonly lambda: string;
  readonly ecs: string;
}
