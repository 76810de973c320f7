import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import {
  type IGrantable,
  type IManagedPolicy,
  type IPrincipal,
  type IRole,
  Role,
  ServicePrincipal,
} from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { Names, Stack, Validations } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { PROTOCOL_VERSION } from "../sdk/wire/protocol.ts";
import { StackOutput } from "../sdk/wire/stack-outputs.ts";
import { oneOf } from "./checks.ts";
import { Cluster } from "./cluster.ts";
import { DEFAULT_IMAGE } from "./container-image.ts";
import { ControlTable } from "./control-table.ts";
import { DriverFunction } from "./driver-function.ts";
import { DriverPolicy } from "./driver-policy.ts";
import { ecsArns } from "./ecs-arns.ts";
import { CONTAINER_NAME } from "./executor-container.ts";
import { ExecutorRole } from "./executor-role.ts";
import { FargateTask } from "./fargate-task.ts";
import { Functions } from "./functions.ts";
import { Gpu } from "./gpu.ts";
import { ExpiringLogGroup } from "./log-group.ts";
import { Network } from "./network.ts";
import { ObjectBucket } from "./object-bucket.ts";
import { Outputs } from "./outputs.ts";
import { packageFiles } from "./package-files.ts";
import type { StratolabProps } from "./props.ts";

/**
 * All that a lab needs on AWS. The SDK finds its parts by the stack's outputs, which have fixed keys:
 * a stack holds one of these.
 *
 * ```ts
 * const lab = new Stratolab(this, "Lab", { gpu: true });
 * dataBucket.grantRead(lab); // what the lab's tasks may reach beside the lab itself
 * ```
 */
export class Stratolab extends Construct implements IGrantable {
  /** The control table. */
  readonly table: Table;
  /** The bucket for large values and for code. */
  readonly bucket: Bucket;
  /** The Lambda functions, smallest first. */
  readonly functions: readonly IFunction[];
  /** The VPC of the ECS tasks. */
  readonly vpc: IVpc;
  /** The role that tasks run with, in Lambda and ECS. */
  readonly executorRole: IRole;
  /** What the SDK needs: for the users, groups or roles that run labs. */
  readonly driverPolicy: IManagedPolicy;
  /** What was left out because the emulator lacks it, in words. */
  readonly leftOut: readonly string[];
  /** The role that tasks run with. */
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: StratolabProps = {}) {
    super(scope, id);
    const stack = Stack.of(this);
    requireOneInStack(this);
    requireGpu(props);
    const architecture = oneOf("architecture", props.architecture ?? defaultArchitecture(props), ["x86_64", "arm64"]);
    const image = props.image ?? DEFAULT_IMAGE;
    const { version, lambdaCode, driverCode } = packageFiles();

    const table = new ControlTable(this, "Table", props);
    const bucket = new ObjectBucket(this, "Bucket", props);
    const stores = { table, bucket };
    const functionLogs = new ExpiringLogGroup(this, "FunctionLogs", props);
    const taskLogs = new ExpiringLogGroup(this, "TaskLogs", props);
    const executorRole = new ExecutorRole(this, "ExecutorRole", { ...props, ...stores, functionLogs });

    const functions = new Functions(this, "Functions", {
      ...props,
      ...stores,
      architecture,
      code: lambdaCode,
      role: executorRole,
      logGroup: functionLogs,
    });

    const network = new Network(this, "Network", props);
    const clusterName = Names.uniqueResourceName(this, { maxLength: 100, separator: "-" });
    const ecs = ecsArns(stack, clusterName);
    // Used by ECS itself, to pull images and to write logs; each task definition adds what it needs.
    const executionRole = new Role(this, "ExecutionRole", {
      assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com"),
    });
    Validations.of(executionRole).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "A private image adds ecr:GetAuthorizationToken, for which AWS lets no resource be named.",
    });
    const container = { ...stores, logGroup: taskLogs, taskRole: executorRole, executionRole };
    const fargate = new FargateTask(this, "Fargate", { ...container, architecture, image });
    const gpu = props.gpu
      ? new Gpu(this, "Gpu", { ...props, ...container, clusterName, ecs, network, image: props.gpuImage ?? image })
      : undefined;
    const cluster = new Cluster(this, "Cluster", { clusterName, capacityProviders: gpu?.providerNames ?? [] });

    const driverFunction = Names.uniqueResourceName(this, { maxLength: 57, separator: "-" }).concat("-driver");
    const driverPolicy = new DriverPolicy(this, "DriverPolicy", {
      ...stores,
      driverFunction,
      ecs,
      functions: functions.functions,
      taskFamilies: [fargate, ...(gpu ? [gpu.task] : [])].map(({ family }) => family),
      passedRoles: [executorRole, executionRole],
      logGroups: [functionLogs, taskLogs],
    });

    new DriverFunction(this, "Driver", {
      functionName: driverFunction,
      architecture,
      code: driverCode,
      driverPolicy,
      logGroup: functionLogs,
    });

    new Outputs(this, "Outputs", {
      [StackOutput.protocol]: String(PROTOCOL_VERSION),
      [StackOutput.packageVersion]: version,
      [StackOutput.table]: table.tableName,
      [StackOutput.bucket]: bucket.bucketName,
      [StackOutput.functions]: stack.toJsonString(functions.output),
      [StackOutput.cluster]: cluster.ref,
      [StackOutput.fargateTaskDefinition]: fargate.taskDefinitionArn,
      [StackOutput.container]: CONTAINER_NAME,
      [StackOutput.subnets]: network.subnets.map(({ subnetId }) => subnetId).join(","),
      [StackOutput.securityGroups]: network.securityGroup.securityGroupId,
      [StackOutput.assignPublicIp]: network.assignPublicIp ? "ENABLED" : "DISABLED",
      [StackOutput.architecture]: architecture,
      [StackOutput.gpu]: gpu && stack.toJsonString(gpu.output),
      [StackOutput.logGroups]: stack.toJsonString({ lambda: functionLogs.logGroupName, ecs: taskLogs.logGroupName }),
      [StackOutput.driverFunction]: driverFunction,
      [StackOutput.driverPolicy]: driverPolicy.managedPolicyArn,
    });

    this.table = table;
    this.bucket = bucket;
    this.functions = functions.functions;
    this.vpc = network.vpc;
    this.executorRole = executorRole;
    this.grantPrincipal = executorRole;
    this.driverPolicy = driverPolicy;
    this.leftOut = [...bucket.leftOut, ...(gpu?.leftOut ?? [])];
  }
}

/** The outputs' keys are fixed, so that the SDK finds them. */
function requireOneInStack(lab: Stratolab): void {
  const others = Stack.of(lab)
    .node.findAll()
    .filter((each) => each instanceof Stratolab && each !== lab);
  if (others.length === 0) return;
  throw new Error(
    `A stack needs to hold one Stratolab. Got ${lab.node.path} beside ${others[0]?.node.path}. Put it in a stack of its own.`,
  );
}

/** The local AWS runs functions and containers as processes of this machine. */
const defaultArchitecture = ({ emulator }: StratolabProps) => (emulator && process.arch === "x64" ? "x86_64" : "arm64");

function requireGpu(props: StratolabProps): void {
  if (props.gpu) return;
  const names = ["gpuInstanceTypes", "gpuMaxInstances", "gpuSpotShare", "gpuImage"] as const;
  const given = names.filter((name) => props[name] !== undefined);
  if (given.length === 0) return;
  throw new Error(`${given.join(", ")} needs gpu to be true. Got gpu ${props.gpu}. Set it, or leave out the others.`);
}
