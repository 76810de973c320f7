import { describe, expect, test } from "vitest";
import { gpuInstances } from "../../infra/gpu-instances.ts";
import type { StratolabProps } from "../../infra/index.ts";
import type { GpuOutput } from "../../sdk/wire/stack-outputs.ts";
import { asText, outputOf, propertiesOf, synthesize } from "./synthesize.ts";

const gpuOutput = (props: StratolabProps): GpuOutput =>
  JSON.parse(outputOf(synthesize({ gpu: true, ...props }).template, "Gpu"));

test("there is nothing of it unless asked for", () => {
  const { template } = synthesize();
  template.resourceCountIs("AWS::AutoScaling::AutoScalingGroup", 0);
  template.resourceCountIs("AWS::ECS::TaskDefinition", 1);
  expect(template.toJSON().Outputs).not.toHaveProperty("Gpu");
  expect(() => synthesize({ gpuMaxInstances: 2 })).toThrow("gpuMaxInstances needs gpu to be true. Got gpu undefined.");
});

describe("GPU capacity", () => {
  const { template } = synthesize({ gpu: true, gpuMaxInstances: 4, gpuSpotShare: 0.5 });
  const launch = (idPart: string) => propertiesOf(template, "AWS::EC2::LaunchTemplate", idPart).LaunchTemplateData;

  test("scales from zero, On-Demand and Spot apart, and never ends an instance with an ECS task on it", () => {
    template.resourceCountIs("AWS::AutoScaling::AutoScalingGroup", 2);
    template.allResourcesProperties("AWS::AutoScaling::AutoScalingGroup", {
      MinSize: "0",
      MaxSize: "2",
      NewInstancesProtectedFromScaleIn: true,
    });
    template.allResourcesProperties("AWS::ECS::CapacityProvider", {
      AutoScalingGroupProvider: {
        ManagedScaling: { Status: "ENABLED", TargetCapacity: 100, MaximumScalingStepSize: 2 },
        ManagedTerminationProtection: "ENABLED",
      },
    });
    expect(launch("xlargeTemplate")).not.toHaveProperty("InstanceMarketOptions");
    expect(launch("spotTemplate").InstanceMarketOptions.MarketType).toBe("spot");
  });

  test("is in the cluster beside Fargate, on instances that join it by its name", () => {
    const { CapacityProviders, ClusterName } = propertiesOf(template, "AWS::ECS::Cluster");
    expect(CapacityProviders.map(asText)).toEqual([
      "FARGATE",
      "FARGATE_SPOT",
      ...JSON.parse(outputOf(template, "Gpu")).capacityProviders.map(({ name }: { name: string }) => name),
    ]);
    expect(launch("xlargeTemplate").UserData["Fn::Base64"]).toContain(`\nECS_CLUSTER=${ClusterName}\n`);
    expect(launch("spotTemplate").UserData["Fn::Base64"]).toContain("ECS_ENABLE_SPOT_INSTANCE_DRAINING=true");
  });

  test("uses the ECS-optimized GPU image, encrypted disks, and metadata that containers cannot reach", () => {
    const [image] = Object.values(template.findParameters("*")).filter((each) => /Image::Id/.test(each.Type));
    expect(image?.Default).toBe("/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id");
    expect(launch("xlargeTemplate")).toMatchObject({
      InstanceType: "g4dn.xlarge",
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
      BlockDeviceMappings: [{ Ebs: { Encrypted: true, VolumeType: "gp3", VolumeSize: 100 } }],
      NetworkInterfaces: [{ AssociatePublicIpAddress: true }],
    });
  });
});

describe("GPU task definition", () => {
  const { template } = synthesize({ gpu: true, image: "plain:1", gpuImage: "cuda:12" });
  const task = propertiesOf(template, "AWS::ECS::TaskDefinition", "GpuTask");
  const [container] = task.ContainerDefinitions;

  test("asks EC2 for a GPU, for RunTask to override, on Docker's bridge", () => {
    expect(task).toMatchObject({
      RequiresCompatibilities: ["EC2"],
      NetworkMode: "bridge",
      Cpu: "1024",
      Memory: "2048",
    });
    expect(task).not.toHaveProperty("RuntimePlatform");
    expect(container.ResourceRequirements).toEqual([{ Type: "GPU", Value: "1" }]);
    expect(container).not.toHaveProperty("Memory");
    expect(container).not.toHaveProperty("MemoryReservation");
  });

  test("is the container of Fargate, with an image of its own and NVIDIA's driver", () => {
    const fargate = propertiesOf(template, "AWS::ECS::TaskDefinition", "Fargate").ContainerDefinitions[0];
    expect(fargate.Image).toBe("plain:1");
    expect(container).toMatchObject({
      Image: "cuda:12",
      Name: fargate.Name,
      Command: fargate.Command,
      StopTimeout: 120,
    });
    expect(container.Environment).toEqual([
      ...fargate.Environment,
      { Name: "NVIDIA_DRIVER_CAPABILITIES", Value: "compute,utility" },
    ]);
  });

  test("uses the image of Fargate where it has none", () => {
    const plain = synthesize({ gpu: true, image: "plain:1" }).template;
    expect(propertiesOf(plain, "AWS::ECS::TaskDefinition", "GpuTask").ContainerDefinitions[0].Image).toBe("plain:1");
  });
});

