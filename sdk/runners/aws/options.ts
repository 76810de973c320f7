import { LabOptionError } from "../../errors.ts";
import { checkNames } from "../../options.ts";

/** How the AWS runner is set up. Everything is optional: the defaults find the stack that `cdk deploy` made. */
export interface AwsOptions {
  /** Name of the CloudFormation stack. Default: `STRATOLAB_STACK`, else `Stratolab`. */
  readonly stack?: string;
  /** AWS region of the stack. Default: that of the environment or the profile. */
  readonly region?: string;
  /** ECS tasks at once, On-Demand and Spot each. Default 100; your account's vCPU quota may be lower. */
  readonly maxEcsTasks?: number;
  /** How long an ECS task without work waits for more before it ends, in milliseconds. Default 60,000. */
  readonly ecsIdleMs?: number;
}

export function checkAwsOptions(options: AwsOptions): void {
  checkNames("aws", options, ["stack", "region", "maxEcsTasks", "ecsIdleMs"]);
  const { stack, region, maxEcsTasks, ecsIdleMs } = options;
  for (const [name, value] of Object.entries({ stack, region })) {
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw new LabOptionError(`aws: ${name} must be a non-empty string, got ${JSON.stringify(value)}`);
    }
  }
  if (maxEcsTasks !== undefined && !(Number.isInteger(maxEcsTasks) && maxEcsTasks >= 0)) {
    throw new LabOptionError(`aws: maxEcsTasks must be a whole number, at least 0, got ${String(maxEcsTasks)}`);
  }
  if (ecsIdleMs !== undefined && !(ecsIdleMs >= 1_000)) {
    throw new LabOptionError(`aws: ecsIdleMs must be at least 1000 milliseconds, got ${String(ecsIdleMs)}`);
  }
}
