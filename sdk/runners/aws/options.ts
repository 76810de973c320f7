import type { StoreRates } from "../../core/store-pace.ts";
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
  /**
   * What the table and the bucket take a second: write units of 1 KB and read units of 4 KB, objects stored and
   * fetched. Default what AWS gives a new table on demand and a bucket that is not split yet, `{ writes: 4000, reads:
   * 12000, puts: 3500, gets: 5500 }`, each by itself; ask for more where yours were warmed up or have grown.
   */
  readonly storeRates?: Partial<StoreRates>;
}

export function checkAwsOptions(options: AwsOptions): void {
  checkNames("aws", options, [
    "stack",
    "region",
    "maxEcsTasks",
    "ecsIdleMs",
    "newEnvironments",
    "ecsLaunches",
    "storeRates",
  ]);
  const { stack, region, maxEcsTasks, ecsIdleMs, newEnvironments, ecsLaunches, storeRates } = options;
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
  if (storeRates !== undefined && !areRates(storeRates)) {
    throw new LabOptionError(
      `aws: storeRates must be { writes, reads, puts, gets }, some or all, each a number, at least 1, got ${show(storeRates)}`,
    );
  }
}

const areRates = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(value).every(
    ([name, rate]) => ["writes", "reads", "puts", "gets"].includes(name) && Number.isFinite(rate) && rate >= 1,
  );

function isPace(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { burst, perSecond, ...others } = value as Pace;
  if (Object.keys(others).length > 0 || !Number.isInteger(burst) || burst < 1) return false;
  return Number.isFinite(perSecond) && perSecond > 0;
}
