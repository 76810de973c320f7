/**
 * Operations that a rule may name, so that a slip of the pen is refused instead of never hitting
 * anything. Of other services than these four every name is taken.
 */
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  lambda: [
    ..."Invoke GetFunction GetFunctionConfiguration ListFunctions CreateFunction DeleteFunction".split(" "),
    ..."UpdateFunctionCode UpdateFunctionConfiguration GetAccountSettings".split(" "),
  ],
  dynamodb: [
    ..."GetItem PutItem UpdateItem DeleteItem Query Scan BatchGetItem BatchWriteItem".split(" "),
    ..."TransactGetItems TransactWriteItems CreateTable DeleteTable DescribeTable ListTables".split(" "),
    ..."UpdateTable DescribeTimeToLive UpdateTimeToLive".split(" "),
  ],
  s3: [
    ..."GetObject PutObject HeadObject DeleteObject CopyObject DeleteObjects ListObjects ListObjectsV2".split(" "),
    ..."CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload".split(" "),
    ..."ListParts ListMultipartUploads ListBuckets CreateBucket DeleteBucket HeadBucket".split(" "),
    ..."GetObjectTagging PutObjectTagging DeleteObjectTagging".split(" "),
    ..."GetBucketLocation GetBucketVersioning PutBucketVersioning GetBucketPolicy PutBucketPolicy".split(" "),
  ],
  ecs: [
    ..."RunTask StopTask DescribeTasks ListTasks DescribeClusters DescribeTaskDefinition".split(" "),
    ..."CreateCluster DeleteCluster ListClusters RegisterTaskDefinition DeregisterTaskDefinition".split(" "),
    ..."ListTaskDefinitions TagResource UntagResource ListTagsForResource StartTask".split(" "),
  ],
};

const OTHER_SERVICES = ["cloudformation", "sts", "iam", "logs", "ssm", "ecr", "ec2", "events", "kms"];

/** Services whose requests a rule may name. */
export const SERVICES: readonly string[] = [...Object.keys(OPERATIONS), ...OTHER_SERVICES];

/** Operations of a service, where all of them are known. */
export const operationsOf = (service: string): readonly string[] | undefined =>
  Object.hasOwn(OPERATIONS, service) ? OPERATIONS[service] : undefined;
