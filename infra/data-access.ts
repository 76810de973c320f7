import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Grant } from "./grant.ts";
import { ObjectPrefix } from "./object-bucket.ts";

/** The control table and the bucket. */
export interface Stores {
  readonly table: Table;
  readonly bucket: Bucket;
}

/** Reads and writes items one by one, in batches and in transactions, which need no actions of their own. */
const ITEM_ACTIONS = [
  "dynamodb:GetItem",
  "dynamodb:BatchGetItem",
  "dynamodb:Query",
  "dynamodb:PutItem",
  "dynamodb:UpdateItem",
  "dynamodb:DeleteItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:ConditionCheckItem",
];

const OBJECT_WRITES = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

const ALL_PREFIXES = Object.values(ObjectPrefix);
/** What user code may write: values, never the code that others run. */
const VALUE_PREFIXES = [ObjectPrefix.results, ObjectPrefix.content, ObjectPrefix.checkpoints];

/** What an executor may do with the stores. */
export const executorAccess = ({ table, bucket }: Stores): Grant[] => [
  { actions: ITEM_ACTIONS, resources: [table.tableArn] },
  onObjects(bucket, ["s3:GetObject"], ALL_PREFIXES),
  onObjects(bucket, OBJECT_WRITES, VALUE_PREFIXES),
  listing(bucket),
];

/** What a driver may do with the stores: also upload code, and look through the table to list and to clean up. */
export const driverAccess = ({ table, bucket }: Stores): Grant[] => [
  { actions: [...ITEM_ACTIONS, "dynamodb:Scan"], resources: [table.tableArn] },
  onObjects(bucket, ["s3:GetObject", ...OBJECT_WRITES], ALL_PREFIXES),
  listing(bucket),
];

const onObjects = (bucket: Bucket, actions: readonly string[], prefixes: readonly string[]): Grant => ({
  actions,
  resources: prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
  wildcard: "Objects of one prefix of the lab's own bucket: their keys are hashes, not known beforehand.",
});

/**
 * The whole bucket, which holds nothing but the lab's prefixes. With a condition on the prefix S3
 * would answer "access denied" instead of "no such key" for a missing object, and the driver could
 * not tell a lost result from a lacking permission.
 */
const listing = (bucket: Bucket): Grant => ({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] });
