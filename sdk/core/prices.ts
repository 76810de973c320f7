/**
 * What AWS charges, in dollars: us-east-1, On-Demand, x86, as of November 2026. From the price pages of
 * Lambda and Fargate; Spot moves with the market, this is its usual discount.
 */
const PRICES = {
  lambda: { gbSecond: 0.0000166667, request: 0.2e-6 },
  fargate: { vcpuSecond: 0.000011244, gbSecond: 0.000001235 },
  fargateSpot: { vcpuSecond: 0.0125 / 3600, gbSecond: 0.00137 / 3600 },
} as const;

/** Dollars for one invocation of a function of this memory, in MB, that took so long, in milliseconds. */
export const lambdaDollars = (memoryMb: number, ms: number): number =>
  (memoryMb / 1024) * (ms / 1000) * PRICES.lambda.gbSecond + PRICES.lambda.request;

/** A Fargate ECS task that ran. */
export interface FargateTime {
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly spot: boolean;
  readonly ms: number;
  /** Seconds that are charged at least. Default 60, as Fargate does. */
  readonly minimumSeconds?: number;
}

/** Dollars for an ECS task on Fargate. */
export function fargateDollars({ vcpus, memoryMb, spot, ms, minimumSeconds = 60 }: FargateTime): number {
  const { vcpuSecond, gbSecond } = spot ? PRICES.fargateSpot : PRICES.fargate;
  return Math.max(minimumSeconds, ms / 1000) * (vcpus * vcpuSecond + (memoryMb / 1024) * gbSecond);
}
