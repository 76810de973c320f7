import type { Pace } from "../../core/token-bucket.ts";
import { LabOptionError } from "../../errors.ts";
import { checkNames, show } from "../../options.ts";

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
  /**
   * New environments that Lambda gives each function: so many at once, and so many more a second. Default
   * AWS's own, `{ burst: 1000, perSecond: 100 }`.
   */
  readonly newEnvironments?: Pace;
  /**
   * Fargate launches, On-Demand and Spot each: so many at once, and so many more a second. Default AWS's own,
   * `{ burst: 100, perSecond: 20 }`; ask for less where others launch in the same account.
   */
  readonly ecsLaunches?: Pace;
}

export function checkAwsOptions(options: AwsOptions): void {
  checkNames("aws", options, ["stack", "region", "maxEcsTasks", "ecsIdleMs", "newEnvironments", "ecsLaunches"]);
  const { stack, region, maxEcsTasks, ecsIdleMs, newEnvironments, ecsLaunches } = options;
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
  for (const [name, value] of Object.entries({ newEnvironments, ecsLaunches })) {
    if (value === undefined || isPace(value)) continue;
    throw new LabOptionError(
      `aws: ${name} must be { burst, perSecond }: a whole number, at least 1, and a number above 0, got ${show(value)}`,
    );
  }
}

function isPace(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { burst, perSecond, ...others } = value as Pace;
  if (Object.keys(others).length > 0 || !Number.isInteger(burst) || burst < 1) return false;
  return Number.isFinite(perSecond) && perSecond > 0;
}
