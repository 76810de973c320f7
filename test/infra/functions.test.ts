import { describe, expect, test } from "vitest";
import { outputOf, propertiesOf, synthesize } from "./synthesize.ts";

const { template } = synthesize();

/** The functions that run tasks; the one that drives detached runs is none of them. */
const executorsOf = (from = template) =>
  Object.values(from.findResources("AWS::Lambda::Function")).filter(({ Properties }) =>
    /executor/.test(Properties.Description),
  );

const sizesOf = (from = template): number[] => executorsOf(from).map(({ Properties }) => Properties.MemorySize);

describe("the driver of detached runs", () => {
  test("is one function with the driver's policy, started again when it was killed", () => {
    const drivers = template.findResources("AWS::Lambda::Function", {
      Properties: { Description: "stratolab driver of detached runs" },
    });
    const [{ Properties }] = Object.values(drivers) as [{ Properties: Record<string, unknown> }];
    expect(Properties).toMatchObject({ MemorySize: 512, Timeout: 900, Handler: "index.handler" });
    expect(Properties.FunctionName).toBe(outputOf(template, "DriverFunction"));
    expect(Properties).toMatchObject({ Environment: { Variables: { STRATOLAB_STACK: "Stratolab" } } });
    template.resourcePropertiesCountIs("AWS::Lambda::EventInvokeConfig", { MaximumRetryAttempts: 2 }, 1);
    const role = propertiesOf(template, "AWS::IAM::Role", "Driver");
    expect(JSON.stringify(role.ManagedPolicyArns)).toContain("DriverPolicy");
  });
});

describe("Lambda functions", () => {
  test("come in one size each", () => {
    expect(sizesOf()).toEqual([512, 1024, 1769, 3538, 7076, 10240]);
    expect(sizesOf(synthesize({ lambdaSizes: [3008, 128] }).template)).toEqual([128, 3008]);
  });

  test("are the same code for nodejs22.x on arm64, for as long as Lambda allows", () => {
    const [logGroup] = Object.keys(template.findResources("AWS::Logs::LogGroup")).filter((id) => /Function/.test(id));
    expect(propertiesOf(template, "AWS::Lambda::Function", "1769Mb")).toMatchObject({
      Runtime: "nodejs22.x",
      Handler: "index.handler",
      Architectures: ["arm64"],
      MemorySize: 1769,
      Timeout: 900,
      EphemeralStorage: { Size: 512 },
      LoggingConfig: { LogGroup: { Ref: logGroup } },
      Environment: {
        Variables: {
          STRATOLAB_TABLE: { Ref: expect.stringContaining("Table") },
          STRATOLAB_BUCKET: { Ref: expect.stringContaining("Bucket") },
          STRATOLAB_MEMORY_MB: "1769",
        },
      },
    });
    const code = executorsOf().map((each) => each.Properties.Code);
    expect(new Set(code.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  test("run outside any VPC and take the account's concurrency", () => {
    for (const { Properties } of Object.values(template.findResources("AWS::Lambda::Function"))) {
      expect(Properties).not.toHaveProperty("VpcConfig");
      expect(Properties).not.toHaveProperty("ReservedConcurrentExecutions");
    }
  });

  test("are never retried by Lambda itself", () => {
    template.resourcePropertiesCountIs(
      "AWS::Lambda::EventInvokeConfig",
      { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 21_600 },
      6,
    );
  });

  test("take architecture, disk, concurrency and copies from props", () => {
    const { template: other } = synthesize({
      architecture: "x86_64",
      lambdaSizes: [1024, 2048],
      functionCopies: 2,
      lambdaEphemeralStorageMb: 2048,
      reservedConcurrency: 50,
    });
    expect(sizesOf(other)).toEqual([1024, 1024, 2048, 2048]);
    for (const { Properties } of executorsOf(other)) {
      expect(Properties).toMatchObject({
        Architectures: ["x86_64"],
        EphemeralStorage: { Size: 2048 },
        ReservedConcurrentExecutions: 50,
      });
    }
    const functions = JSON.parse(outputOf(other, "Functions"));
    expect(new Set(functions.map(({ name }: { name: string }) => name)).size).toBe(4);
    expect(functions[3]).toMatchObject({ memoryMb: 2048, timeoutSeconds: 900, ephemeralStorageMb: 2048 });
  });

  test.each([
    [{ lambdaSizes: [64] }, "Each of lambdaSizes needs a whole number from 128 to 10240. Got 64."],
    [{ lambdaSizes: [512, 512] }, "lambdaSizes needs different sizes in MB. Got [512,512]."],
    [{ lambdaSizes: [] }, "lambdaSizes needs different sizes in MB. Got []."],
    [{ functionCopies: 5 }, "Got 5 × 6 = 30. Choose fewer copies or fewer sizes."],
    [{ lambdaEphemeralStorageMb: 256 }, "lambdaEphemeralStorageMb needs a whole number from 512 to 10240. Got 256."],
    [{ architecture: "arm" as "arm64" }, 'architecture needs one of x86_64, arm64. Got "arm".'],
  ])("refuse %j", (props, message) => {
    expect(() => synthesize(props)).toThrow(message);
  });
});

test("logs go to two groups of the stack and expire", () => {
  template.resourceCountIs("AWS::Logs::LogGroup", 2);
  template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
  synthesize({ logRetentionDays: 7 }).template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 7 });
  expect(() => synthesize({ logRetentionDays: 31 })).toThrow("logRetentionDays needs one of 1, 3, 5, 7, 14, 30,");
});
