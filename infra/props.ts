import type { IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { RemovalPolicy } from "aws-cdk-lib/core";

/** Processor of the Lambda functions and of Fargate. */
export type Architecture = "x86_64" | "arm64";

/** What a {@link Stratolab} is made of. Every property has a default that suits a first deployment. */
export interface StratolabProps {
  /**
   * Processor of Lambda and Fargate alike. GPU instances are x86_64 whatever is said here.
   *
   * @default "arm64" - a fifth cheaper per second than x86_64; with `emulator` that of this machine
   */
  readonly architecture?: Architecture;

  /**
   * Memory sizes of the Lambda functions, in MB: one function for each. A task goes to the smallest
   * that fits, and after running out of memory to the next. New AWS accounts may refuse sizes
   * above 3,008 MB until AWS raises their limit.
   *
   * @default [512, 1024, 1769, 3538, 7076, 10240] - 1,769 MB is one vCPU
   */
  readonly lambdaSizes?: readonly number[];

  /**
   * Identical functions for each size. AWS lets each function grow by 1,000 environments every
   * 10 seconds, so more copies reach thousands sooner, where the account's quota allows thousands.
   *
   * @default 1
   */
  readonly functionCopies?: number;

  /**
   * Size of `/tmp` in each Lambda function, in MB: 512 to 10,240. AWS charges what exceeds 512.
   *
   * @default 512
   */
  readonly lambdaEphemeralStorageMb?: number;

  /**
   * Concurrent executions set aside for each function, and its upper bound.
   *
   * @default - none: the functions share the account's concurrency
   */
  readonly reservedConcurrency?: number;

  /**
   * Container image for Fargate, by name. It has to have Node.js 22 or later as `node`, and need not
   * have an entry point. Docker is not needed to deploy. An image in a private ECR repository may be named as
   * `123456789012.dkr.ecr.eu-west-1.amazonaws.com/repository:tag`.
   *
   * @default "public.ecr.aws/docker/library/node:22-slim"
   */
  readonly image?: string;

  /**
   * Adds EC2 instances with GPUs. They run only while ECS tasks need them, and about a quarter of an
   * hour more. AWS deletes the stack only once none is left.
   *
   * @default false
   */
  readonly gpu?: boolean;

  /**
   * EC2 instance types with GPUs, from the table in `gpu-instances.ts`. Each gets capacity of its own.
   *
   * @default ["g4dn.xlarge"]
   */
  readonly gpuInstanceTypes?: readonly string[];

  /**
   * Most instances of each type at one time, On-Demand and Spot together. The account's EC2 quota
   * for G and P instances, 0 vCPU in new accounts, has to allow them.
   *
   * @default 4
   */
  readonly gpuMaxInstances?: number;

  /**
   * Share of `gpuMaxInstances` that are Spot instances, from 0 to 1.
   *
   * @default 0
   */
  readonly gpuSpotShare?: number;

  /**
   * Container image for GPUs, by name, as for `image`. The driver's libraries are mounted from the
   * instance; CUDA's own have to be in the image.
   *
   * @default - the same as `image`
   */
  readonly gpuImage?: string;

  /**
   * VPC for ECS tasks. Lambda functions run outside any VPC.
   *
   * @default - a VPC of two public subnets, without NAT gateways, that costs nothing while idle
   */
  readonly vpc?: IVpc;

  /**
   * Subnets of `vpc` for ECS tasks. They need a way to S3, DynamoDB and the image's registry. In
   * public subnets ECS tasks get public addresses.
   *
   * @default - private subnets that reach the internet, or else public ones
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * ARNs of managed policies for the role that tasks run with, for what they reach beside the lab.
   *
   * @default - tasks reach only the lab's own table and bucket
   */
  readonly executorPolicyArns?: readonly string[];

  /**
   * Secrets of AWS Secrets Manager that tasks may read, by name or ARN: for `runtimeEnv: { env: { KEY: { secret } } }`.
   * Where one is encrypted with a key of your own, grant that, too (`key.grantDecrypt(lab)`).
   *
   * @default - none
   */
  readonly readableSecrets?: readonly string[];

  /**
   * Parameters of the SSM Parameter Store that tasks may read, by name or ARN: for
   * `runtimeEnv: { env: { KEY: { parameter } } }`. Keys of your own are to be granted as for `readableSecrets`.
   *
   * @default - none
   */
  readonly readableParameters?: readonly string[];

  /**
   * What becomes of table and bucket when the stack is deleted. `DESTROY` deletes every result.
   *
   * @default RemovalPolicy.RETAIN - results outlive the stack
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Makes DynamoDB refuse to delete the control table, by whatever way, until this is false.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;

  /**
   * Days after which S3 deletes results too large for the control table. A cached result that is
   * gone is computed again.
   *
   * @default - kept until `stratolab gc` or `lab.uncache` removes them
   */
  readonly resultExpirationDays?: number;

  /**
   * Days after which S3 deletes params and other values known by their content. Counted from the
   * first upload, not from the last use: choose more than any run may take, or leave it out.
   *
   * @default - kept until `stratolab gc` finds that no run refers to them
   */
  readonly contentExpirationDays?: number;

  /**
   * Days that CloudWatch keeps the logs: one of the values CloudWatch offers.
   *
   * @default 30
   */
  readonly logRetentionDays?: number;

  /**
   * Deploys to the local AWS of `npm run localstack`: leaves out what the emulator lacks
   * ({@link Stratolab.leftOut}), and keeps the outputs complete.
   *
   * @default false
   */
  readonly emulator?: boolean;
}
