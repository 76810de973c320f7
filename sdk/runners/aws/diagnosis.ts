import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeClustersCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  StopTaskCommand,
} from "@aws-sdk/client-ecs";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { packageVersion } from "../../package-files.ts";
import { dynamoClient, s3Client } from "../../stores/aws/clients.ts";
import { factsOf } from "./aws-errors.ts";
import { Lambda } from "./lambda-client.ts";
import { findStack, type StackParts } from "./stack.ts";

/** One thing that was looked at. */
export interface Finding {
  /** What it is about: `credentials`, `permission s3:GetObject`. */
  readonly check: string;
  readonly status: "ok" | "warning" | "error";
  readonly found: string;
  /** The command or the page that mends it. */
  readonly fix?: string;
}

/** Whether what stands between here and AWS is in place, and the stack if there is one. */
export interface AwsDiagnosis {
  readonly findings: readonly Finding[];
  readonly stack: StackParts | undefined;
}

const QUOTAS_PAGE = "https://console.aws.amazon.com/servicequotas/home/services/lambda/quotas/L-B99A9384";
const POLICY_FIX = 'attach the stack\'s DriverPolicyArn (an output of "npx cdk deploy") to your user or role';
/** Below this an account is new, or was never raised. */
const FEW_INVOCATIONS = 100;

/** Looks at credentials, region, stack, permissions and quotas. What it tries changes nothing. */
export async function diagnoseAws(name: string, region: string | undefined): Promise<AwsDiagnosis> {
  const findings: Finding[] = [];
  const client = new LambdaClient({ ...(region === undefined ? {} : { region }) });
  try {
    const missing = await whoIsMissing(client, findings);
    if (missing) return { findings, stack: undefined };
  } finally {
    client.destroy();
  }
  let stack: StackParts;
  try {
    stack = await findStack(name, region);
  } catch (error) {
    const [found, ...advice] = (error as Error).message.split(". ");
    const fix = advice.length > 0 ? { fix: advice.join(". ") } : {};
    findings.push({ check: "stack", status: "error", found, ...fix });
    return { findings, stack: undefined };
  }
  const own = packageVersion();
  const { packageVersion: deployed = "an unknown version" } = stack;
  const found = `${name} in ${stack.region}, deployed by stratolab ${deployed}`;
  if (deployed === own) findings.push({ check: "stack", status: "ok", found });
  else findings.push({ check: "stack", status: "warning", found: `${found}; this is ${own}`, fix: "npx cdk deploy" });
  findings.push(await concurrency(stack.region), ...(await permissions(stack)));
  return { findings, stack };
}

/** Without somebody to be and somewhere to go nothing else can be asked. */
async function whoIsMissing(client: LambdaClient, findings: Finding[]): Promise<boolean> {
  try {
    findings.push({ check: "region", status: "ok", found: await client.config.region() });
  } catch {
    const fix = "set AWS_REGION, or a region in ~/.aws/config";
    findings.push({ check: "region", status: "error", found: "no AWS region is set", fix });
  }
  try {
    const { accessKeyId } = await client.config.credentials();
    findings.push({ check: "credentials", status: "ok", found: `access key ${accessKeyId.slice(0, 4)}…` });
  } catch (error) {
    const found = `there are none (${factsOf(error).message})`;
    const fix = 'run "aws configure" or "aws sso login", or set AWS_PROFILE';
    findings.push({ check: "credentials", status: "error", found, fix });
  }
  return findings.some(({ status }) => status === "error");
}

async function concurrency(region: string): Promise<Finding> {
  const lambda = new Lambda(region);
  const quota = await lambda.concurrencyQuota();
  lambda.close();
  const check = "quota of concurrent Lambda executions";
  if (quota === undefined) {
    return { check, status: "warning", found: "it may not be asked for (lambda:GetAccountSettings)", fix: POLICY_FIX };
  }
  const found = `${quota} at once`;
  if (quota >= FEW_INVOCATIONS) return { check, status: "ok", found };
  return {
    check,
    status: "warning",
    found: `${found}; new accounts start with 10`,
    fix: `ask for more: ${QUOTAS_PAGE}`,
  };
}

/** A key that nothing has. */
const NOBODY = { pk: { S: "DOCTOR" }, sk: { S: "nothing has this key" } };
const NO_OBJECT = "content/doctor-nothing-has-this-key";

/** An action, and a request for it that changes nothing whether or not it is allowed. */
type Probe = readonly [action: string, attempt: () => Promise<unknown>];

