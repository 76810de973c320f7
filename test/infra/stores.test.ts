import { RemovalPolicy } from "aws-cdk-lib/core";
import { describe, expect, test } from "vitest";
import { propertiesOf, synthesize } from "./synthesize.ts";

const { template } = synthesize();
const only = (type: string, from = template) => Object.values(from.findResources(type))[0]!;

describe("control table", () => {
  test("is on demand, expires items, can be restored to any second, and is kept with the stack gone", () => {
    expect(only("AWS::DynamoDB::Table")).toMatchObject({
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
        ],
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: false,
      },
    });
  });

  test("leaves encryption at DynamoDB's default, its own key", () => {
    expect(only("AWS::DynamoDB::Table").Properties).not.toHaveProperty("SSESpecification");
  });

  test("can be protected from deletion", () => {
    const protectedTable = synthesize({ deletionProtection: true }).template;
    expect(only("AWS::DynamoDB::Table", protectedTable).Properties.DeletionProtectionEnabled).toBe(true);
  });
});

describe("bucket", () => {
  test("is private, encrypted, owned by the account, and kept with the stack gone", () => {
    expect(only("AWS::S3::Bucket")).toMatchObject({
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      },
    });
    expect(only("AWS::S3::Bucket").Properties).not.toHaveProperty("VersioningConfiguration");
  });

  test("refuses requests without TLS", () => {
    expect(propertiesOf(template, "AWS::S3::BucketPolicy").PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({
        Effect: "Deny",
        Action: "s3:*",
        Principal: { AWS: "*" },
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      }),
    );
  });

  test("drops abandoned uploads and checkpoints, and expires nothing else unless told to", () => {
    expect(propertiesOf(template, "AWS::S3::Bucket").LifecycleConfiguration.Rules).toEqual([
      { Id: "AbandonedUploads", Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
      { Id: "Checkpoints", Status: "Enabled", Prefix: "checkpoints/", ExpirationInDays: 30 },
    ]);
  });

  test("expires results and content by prefix when told to, code never", () => {
    const expiring = synthesize({ resultExpirationDays: 90, contentExpirationDays: 30 }).template;
    expect(propertiesOf(expiring, "AWS::S3::Bucket").LifecycleConfiguration.Rules.slice(1)).toEqual([
      { Id: "Results", Status: "Enabled", Prefix: "results/", ExpirationInDays: 90 },
      { Id: "Checkpoints", Status: "Enabled", Prefix: "checkpoints/", ExpirationInDays: 30 },
      { Id: "Content", Status: "Enabled", Prefix: "content/", ExpirationInDays: 30 },
    ]);
    expect(() => synthesize({ resultExpirationDays: 0.5 })).toThrow(
      "resultExpirationDays needs a whole number from 1 to 36500. Got 0.5.",
    );
  });
});

test("DESTROY deletes table, bucket and everything in them with the stack", () => {
  const destroyed = synthesize({ removalPolicy: RemovalPolicy.DESTROY }).template;
  expect(only("AWS::DynamoDB::Table", destroyed).DeletionPolicy).toBe("Delete");
  expect(only("AWS::S3::Bucket", destroyed).DeletionPolicy).toBe("Delete");
  destroyed.resourceCountIs("Custom::S3AutoDeleteObjects", 1);
});
