/**
 * What is to go wrong on the local AWS, as tests, files and the command line say it. A rule names a
 * fault, says what it may hit, and how often.
 */

/** How often a rule hits what it matches. Without any of these it hits everything. */
interface HowOften {
  /** Name in counts and lists. @default the fault and the rule's number: `throttle-2` */
  readonly id?: string;
  /** Share that is hit, from 0 to 1, drawn from the seed. @default 1 */
  readonly rate?: number;
  /** Only these of the matching ones, counted from 1: for requests, per operation. @default all */
  readonly nth?: number | readonly number[];
  /** At most so many hits. @default no bound */
  readonly count?: number;
}

/** Which requests a rule may hit. `*` stands for any text. */
export interface RequestFilter {
  /** Such as `lambda:Invoke`, `dynamodb:*` or `s3:Get*`. @default "*" */
  readonly operation?: string | readonly string[];
  /** Name of the function, bucket, table or task definition family. @default "*" */
  readonly resource?: string;
  /** Who asks: programs on this machine, or what runs inside Lambda and ECS. @default both */
  readonly from?: RequestOrigin;
  /** Only invocations of this type. @default both */
  readonly invocationType?: "RequestResponse" | "Event";
}

/** Who sent a request: a program on this machine, or an executor in Lambda or ECS. */
export type RequestOrigin = "driver" | "executors";

/** Which ECS tasks a rule may hit. `*` stands for any text. */
export interface EcsTaskFilter {
  /** Family of the task definition. @default "*" */
  readonly family?: string;
  /** @default "*", but only Spot ones for `spot-interruption` */
  readonly capacityProvider?: string;
  /** CPU units: 1,024 are one vCPU. @default any */
  readonly cpu?: number;
  /** @default any */
  readonly memoryMb?: number;
  /** @default any, but at least one for `resources-exhausted` of `GPU` */
  readonly gpus?: number;
}

/** Faults of requests, which the proxy commits. */
type RequestFault =
  /** Holds the request back. `jitterMs` adds up to so much more, drawn from the seed. */
  | { readonly fault: "latency"; readonly delayMs: number; readonly jitterMs?: number }
  /**
   * The service's own way to say "too fast": Lambda's 429, S3's SlowDown, a ThrottlingException.
   * `reason` is for Lambda; `hidden` puts it into the text of another exception.
   */
  | { readonly fault: "throttle"; readonly reason?: LambdaThrottleReason; readonly hidden?: boolean }
  /** @default status 500 */
  | { readonly fault: "server-error"; readonly status?: 500 | 503 }
  /** The connection is reset; the request never arrives. */
  | { readonly fault: "reset-before" }
  /** The request is carried out, then the connection is reset: the answer is lost. */
  | { readonly fault: "lost-answer" }
  /** Delivered twice, the second time after `delayMs`; `answer` says whose answer is passed on. */
  | { readonly fault: "duplicate"; readonly delayMs?: number; readonly answer?: "first" | "second" }
  /** The function dies, in Lambda's words. With `ran` it is invoked first, and its answer dropped. */
  | { readonly fault: "function-error"; readonly death?: FunctionDeath; readonly ran?: boolean };

/** Faults of ECS tasks, which the stand-in commits. `afterMs` counts from when it runs. */
type EcsTaskFault =
  /** SIGTERM, and SIGKILL after `noticeMs`. @default noticeMs the container's stop timeout */
  | { readonly fault: "spot-interruption"; readonly afterMs?: number; readonly noticeMs?: number }
  /** SIGKILL and AWS's reason. Exit code 0 is what AWS says where a child was killed. @default exitCode 137 */
  | { readonly fault: "out-of-memory"; readonly afterMs?: number; readonly exitCode?: 0 | 137 }
  /** SIGKILL without a word. */
  | { readonly fault: "crash"; readonly afterMs?: number }
  /** AWS stops it for another reason. `stopCode` may be one that nobody documented. */
  | { readonly fault: "stop"; readonly afterMs?: number; readonly stopCode: string; readonly reason: string }
  /** @default error "ResourceInitializationError"; withoutContainers true */
  | { readonly fault: "start-failure"; readonly error?: StartError; readonly withoutContainers?: boolean }
  | { readonly fault: "image-pull-failure"; readonly withoutContainers?: boolean }
  /** RunTask places it nowhere, for want of Fargate capacity. */
  | { readonly fault: "capacity-unavailable" }
  /** RunTask places it nowhere, for want of a resource of the instances. @default resource "GPU" */
  | { readonly fault: "resources-exhausted"; readonly resource?: InstanceResource }
  /** Shown as stopped for want of memory while it still runs. @default forMs for ever */
  | { readonly fault: "stopped-while-running"; readonly afterMs?: number; readonly forMs?: number }
  /** DescribeTasks does not know it. */
  | { readonly fault: "missing"; readonly afterMs?: number; readonly forMs?: number };

/** Why Lambda answers 429. */
export type LambdaThrottleReason = (typeof LAMBDA_THROTTLE_REASONS)[number];
export const LAMBDA_THROTTLE_REASONS = [
  "ConcurrentInvocationLimitExceeded",
  "FunctionInvocationRateLimitExceeded",
  "ReservedFunctionConcurrentInvocationLimitExceeded",
  "ReservedFunctionInvocationRateLimitExceeded",
  "CallerRateLimitExceeded",
  "ConcurrentSnapshotCreateLimitExceeded",
] as const;

/** How a function dies; the words are in `function-deaths.ts`. */
export type FunctionDeath = (typeof FUNCTION_DEATHS)[number];
export const FUNCTION_DEATHS = [
  "out-of-memory",
  "killed",
  "exit-1",
  "exit-137",
  "native-crash",
  "no-reason",
  "timeout",
  "timeout-without-type",
  "thrashing",
  "marshal-error",
] as const;

/** Why an ECS task does not start; the words are in `ecs-words.ts`. */
export type StartError = (typeof START_ERRORS)[number];
export const START_ERRORS = [
  "ResourceInitializationError",
  "CannotStartContainerError",
  "CannotCreateVolumeError",
  "ContainerRuntimeTimeoutError",
  "OutOfMemoryAtStart",
] as const;

/** What RunTask says is short. */
export type InstanceResource = (typeof INSTANCE_RESOURCES)[number];
export const INSTANCE_RESOURCES = ["GPU", "CPU", "MEMORY", "AGENT", "ATTRIBUTE"] as const;

export type RequestRule = HowOften & RequestFilter & RequestFault;
export type EcsTaskRule = HowOften & EcsTaskFilter & EcsTaskFault;

/** One thing that is to go wrong. */
export type FaultRule = RequestRule | EcsTaskRule;
export type FaultName = FaultRule["fault"];

/** AWS's own limits, which the emulator lacks. */
export interface Limits {
  /** Largest payload of a synchronous invocation, and of its answer. @default 6,291,456, as on AWS */
  readonly invokeBytes?: number;
  /** Synchronous invocations at once, for the whole account. @default no limit but the emulator's */
  readonly concurrentInvocations?: number;
}

/**
 * All that is to go wrong.
 *
 * @example
 * await localAws.faults.set({
 *   seed: 7,
 *   rules: [
 *     { fault: "throttle", operation: "lambda:Invoke", rate: 0.05 },
 *     { fault: "spot-interruption", nth: 3, afterMs: 500, noticeMs: 2_000 },
 *   ],
 * });
 */
export interface FaultPlan {
  /** The same seed hits the same ones. @default a random one, which is told */
  readonly seed?: number;
  /** @default none */
  readonly rules?: readonly FaultRule[];
  readonly limits?: Limits;
}