async function permissions(stack: StackParts): Promise<Finding[]> {
  const dynamo = dynamoClient(stack.region);
  const s3 = s3Client(stack.region);
  const ecs = new ECSClient({ region: stack.region });
  const lambda = new LambdaClient({ region: stack.region });
  const { cluster, table: TableName, bucket: Bucket } = stack;
  const never = { ConditionExpression: "attribute_exists(pk)" };
  const object = { Bucket, Key: NO_OBJECT };
  const upload = { ...object, UploadId: "none" };
  const keys = { RequestItems: { [TableName]: { Keys: [NOBODY] } } };
  const deletion = { RequestItems: { [TableName]: [{ DeleteRequest: { Key: NOBODY } }] } };
  const values = { ExpressionAttributeValues: { ":pk": NOBODY.pk } };
  const check = { TransactItems: [{ ConditionCheck: { TableName, Key: NOBODY, ...never } }] };
  const query = { TableName, KeyConditionExpression: "pk = :pk", ...values };
  const probes: readonly Probe[] = [
    ["dynamodb:GetItem", () => dynamo.send(new GetItemCommand({ TableName, Key: NOBODY }))],
    ["dynamodb:BatchGetItem", () => dynamo.send(new BatchGetItemCommand(keys))],
    ["dynamodb:Query", () => dynamo.send(new QueryCommand(query))],
    ["dynamodb:Scan", () => dynamo.send(new ScanCommand({ TableName, Limit: 1 }))],
    ["dynamodb:PutItem", () => dynamo.send(new PutItemCommand({ TableName, Item: NOBODY, ...never }))],
    ["dynamodb:UpdateItem", () => dynamo.send(new UpdateItemCommand({ TableName, Key: NOBODY, ...never }))],
    ["dynamodb:DeleteItem", () => dynamo.send(new DeleteItemCommand({ TableName, Key: NOBODY, ...never }))],
    ["dynamodb:BatchWriteItem", () => dynamo.send(new BatchWriteItemCommand(deletion))],
    ["dynamodb:ConditionCheckItem", () => dynamo.send(new TransactWriteItemsCommand(check))],
    ["s3:ListBucket", () => s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }))],
    ["s3:GetObject", () => s3.send(new GetObjectCommand(object))],
    ["s3:PutObject", () => s3.send(new PutObjectCommand({ ...object, IfMatch: '"none"', Body: "" }))],
    ["s3:DeleteObject", () => s3.send(new DeleteObjectCommand(object))],
    ["s3:AbortMultipartUpload", () => s3.send(new AbortMultipartUploadCommand(upload))],
    ["s3:ListMultipartUploadParts", () => s3.send(new ListPartsCommand(upload))],
    ...stack.functions.map(
      ({ name }): Probe => [
        `lambda:InvokeFunction ${name}`,
        () => lambda.send(new InvokeCommand({ FunctionName: name, InvocationType: "DryRun" })),
      ],
    ),
    ["ecs:DescribeClusters", () => ecs.send(new DescribeClustersCommand({ clusters: [cluster] }))],
    ["ecs:ListTasks", () => ecs.send(new ListTasksCommand({ cluster, maxResults: 1 }))],
    ["ecs:DescribeTasks", () => ecs.send(new DescribeTasksCommand({ cluster, tasks: ["0".repeat(32)] }))],
    ["ecs:StopTask", () => ecs.send(new StopTaskCommand({ cluster, task: "0".repeat(32) }))],
  ];
  const findings: Finding[] = [];
  // One after the other: the deletion clears away what the one before it may have left on an emulator.
  for (const [action, attempt] of probes) findings.push(await tried(action, attempt));
  for (const client of [dynamo, s3, ecs, lambda]) client.destroy();
  return findings;
}

const DENIED = /AccessDenied|Forbidden|UnauthorizedOperation|not authorized/i;
const UNREACHABLE = /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|TimeoutError|EHOSTUNREACH/;

/** Any answer but a refusal says that it is allowed: that there is nothing to be found was meant. */
export async function tried(action: string, attempt: () => Promise<unknown>): Promise<Finding> {
  const check = `permission ${action}`;
  try {
    await attempt();
  } catch (error) {
    const { name, message, status } = factsOf(error);
    if (DENIED.test(`${name} ${message}`) || status === 403) {
      return { check, status: "error", found: message || name, fix: POLICY_FIX };
    }
    if (UNREACHABLE.test(`${name} ${message}`) || status === undefined || status >= 500) {
      return { check, status: "warning", found: `it could not be tried: ${name}: ${message}`, fix: "try again" };
    }
  }
  return { check, status: "ok", found: "allowed" };
}
