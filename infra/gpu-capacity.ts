import { AutoScalingGroup } from "aws-cdk-lib/aws-autoscaling";
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  SpotRequestType,
  UserData,
} from "aws-cdk-lib/aws-ec2";
import { AmiHardwareType, AsgCapacityProvider, EcsOptimizedImage } from "aws-cdk-lib/aws-ecs";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Validations } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { RESERVED_MEMORY_MB } from "./gpu-instances.ts";
import type { Network } from "./network.ts";

interface GpuCapacityProps {
  readonly clusterName: string;
  readonly network: Network;
  readonly instanceType: string;
  readonly instanceRole: IRole;
  readonly spot: boolean;
  readonly maxInstances: number;
}

/** Room for large images and for tasks' files, in GB. */
const VOLUME_GB = 100;

/**
 * EC2 instances of one type, that ECS starts when an ECS task waits for them and ends when none runs.
 *
 * One type each, because ECS scales a group without asking which of its types a waiting ECS task
 * needs: in a mixed group a task for four GPUs may start instances of one, again and again.
 */
export class GpuCapacity extends Construct {
  readonly provider: AsgCapacityProvider;

  constructor(scope: Construct, id: string, props: GpuCapacityProps) {
    super(scope, id);
    const { network } = props;
    const group = new AutoScalingGroup(this, "Group", {
      vpc: network.vpc,
      vpcSubnets: { subnets: [...network.subnets] },
      launchTemplate: this.launchTemplate(props),
      minCapacity: 0,
      maxCapacity: props.maxInstances,
    });
    this.provider = new AsgCapacityProvider(this, "Provider", {
      autoScalingGroup: group,
      enableManagedScaling: true,
      // Without it the group may end an instance on which an ECS task still runs.
      enableManagedTerminationProtection: true,
      targetCapacityPercent: 100,
      maximumScalingStepSize: props.maxInstances,
      instanceWarmupPeriod: 60,
    });
    Validations.of(group).acknowledge({
      id: "AwsSolutions-AS3",
      reason: "ECS scales the group with each ECS task that comes and goes; the lab itself reports what it starts.",
    });
  }

  private launchTemplate(props: GpuCapacityProps): LaunchTemplate {
    const userData = UserData.forLinux();
    userData.addCommands(
      "cat >> /etc/ecs/ecs.config <<'END'",
      `ECS_CLUSTER=${props.clusterName}`,
      "ECS_ENABLE_GPU_SUPPORT=true",
      "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true",
      `ECS_RESERVED_MEMORY=${RESERVED_MEMORY_MB}`,
      "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached",
      ...(props.spot ? ["ECS_ENABLE_SPOT_INSTANCE_DRAINING=true"] : []),
      "END",
    );
    return new LaunchTemplate(this, "Template", {
      instanceType: new InstanceType(props.instanceType),
      machineImage: EcsOptimizedImage.amazonLinux2023(AmiHardwareType.GPU),
      role: props.instanceRole,
      securityGroup: props.network.securityGroup,
      associatePublicIpAddress: props.network.assignPublicIp,
      // One hop is as far as the instance itself: containers on the bridge cannot ask for its credentials.
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      blockDevices: [
        {
          deviceName: "/dev/xvda",
          volume: BlockDeviceVolume.ebs(VOLUME_GB, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
      userData,
      ...(props.spot && { spotOptions: { requestType: SpotRequestType.ONE_TIME } }),
    });
  }
}
