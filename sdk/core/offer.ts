import type { GpuInstance } from "../wire/stack-outputs.ts";
import type { Architecture } from "./prices.ts";
import type { Pace } from "./token-bucket.ts";

/** Which service an executor belongs to. */
export type Service = "local" | "lambda" | "fargate" | "ec2" | "custom";

/** Processes on this machine. */
export interface MachineOffer {
  readonly service: "local" | "custom";
  /** Name of its lanes, as the user sees it. */
  readonly name: string;
  /** Attempts at once. */
  readonly slots: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly gpus: number;
  /** Custom resources by name and amount. */
  readonly resources: Readonly<Record<string, number>>;
  /** Executors are started, reused and addressed one by one; false: each dispatch stands alone. */
  readonly pooled: boolean;
}

/** The Lambda functions of a stack. */
export interface LambdaOffer {
  readonly service: "lambda";
  /** Memory of each function, in MB. */
  readonly memoriesMb: readonly number[];
  readonly timeoutMs: number;
  readonly ephemeralStorageMb: number;
  /** Invocations at once that the account allows. */
  readonly concurrency: number;
  /** Identical functions of each size; each gets new environments at its own rate. Default 1. */
  readonly copies?: number;
  /** New environments of each function. Default AWS's own quota. */
  readonly newEnvironments?: Pace;
  /** Default x86_64. */
  readonly architecture?: Architecture;
}

/** Fargate, in any of its sizes. */
export interface FargateOffer {
  readonly service: "fargate";
  readonly spot: boolean;
  /** ECS tasks at once. */
  readonly maxEcsTasks: number;
  /** ECS tasks launched. Default AWS's own quota. */
  readonly launches?: Pace;
  /** Default x86_64. */
  readonly architecture?: Architecture;
  /** Each ECS task has a public address, which costs. Default false. */
  readonly publicAddress?: boolean;
}

/** EC2 instances with GPUs behind ECS capacity providers. */
export interface Ec2Offer {
  readonly service: "ec2";
  readonly instances: readonly GpuInstance[];
  readonly maxInstances: number;
  readonly onDemand: boolean;
  readonly spot: boolean;
}

/** Everything a runner can run attempts on. */
export type Offer = readonly (MachineOffer | LambdaOffer | FargateOffer | Ec2Offer)[];

/**
 * One kind and size of executor. Attempts queue by lane; two lanes of one capacity group share its
 * limits.
 */
export interface Lane {
  /** Unique, and what the user sees: `lambda 1769 MB`, `fargate spot 2 vCPU 8192 MB`. */
  readonly name: string;
  readonly service: Service;
  readonly group: string;
  readonly cpus: number;
  /** Undefined where no limit is set: on this machine, for tasks that asked for none. */
  readonly memoryMb?: number;
  readonly gpus: number;
  readonly gpuType?: string;
  /** EC2 instance type it is a part of, or the whole. */
  readonly instanceType?: string;
  /** Share of that instance, above 0 and at most 1. */
  readonly share?: number;
  readonly ephemeralStorageMb?: number;
  readonly spot: boolean;
  /** Where the price depends on it; x86_64 if absent. */
  readonly architecture?: Architecture;
  /** Its executors have a public address, which costs. */
  readonly publicAddress?: boolean;
  /** Which executors serve it, where they are started, reused and addressed one by one; undefined: each dispatch stands alone. */
  readonly pool?: string;
  /** Longest attempt the service allows, in milliseconds. */
  readonly maxTimeoutMs?: number;
  /** Id of the runtime environment that its executors have set up, where they have one. */
  readonly runtimeEnv?: string;
}

/** What the lanes of a group may use together. */
export interface CapacityGroup {
  readonly name: string;
  /** Attempts in flight at once. */
  readonly slots: number;
  /** Executors at once, where they are pooled. */
  readonly executors: number;
  /** Amounts that attempts in flight share: `cpus`, `memoryMb`, `gpus` and custom ones. */
  readonly resources: Readonly<Record<string, number>>;
  /** New Lambda environments of each of the identical functions that a size has. */
  readonly environments?: Pace & { readonly copies: number };
  /** ECS tasks that are launched, and how many of them one call starts. */
  readonly launches?: Pace & { readonly perCall: number };
}