describe("the Gpu output", () => {
  test("names a provider for each instance type and purchase, On-Demand first, and what instances offer", () => {
    const output = gpuOutput({ gpuInstanceTypes: ["g6.12xlarge", "g5.xlarge"], gpuMaxInstances: 3, gpuSpotShare: 0.4 });
    expect(output.capacityProviders).toMatchObject([
      { instanceType: "g5.xlarge", spot: false, maxInstances: 2 },
      { instanceType: "g6.12xlarge", spot: false, maxInstances: 2 },
      { instanceType: "g5.xlarge", spot: true, maxInstances: 1 },
      { instanceType: "g6.12xlarge", spot: true, maxInstances: 1 },
    ]);
    expect(output.instances).toMatchObject([
      { type: "g5.xlarge", gpuType: "a10g", gpus: 1, vcpus: 4 },
      { type: "g6.12xlarge", gpuType: "l4", gpus: 4, vcpus: 48 },
    ]);
    expect(output.maxInstances).toBe(3);
    expect(output.taskDefinition).toMatch(/GpuTask/);
  });

  test("promises less memory than an instance has: the kernel and the ECS agent need some", () => {
    expect(gpuInstances(["g4dn.xlarge"])[0]!.memoryMb).toBe(15_052);
  });

  test.each([
    [0, [[false, 4]]],
    [
      0.01,
      [
        [false, 3],
        [true, 1],
      ],
    ],
    [
      0.5,
      [
        [false, 2],
        [true, 2],
      ],
    ],
    [
      0.99,
      [
        [false, 1],
        [true, 3],
      ],
    ],
    [1, [[true, 4]]],
  ])("with a Spot share of %d gives %j", (gpuSpotShare, expected) => {
    const { capacityProviders } = gpuOutput({ gpuSpotShare });
    expect(capacityProviders).toMatchObject(expected.map(([spot, maxInstances]) => ({ spot, maxInstances })));
    expect(capacityProviders).toHaveLength(expected.length);
  });

  test.each([
    [{ gpuInstanceTypes: ["g4dn.huge"] }, 'Got ["g4dn.huge"]. Name at least one of them, each once.'],
    [{ gpuInstanceTypes: [] }, "Got []. Name at least one of them, each once."],
    [{ gpuSpotShare: 50 }, "gpuSpotShare needs a number from 0 to 1. Got 50."],
    [{ gpuSpotShare: 0.5, gpuMaxInstances: 1 }, "gpuSpotShare 0.5 needs at least 2 instances to share."],
    [{ gpuMaxInstances: 0 }, "gpuMaxInstances needs a whole number from 1 to 1000. Got 0."],
    [
      {
        gpuSpotShare: 0.5,
        gpuInstanceTypes: ["", "2", "4", "8", "12", "16", "24", "48"].flatMap((n) => [
          `g5.${n}xlarge`,
          `g6.${n}xlarge`,
        ]),
      },
      "gpuInstanceTypes may make 18 capacity providers, On-Demand and Spot apart. Got 32.",
    ],
  ])("refuses %j", (props, message) => {
    expect(() => synthesize({ gpu: true, ...props })).toThrow(message);
  });
});

test("the emulator gets everything but the capacity itself, whose names stay", () => {
  const { template, lab } = synthesize({ gpu: true, gpuSpotShare: 0.5, emulator: true });
  for (const type of ["AWS::ECS::CapacityProvider", "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate"]) {
    template.resourceCountIs(type, 0);
  }
  const names = ["Stratolab-g4dn-xlarge", "Stratolab-g4dn-xlarge-spot"];
  expect(JSON.parse(outputOf(template, "Gpu")).capacityProviders).toMatchObject([
    { name: names[0], spot: false },
    { name: names[1], spot: true },
  ]);
  expect(propertiesOf(template, "AWS::ECS::Cluster").CapacityProviders).toEqual(["FARGATE", "FARGATE_SPOT", ...names]);
  expect(lab.leftOut).toEqual(names.map((name) => expect.stringContaining(`the capacity provider ${name},`)));
});
