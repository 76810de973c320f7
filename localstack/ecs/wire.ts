/**
 * What crosses the wire of the ECS API, in AWS's names, as far as the stand-in reads or writes it.
 * Times are seconds since 1970, as AWS JSON has them.
 */

interface KeyValue {
  readonly name: string;
  readonly value: string;
}

export interface Tag {
  readonly key: string;
  readonly value?: string;
}

export interface ResourceRequirement {
  readonly type: "GPU" | "InferenceAccelerator";
  readonly value: string;
}

export interface EphemeralStorage {
  readonly sizeInGiB: number;
}

export interface ContainerDefinition {
  readonly name: string;
  readonly image?: string;
  readonly essential?: boolean;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: readonly KeyValue[];
  readonly cpu?: number;
  readonly memory?: number;
  readonly memoryReservation?: number;
  readonly stopTimeout?: number;
  readonly resourceRequirements?: readonly ResourceRequirement[];
  readonly logConfiguration?: LogConfiguration;
}

export interface LogConfiguration {
  readonly logDriver: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface TaskDefinition {
  readonly taskDefinitionArn: string;
  readonly family: string;
  readonly revision: number;
  readonly status?: string;
  readonly networkMode?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly compatibilities?: readonly string[];
  readonly requiresCompatibilities?: readonly string[];
  readonly containerDefinitions: readonly ContainerDefinition[];
  readonly ephemeralStorage?: EphemeralStorage;
}

export interface CapacityProviderStrategyItem {
  readonly capacityProvider: string;
  readonly weight?: number;
  readonly base?: number;
}

export interface Cluster {
  readonly clusterArn: string;
  readonly clusterName: string;
  readonly status: string;
  readonly capacityProviders?: readonly string[];
  readonly defaultCapacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
}

export interface ContainerOverride {
  readonly name?: string;
  readonly command?: readonly string[];
  readonly environment?: readonly KeyValue[];
  readonly cpu?: number;
  readonly memory?: number;
  readonly memoryReservation?: number;
  readonly resourceRequirements?: readonly ResourceRequirement[];
}

interface TaskOverride {
  readonly containerOverrides?: readonly ContainerOverride[];
  readonly cpu?: string;
  readonly memory?: string;
  readonly ephemeralStorage?: EphemeralStorage;
  readonly taskRoleArn?: string;
  readonly executionRoleArn?: string;
}

interface AwsvpcConfiguration {
  readonly subnets?: readonly string[];
  readonly securityGroups?: readonly string[];
  readonly assignPublicIp?: "ENABLED" | "DISABLED";
}

export interface RunTaskInput {
  readonly cluster?: string;
  readonly taskDefinition?: string;
  readonly count?: number;
  readonly launchType?: LaunchType;
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
  readonly networkConfiguration?: { readonly awsvpcConfiguration?: AwsvpcConfiguration };
  readonly overrides?: TaskOverride;
  readonly platformVersion?: string;
  readonly propagateTags?: string;
  readonly group?: string;
  readonly startedBy?: string;
  readonly clientToken?: string;
  readonly enableExecuteCommand?: boolean;
  readonly tags?: readonly Tag[];
}

export type LaunchType = "EC2" | "FARGATE" | "EXTERNAL" | "MANAGED_INSTANCES";

/** Something asked for that was not done, in an answer that is otherwise a success. */
export interface Failure {
  readonly arn?: string;
  readonly reason: string;
  readonly detail?: string;
}

/** Why an ECS task stopped. Other codes than AWS documents have been seen, so any text is allowed. */
export type StopCode =
  | "TaskFailedToStart"
  | "EssentialContainerExited"
  | "UserInitiated"
  | "ServiceSchedulerInitiated"
  | "SpotInterruption"
  | "TerminationNotice"
  | "InfrastructureHealth"
  | (string & {});

export interface EcsContainer {
  readonly containerArn: string;
  readonly taskArn: string;
  readonly name: string;
  readonly image?: string;
  readonly runtimeId?: string;
  readonly lastStatus: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly networkBindings: readonly never[];
  readonly networkInterfaces: readonly object[];
  readonly healthStatus: "UNKNOWN";
  readonly cpu: string;
  readonly memory?: string;
  readonly memoryReservation?: string;
  readonly gpuIds?: readonly string[];
}

export type TaskStatus =
  | "PROVISIONING"
  | "PENDING"
  | "RUNNING"
  | "DEACTIVATING"
  | "STOPPING"
  | "DEPROVISIONING"
  | "STOPPED";

/** An ECS task as DescribeTasks shows it. */
export interface EcsTask {
  readonly taskArn: string;
  readonly clusterArn: string;
  readonly taskDefinitionArn: string;
  readonly containerInstanceArn?: string;
  readonly attachments: readonly object[];
  readonly availabilityZone: string;
  readonly capacityProviderName?: string;
  readonly launchType: LaunchType;
  readonly platformVersion?: string;
  readonly platformFamily?: string;
  readonly containers: readonly EcsContainer[];
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorage?: EphemeralStorage;
  readonly overrides: TaskOverride;
  readonly group: string;
  readonly startedBy?: string;
  readonly enableExecuteCommand: boolean;
  readonly healthStatus: "UNKNOWN";
  readonly tags: readonly Tag[];
  readonly version: number;
  readonly lastStatus: TaskStatus;
  readonly desiredStatus: "RUNNING" | "STOPPED";
  readonly connectivity?: "CONNECTED" | "DISCONNECTED";
  readonly connectivityAt?: number;
  readonly createdAt: number;
  readonly pullStartedAt?: number;
  readonly pullStoppedAt?: number;
  readonly startedAt?: number;
  readonly stoppingAt?: number;
  readonly executionStoppedAt?: number;
  readonly stoppedAt?: number;
  readonly stopCode?: StopCode;
  readonly stoppedReason?: string;
}
