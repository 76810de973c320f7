import type { FargateSize } from "./limits.ts";
import { FARGATE } from "./limits.ts";

/** What Lambda and Fargate run on. */
export type Architecture = "x86_64" | "arm64";

const PER_HOUR = 1 / 3600;
const MILLION = 1e6;

/**
 * What AWS charges, in dollars: us-east-1, as of 2026-11-21, from the price pages of each service. Spot
 * moves with the market: these are its usual prices. The free tier is left out.
 */
export const PRICES = {
  lambda: {
    gbSecond: { x86_64: 0.0000166667, arm64: 0.0000133334 },
    request: 0.2 / MILLION,
    freeStorageMb: 512,
    storageGbSecond: 0.0000000309,
  },
  fargate: {
    x86_64: { vcpuSecond: 0.000011244, gbSecond: 0.000001235 },
    arm64: { vcpuSecond: 0.0000089944, gbSecond: 0.0000009889 },
  },
  fargateSpot: {
    x86_64: { vcpuSecond: 0.0125 * PER_HOUR, gbSecond: 0.00137 * PER_HOUR },
    // As much below x86 as On-Demand is.
    arm64: { vcpuSecond: 0.01 * PER_HOUR, gbSecond: 0.0011 * PER_HOUR },
  },
  /** Beyond the 20 GB that come with an ECS task on Fargate. */
  fargateStorageGbSecond: 0.000111 * PER_HOUR,
  /** An ECS task, and an EC2 instance, is charged for a minute at least. */
  minimumSeconds: 60,
  /** Of an ECS task in a public subnet. */
  publicIpv4Second: 0.005 * PER_HOUR,
  /** Of an EC2 instance, On-Demand. */
  ec2Hour: {
    "g4dn.xlarge": 0.526,
    "g4dn.2xlarge": 0.752,
    "g4dn.4xlarge": 1.204,
    "g4dn.8xlarge": 2.176,
    "g4dn.16xlarge": 4.352,
    "g4dn.12xlarge": 3.912,
    "g4dn.metal": 7.824,
    "g5.xlarge": 1.006,
    "g5.2xlarge": 1.212,
    "g5.4xlarge": 1.624,
    "g5.8xlarge": 2.448,
    "g5.16xlarge": 4.096,
    "g5.12xlarge": 5.672,
    "g5.24xlarge": 8.144,
    "g5.48xlarge": 16.288,
    "g6.xlarge": 0.805,
    "g6.2xlarge": 0.978,
    "g6.4xlarge": 1.323,
    "g6.8xlarge": 2.014,
    "g6.16xlarge": 3.397,
    "g6.12xlarge": 4.602,
    "g6.24xlarge": 6.675,
    "g6.48xlarge": 13.35,
    "g6e.xlarge": 1.861,
    "g6e.2xlarge": 2.242,
    "g6e.4xlarge": 3.004,
    "g6e.8xlarge": 4.529,
    "g6e.16xlarge": 7.577,
    "g6e.12xlarge": 10.493,
    "g6e.24xlarge": 15.066,
    "g6e.48xlarge": 30.131,
    "p4d.24xlarge": 21.958,
    "p5.48xlarge": 55.04,
  } as Readonly<Record<string, number>>,
  /** Share of the On-Demand price that Spot instances with GPUs usually cost. */
  ec2SpotShare: 0.5,
  dynamo: { writeUnit: 0.625 / MILLION, readUnit: 0.125 / MILLION, gbMonth: 0.25 },
  s3: { put: 5 / MILLION, get: 0.4 / MILLION, gbMonth: 0.023 },
} as const;

/** What a function of Lambda costs each second that it runs, in dollars. */
export function lambdaSecond(memoryMb: number, storageMb = 0, architecture: Architecture = "x86_64"): number {
  const { gbSecond, freeStorageMb, storageGbSecond } = PRICES.lambda;
  const extraMb = Math.max(0, storageMb - freeStorageMb);
  return (memoryMb / 1024) * gbSecond[architecture] + (extraMb / 1024) * storageGbSecond;
}

/** An ECS task on Fargate, as far as its price goes by it. */
export interface FargateShape extends FargateSize {
  readonly spot: boolean;
  /** Default: what comes with it. */
  readonly storageMb?: number;
  /** Default x86_64. */
  readonly architecture?: Architecture;
  /** It has a public address. Default false. */
  readonly publicAddress?: boolean;
}

/** What an ECS task on Fargate costs each second that it is there, in dollars. */
export function fargateSecond(shape: FargateShape): number {
  const { vcpus, memoryMb, spot, storageMb = 0, architecture = "x86_64", publicAddress = false } = shape;
  const { vcpuSecond, gbSecond } = (spot ? PRICES.fargateSpot : PRICES.fargate)[architecture];
  const extraMb = Math.max(0, storageMb - FARGATE.freeEphemeralStorageMb);
  return (
    vcpus * vcpuSecond +
    (memoryMb / 1024) * gbSecond +
    (extraMb / 1024) * PRICES.fargateStorageGbSecond +
    (publicAddress ? PRICES.publicIpv4Second : 0)
  );
}

/** Whether the price of an EC2 instance type is in the table. */
export const isPriceKnown = (instanceType: string): boolean => PRICES.ec2Hour[instanceType] !== undefined;

/**
 * What a share of an EC2 instance costs each second, in dollars. A type that is not in the table is priced
 * like the dearest that is: nobody is to be surprised by a bill.
 */
export function ec2Second(instanceType: string, share: number, spot: boolean): number {
  const hour = PRICES.ec2Hour[instanceType] ?? Math.max(...Object.values(PRICES.ec2Hour));
  return hour * PER_HOUR * share * (spot ? PRICES.ec2SpotShare : 1);
}
