import {
  AwsLogDriverMode,
  type ContainerDefinition,
  type ContainerDefinitionOptions,
  LinuxParameters,
  LogDrivers,
  type TaskDefinition,
} from "aws-cdk-lib/aws-ecs";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { Duration, Size, Stack, Validations } from "aws-cdk-lib/core";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";
import { containerBootstrap } from "./container-bootstrap.ts";
import { containerImage } from "./container-image.ts";
import type { Stores } from "./data-access.ts";

/** Name of the container in both task definitions: RunTask's overrides name it. */
export const CONTAINER_NAME = "executor";

interface ExecutorContainerProps extends Stores {
  readonly image: string;
  readonly logGroup: ILogGroup;
  /** GPUs, if any; RunTask may ask for another number. */
  readonly gpuCount?: number;
}

/**
 * Adds the one container of a task definition. It has no limits of its own, so that RunTask sets
 * memory and vCPU in one place, for the whole ECS task.
 */
export function addExecutorContainer(task: TaskDefinition, props: ExecutorContainerProps): ContainerDefinition {
  const options: ContainerDefinitionOptions = {
    containerName: CONTAINER_NAME,
    image: containerImage(task, "Image", props.image),
    ...containerBootstrap(),
    environment: {
      [ExecutorEnv.table]: props.table.tableName,
      [ExecutorEnv.bucket]: props.bucket.bucketName,
      // Fargate sets it by itself; on EC2 a container could only ask the instance, and may not.
      AWS_REGION: Stack.of(task).region,
      ...(props.gpuCount && GPU_ENVIRONMENT),
    },
    // As long as AWS allows: after SIGTERM the supervisor lets user code write its checkpoint.
    stopTimeout: Duration.seconds(120),
    // An init process reaps what user code leaves behind, and passes SIGTERM on.
    linuxParameters: new LinuxParameters(task, "Linux", { initProcessEnabled: true }),
    // User code may write where it likes, as on the laptop; nothing of it outlives the ECS task.
    readonlyRootFilesystem: false,
    logging: LogDrivers.awsLogs({
      logGroup: props.logGroup,
      // A log stream is then named `ecs/executor/` and the id of the ECS task, on Fargate and on EC2.
      streamPrefix: "ecs",
      // A slow CloudWatch must not stop user code that prints much.
      mode: AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: Size.mebibytes(4),
    }),
    ...(props.gpuCount && { gpuCount: props.gpuCount }),
  };
  Validations.of(task).acknowledge({
    id: "AwsSolutions-ECS2",
    reason: "The variables are names of the table and the bucket, no secrets. RunTask sets the rest for each ECS task.",
  });
  return task.addContainer("Container", options);
}

/** Mounts NVIDIA's driver and its tools into images that do not ask for them, such as plain Node ones. */
const GPU_ENVIRONMENT = { NVIDIA_DRIVER_CAPABILITIES: "compute,utility" };
