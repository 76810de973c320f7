import { describe, expect, test } from "vitest";
import { asText, propertiesOf, synthesize } from "./synthesize.ts";

const { template } = synthesize();
const task = propertiesOf(template, "AWS::ECS::TaskDefinition");
const [container] = task.ContainerDefinitions;

test("the cluster offers Fargate and Fargate Spot, under a name of its own", () => {
  expect(propertiesOf(template, "AWS::ECS::Cluster")).toMatchObject({
    ClusterName: expect.stringMatching(/^Stratolab-/),
    CapacityProviders: ["FARGATE", "FARGATE_SPOT"],
  });
});

describe("Fargate task definition", () => {
  test("is 1 vCPU and 2 GB on arm64, for RunTask to override as a whole", () => {
    expect(task).toMatchObject({
      RequiresCompatibilities: ["FARGATE"],
      NetworkMode: "awsvpc",
      Cpu: "1024",
      Memory: "2048",
      RuntimePlatform: { CpuArchitecture: "ARM64", OperatingSystemFamily: "LINUX" },
    });
    expect(container).not.toHaveProperty("Memory");
    expect(container).not.toHaveProperty("Cpu");
    const intel = propertiesOf(synthesize({ architecture: "x86_64" }).template, "AWS::ECS::TaskDefinition");
    expect(intel.RuntimePlatform.CpuArchitecture).toBe("X86_64");
  });

  test("starts the bootstrap in a public Node image, with time to end well", () => {
    expect(container).toMatchObject({
      Name: "executor",
      Essential: true,
      Image: "public.ecr.aws/docker/library/node:22-slim",
      EntryPoint: ["node"],
      Command: ["--input-type=module", "--eval", expect.stringContaining("STRATOLAB_RUNTIME_URL")],
      StopTimeout: 120,
      LinuxParameters: { InitProcessEnabled: true },
    });
    expect(container.Environment.map(({ Name }: { Name: string }) => Name)).toEqual([
      "STRATOLAB_TABLE",
      "STRATOLAB_BUCKET",
      "AWS_REGION",
    ]);
  });

  test("writes logs without ever blocking user code", () => {
    expect(container.LogConfiguration).toMatchObject({
      LogDriver: "awslogs",
      Options: {
        "awslogs-group": { Ref: expect.stringContaining("TaskLogs") },
        "awslogs-stream-prefix": "ecs",
        mode: "non-blocking",
      },
    });
  });
});

describe("an image of the user's", () => {
  const executionPolicy = (image: string) => {
    const { template } = synthesize({ image });
    const [{ Image }] = propertiesOf(template, "AWS::ECS::TaskDefinition").ContainerDefinitions;
    const { Statement } = propertiesOf(template, "AWS::IAM::Policy", "ExecutionRole").PolicyDocument;
    return { image: asText(Image), actions: JSON.stringify(Statement), statements: Statement };
  };

  test("is taken as it is from a public registry", () => {
    const { image, actions } = executionPolicy("docker.io/library/node:24");
    expect(image).toBe("docker.io/library/node:24");
    expect(actions).not.toContain("ecr:");
  });

  test("in private ECR comes with the permission to pull that repository only", () => {
    const name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/lab";
    const { image, statements } = executionPolicy(`${name}:v2`);
    expect(image).toMatch(/123456789012\.dkr\.ecr\.eu-west-1\..*\/team\/lab:v2$/);
    const [pull] = statements.filter((each: { Action: string[] }) => each.Action.includes("ecr:BatchGetImage"));
    expect(asText(pull.Resource)).toBe("arn:<AWS::Partition>:ecr:eu-west-1:123456789012:repository/team/lab");
    expect(executionPolicy(`${name}@sha256:${"a".repeat(64)}`).image).toMatch(/team\/lab@sha256:a{64}$/);
  });
});
