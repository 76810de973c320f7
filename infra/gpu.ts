import type { IRole } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { Stack } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import type { GpuOutput } from "../sdk/wire/stack-outputs.ts";
import { wholeNumber } from "./checks.ts";
import { ecrImage } from "./container-image.ts";
import type { Stores } from "./data-access.ts";
import type { EcsArns } from "./ecs-arns.ts";
import { GpuCapacity } from "./gpu-capacity.ts";
import { GpuInstanceRole } from "./gpu-instance-role.ts";
import { gpuInstances } from "./gpu-instances.ts";
import { GpuTask } from "./gpu-task.ts";
import type { Network } from "./network.ts";

interface GpuProps extends Stores {
  readonly clusterName: string;
  readonly ecs: EcsArns;
  readonly network: Network;
  readonly image: string;
  readonly logGroup: ILogGroup;
  readonly taskRole: IRole;
  readonly executionRole: IRole;
  readonly gpuInstanceTypes?: readonly string[] | undefined;
  readonly gpuMaxInstances?: number | undefined;
  readonly gpuSpotShare?: number | undefined;
  readonly emulator?: boolean | undefined;
}

/** ECS on EC2 instances with GPUs: the task definition, and the capacity it runs on. */
export class Gpu extends Construct {
  readonly task: GpuTask;
  readonly output: GpuOutput;
  /** Capacity providers for the cluster. */
  readonly providerNames: readonly string[];
  /** What was left out because the emulator lacks it. */
  readonly leftOut: readonly string[];

  constructor(scope: Construct, id: string, props: GpuProps) {
    super(scope, id);
    const instances = gpuInstances(props.gpuInstanceTypes ?? ["g4dn.xlarge"]);
    const maxInstances = wholeNumber("gpuMaxInstances", props.gpuMaxInstances ?? 4, { from: 1, to: 1000 });
    const wanted = split(maxInstances, props.gpuSpotShare ?? 0).flatMap((purchase) =>
      instances.map(({ type }) => ({ ...purchase, instanceType: type })),
    );
    requireRoomInCluster(wanted.length);

    this.task = new GpuTask(this, "Task", props);
    const providerName = props.emulator ? (each: Capacity) => this.standInName(each) : this.capacityMaker(props);
    const capacityProviders = wanted.map((each) => ({ name: providerName(each), ...each }));
    this.providerNames = capacityProviders.map(({ name }) => name);
    this.leftOut = (props.emulator ? this.providerNames : []).map(
      (name) => `the capacity provider ${name}, with its Auto Scaling group and launch template`,
    );
    this.output = { taskDefinition: this.task.taskDefinitionArn, capacityProviders, instances, maxInstances };
  }

  /** Makes the capacity, and says the name of its provider. */
  private capacityMaker(props: GpuProps): (capacity: Capacity) => string {
    const instanceRole = new GpuInstanceRole(this, "InstanceRole", props);
    ecrImage(this, "Image", props.image)?.repository.grantPull(instanceRole);
    return (capacity) =>
      new GpuCapacity(this, capacityId(capacity), { ...props, ...capacity, instanceRole }).provider
        .capacityProviderName;
  }

  /** A name for what does not exist: the ECS stand-in beside the emulator runs its tasks all the same. */
  private standInName(capacity: Capacity): string {
    return `${Stack.of(this).stackName}-${capacityId(capacity)}`;
  }
}

interface Capacity {
  readonly instanceType: string;
  readonly spot: boolean;
  readonly maxInstances: number;
}

const capacityId = ({ instanceType, spot }: Capacity): string => instanceType.replace(".", "-") + (spot ? "-spot" : "");

/** ECS allows 20 capacity providers to a cluster, of which Fargate has two. */
const MOST_PROVIDERS = 18;

function requireRoomInCluster(providers: number): void {
  if (providers <= MOST_PROVIDERS) return;
  throw new Error(
    `gpuInstanceTypes may make ${MOST_PROVIDERS} capacity providers, On-Demand and Spot apart. Got ${providers}. Name fewer types.`,
  );
}

/** On-Demand first. Both kinds have an instance at least, where the share is neither 0 nor 1. */
function split(maxInstances: number, spotShare: number): readonly Omit<Capacity, "instanceType">[] {
  if (!(spotShare >= 0 && spotShare <= 1)) {
    throw new Error(`gpuSpotShare needs a number from 0 to 1. Got ${spotShare}. Choose 0.5 for half of the instances.`);
  }
  const mixed = spotShare > 0 && spotShare < 1;
  if (mixed && maxInstances === 1) {
    throw new Error(
      `gpuSpotShare ${spotShare} needs at least 2 instances to share. Got gpuMaxInstances 1. Choose more, or a share of 0 or 1.`,
    );
  }
  const rounded = Math.round(maxInstances * spotShare);
  const spot = mixed ? Math.min(Math.max(rounded, 1), maxInstances - 1) : rounded;
  return [
    { spot: false, maxInstances: maxInstances - spot },
    { spot: true, maxInstances: spot },
  ].filter((each) => each.maxInstances > 0);
}
