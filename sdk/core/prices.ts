/** Processor of Lambda and Fargate. */
export type Architecture = "x86_64" | "arm64";

/**
 * What AWS charges, in dollars: us-east-1, as of November 2026. From the price pages of Lambda, Fargate and
 * EC2. Spot moves with the market: this is its usual price on x86_64, and the same discount on arm64.
 */
const FARGATE_SPOT_SHARE = 0.0125 / 3600 / 0.000011244;
const PRICES = {
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: { x86_64: 0.0000166667, arm64: 0.0000133334 },
  fargate: {
    x86_64: { vcpuSecond: 0.000011244, gbSecond: 0.000001235 },
    arm64: { vcpuSecond: 0.0000089944, gbSecond: 0.0000009889 },
  },
  /** By instance type and hour, On-Demand. */
  ec2Hour: { "g4dn.xlarge": 0.526, "g6.xlarge": 0.805, "g5.xlarge": 1.006 } as Readonly<Record<string, number>>,
} as const;

/** Seconds of a Fargate ECS task that are charged at least. */
const FARGATE_LEAST_SECONDS = 60;

/** Dollars for one invocation of a function of this memory, in MB, that took so long, in milliseconds. */
export const lambdaDollars = (memoryMb: number, ms: number, architecture: Architecture = "x86_64"): number =>
  (memoryMb / 1024) * (ms / 1000) * PRICES.lambdaGbSecond[architecture] + PRICES.lambdaRequest;

/** A Fargate ECS task that ran. */
export interface FargateTime {
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly spot: boolean;
  readonly ms: number;
  /** Default x86_64. */
  readonly architecture?: Architecture | undefined;
  /** Seconds that are charged at least. Default 60, as Fargate does. */
  readonly minimumSeconds?: number;
}

/** Dollars for an ECS task on Fargate. */
export function fargateDollars(time: FargateTime): number {
  const { vcpus, memoryMb, spot, ms, architecture = "x86_64", minimumSeconds = FARGATE_LEAST_SECONDS } = time;
  const { vcpuSecond, gbSecond } = PRICES.fargate[architecture];
  const perSecond = vcpus * vcpuSecond + (memoryMb / 1024) * gbSecond;
  return Math.max(minimumSeconds, ms / 1000) * perSecond * (spot ? FARGATE_SPOT_SHARE : 1);
}

/** Dollars for a share of an EC2 instance, On-Demand; undefined for types whose price is not in the table. */
export function ec2Dollars(instanceType: string, share: number, ms: number): number | undefined {
  const perHour = PRICES.ec2Hour[instanceType];
  return perHour === undefined ? undefined : (perHour * share * ms) / 3_600_000;
}
