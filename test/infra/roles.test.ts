import { Template } from "aws-cdk-lib/assertions";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { App, Stack } from "aws-cdk-lib/core";
import { describe, expect, test } from "vitest";
import { Stratolab } from "../../infra/index.ts";
import { asText, propertiesOf, synthesize } from "./synthesize.ts";

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const many = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** "action resource" for everything that a policy allows. */
const allowed = (template: Template, type: string, idPart: string): string[] =>
  propertiesOf(template, type, idPart).PolicyDocument.Statement.flatMap(({ Action, Resource }: Statement) =>
    many(Action).flatMap((action) => many(Resource).map((resource) => `${action} ${asText(resource)}`)),
  );

const { template } = synthesize({ gpu: true });

describe("executor role", () => {
  const executor = allowed(template, "AWS::IAM::Policy", "ExecutorRole");

  test("reaches only the lab's own table, bucket and log group", () => {
    const resources = new Set(executor.map((each) => each.split(" ")[1]!.replace(/\/.*/, "")));
    expect([...resources].map((each) => each.replace(/[0-9A-F]{8}/, ""))).toEqual([
      "<LabTable.Arn>",
      "<LabBucket.Arn>",
      "<LabFunctionLogs.Arn>",
    ]);
  });

  test("reads and writes items and values", () => {
    const verbs = (service: string) =>
      executor.filter((each) => each.startsWith(service)).map((each) => each.split(":")[1]!);
    expect(verbs("dynamodb").map((each) => each.split(" ")[0])).toEqual([
      "GetItem",
      "BatchGetItem",
      "Query",
      "PutItem",
      "UpdateItem",
      "DeleteItem",
      "BatchWriteItem",
      "ConditionCheckItem",
    ]);
    for (const prefix of ["results", "content"]) {
      for (const verb of ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"]) {
        expect(verbs("s3")).toContainEqual(expect.stringMatching(`^${verb} .*/${prefix}/\\*$`));
      }
    }
  });

  test("cannot replace the code that others run", () => {
    expect(executor.filter((each) => /bundles|runtime/.test(each)).map((each) => each.split(" ")[0])).toEqual([
      "s3:GetObject",
      "s3:GetObject",
    ]);
  });

  test("may list the whole bucket, so that S3 says which objects are missing", () => {
    const listing = propertiesOf(template, "AWS::IAM::Policy", "ExecutorRole").PolicyDocument.Statement.find(
      ({ Action }: Statement) => Action === "s3:ListBucket",
    );
    expect(listing).not.toHaveProperty("Condition");
  });

  test("is the role of Lambda and ECS alike, with the user's policies on it", () => {
    const { template } = synthesize({ executorPolicyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"] });
    const role = propertiesOf(template, "AWS::IAM::Role", "ExecutorRole");
    expect(role.ManagedPolicyArns).toEqual(["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    const trusted = role.AssumeRolePolicyDocument.Statement;
    expect(trusted.map((each: { Principal: { Service: string } }) => each.Principal.Service)).toEqual([
      "lambda.amazonaws.com",
      "ecs-tasks.amazonaws.com",
    ]);
  });

  test("may read the secrets and parameters that are named, and no others", () => {
    const { template } = synthesize({
      readableSecrets: ["api-key", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-abcdef"],
      readableParameters: ["/lab/url"],
    });
    const executor = allowed(template, "AWS::IAM::Policy", "ExecutorRole").join("\n");
    expect(executor).toMatch(/secretsmanager:GetSecretValue \S*:secret:api-key-\?{6}/);
    expect(executor).toMatch(/secretsmanager:GetSecretValue \S*:secret:other-abcdef/);
    expect(executor).toMatch(/ssm:GetParameter \S*:parameter\/lab\/url/);
    expect(() => synthesize({ readableSecrets: ["*"] })).toThrow(/readableSecrets needs names or ARNs/);
  });

  test("is what the user grants access to", () => {
    const stack = new Stack(new App(), "Mine");
    new Bucket(stack, "Data").grantRead(new Stratolab(stack, "Lab"));
    const executor = allowed(Template.fromStack(stack), "AWS::IAM::Policy", "ExecutorRole");
    expect(executor).toContainEqual(expect.stringMatching(/^s3:GetObject\* <Data/));
  });
});

describe("driver policy", () => {
  const driver = allowed(template, "AWS::IAM::ManagedPolicy", "DriverPolicy");
  const resourcesOf = (action: string) =>
    driver.filter((each) => each.startsWith(`${action} `)).map((each) => each.split(" ")[1]);
  const arn = (service: string, rest: string) =>
    `arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>:${rest}`;
  const cluster = propertiesOf(template, "AWS::ECS::Cluster").ClusterName;

  test("finds the stack, invokes its functions, runs its ECS tasks", () => {
    expect(resourcesOf("cloudformation:DescribeStacks")).toEqual([arn("cloudformation", "stack/Stratolab/*")]);
    // Those of the sizes, and the driver of detached runs.
    expect(resourcesOf("lambda:InvokeFunction")).toHaveLength(7);
    const families = Object.values(template.findResources("AWS::ECS::TaskDefinition")).map(
      (each) => each.Properties.Family,
    );
    expect(resourcesOf("ecs:RunTask")).toEqual(families.map((family) => arn("ecs", `task-definition/${family}:*`)));
    expect(resourcesOf("ecs:DescribeTasks")).toEqual([arn("ecs", `task/${cluster}/*`)]);
    expect(resourcesOf("ecs:StopTask")).toEqual([arn("ecs", `task/${cluster}/*`)]);
  });

  test("keeps to its own cluster, and hands roles to ECS only", () => {
    const { Statement } = propertiesOf(template, "AWS::IAM::ManagedPolicy", "DriverPolicy").PolicyDocument;
    const conditionOf = (action: string) =>
      Statement.find((each: Statement) => many(each.Action).includes(action)).Condition;
    for (const action of ["ecs:RunTask", "ecs:ListTasks"]) {
      expect(asText(conditionOf(action).ArnEquals["ecs:cluster"])).toBe(arn("ecs", `cluster/${cluster}`));
    }
    expect(conditionOf("iam:PassRole")).toEqual({ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    expect(resourcesOf("iam:PassRole")).toHaveLength(2);
  });

  test("names every resource but the account's settings, which have none", () => {
    expect(driver.filter((each) => each.endsWith(" *"))).toEqual(["lambda:GetAccountSettings *"]);
  });

  test("uploads code", () => {
    expect(resourcesOf("s3:PutObject").map((each) => each?.replace(/.*>/, ""))).toEqual([
      "/results/*",
      "/content/*",
      "/checkpoints/*",
      "/bundles/*",
      "/runtime/*",
    ]);
  });

  test("stays below IAM's 6,144 characters at the most functions there can be", () => {
    const { template } = synthesize({
      gpu: true,
      lambdaSizes: Array.from({ length: 23 }, (_, n) => 128 + n),
      gpuSpotShare: 0.5,
    });
    const text = JSON.stringify(
      propertiesOf(template, "AWS::IAM::ManagedPolicy", "DriverPolicy").PolicyDocument,
      (_, value) => (value?.["Fn::Join"] || value?.["Fn::GetAtt"] || value?.Ref ? deployed(asText(value)) : value),
    );
    expect(text.length).toBeLessThan(6144);
  });
});

/** An ARN about as long as AWS would make it. */
function deployed(arn: string): string {
  const name = "n".repeat(64);
  return arn
    .replace(/<Lab(Functions)?\w+\.Arn>/, `arn:aws:lambda:ap-southeast-2:123456789012:function:${name}`)
    .replace("<AWS::Partition>", "aws")
    .replace("<AWS::Region>", "ap-southeast-2")
    .replace("<AWS::AccountId>", "123456789012");
}

test("the GPU instances' role acts in its own cluster only", () => {
  const instances = allowed(template, "AWS::IAM::Policy", "InstanceRole");
  expect(instances.filter((each) => each.endsWith(" *"))).toEqual([
    "ecs:DiscoverPollEndpoint *",
    "ecr:GetAuthorizationToken *",
  ]);
});
