import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { bundleObject, checkpointObject, contentObject, resultObject, runtimeObject } from "../sdk/wire/keys.ts";
import { wholeNumber } from "./checks.ts";

interface ObjectBucketProps {
  readonly removalPolicy?: RemovalPolicy | undefined;
  readonly resultExpirationDays?: number | undefined;
  readonly contentExpirationDays?: number | undefined;
  readonly emulator?: boolean | undefined;
}

const prefixOf = (key: string): string => key.slice(0, key.indexOf("/") + 1);

/** As long as the item that names a checkpoint lives, see sdk/stores/checkpoints.ts. */
const CHECKPOINT_DAYS = 30;

/** First part of every object's key, by what the object is. */
export const ObjectPrefix = {
  results: prefixOf(resultObject("hash", "hash")),
  content: prefixOf(contentObject("hash")),
  checkpoints: prefixOf(checkpointObject("hash", "hash", 0, 1)),
  bundles: prefixOf(bundleObject("hash")),
  runtime: prefixOf(runtimeObject("hash")),
} as const;

/** The S3 bucket for values that are too large for the control table, and for code. */
export class ObjectBucket extends Bucket {
  /** What was left out because the emulator lacks it. */
  readonly leftOut: readonly string[];

  constructor(scope: Construct, id: string, props: ObjectBucketProps) {
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const destroy = removalPolicy === RemovalPolicy.DESTROY;
    super(scope, id, {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      encryption: BucketEncryption.S3_MANAGED,
      // Objects are written once, under the hash of what they hold: there is nothing to go back to.
      versioned: false,
      lifecycleRules: [
        { id: "AbandonedUploads", abortIncompleteMultipartUploadAfter: Duration.days(7) },
        ...expiration("Results", ObjectPrefix.results, "resultExpirationDays", props.resultExpirationDays),
        // A checkpoint is of use until its task has ended, and is deleted then; this is for tasks given up.
        ...expiration("Checkpoints", ObjectPrefix.checkpoints, "checkpoints", CHECKPOINT_DAYS),
        ...expiration("Content", ObjectPrefix.content, "contentExpirationDays", props.contentExpirationDays),
        // Bundles and runtimes never expire by age: a run uploads one only where it is not there
        // yet, so age would take today's code away from a run that found it there.
      ],
      removalPolicy,
      // CloudFormation deletes only empty buckets.
      autoDeleteObjects: destroy && !props.emulator,
    });
    this.leftOut = destroy && props.emulator ? ["the custom resource that empties the bucket before its deletion"] : [];
    Validations.of(this).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Access logs would need a second bucket and cost more than the many small requests they record. " +
        "Who has to audit reads turns on CloudTrail data events for this bucket.",
    });
  }
}

function expiration(id: string, prefix: string, name: string, days: number | undefined): LifecycleRule[] {
  if (days === undefined) return [];
  return [{ id, prefix, expiration: Duration.days(wholeNumber(name, days, { from: 1, to: 36_500 })) }];
}
