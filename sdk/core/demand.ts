/** What a task needs of the executor it runs on: its runner options, checked and with defaults. */
export interface Demand {
  /** In vCPUs; undefined where only memory was asked for: then any CPU will do. */
  readonly numCpus?: number;
  readonly numGpus: number;
  readonly gpuType?: string;
  readonly memoryMb?: number;
  readonly timeoutMs?: number;
  readonly ephemeralStorageMb?: number;
  /** Whether evictable capacity may be used. */
  readonly spot: boolean;
  /** Force one kind of executor of the AWS runner. */
  readonly executor?: "lambda" | "ecs";
  /** Id of its runtime environment, where it has one. */
  readonly runtimeEnv?: string;
  /** Custom resources by name, of the local runner. */
  readonly resources: Readonly<Record<string, number>>;
}

/** How failures of a task are answered. */
export interface RetryPolicy {
  /** Attempts beyond the first that failures charged to the task may use. */
  readonly maxRetries: number;
  /** Whether what user code throws is retried: never, always, or for errors of these class names. */
  readonly retryOn: boolean | readonly string[];
  /** Attempts at the largest size after running out of memory there. */
  readonly maxOomRetries: number;
  /** False: never two attempts at once. Default: as the lab has it, where `maxRetries` is not 0. */
  readonly speculate?: boolean;
}

/** A task of 1 vCPU that asks for nothing else. */
export const DEFAULT_DEMAND: Demand = { numCpus: 1, numGpus: 0, spot: true, resources: {} };

/** As Ray: three further attempts when the executor is lost, none for the task's own errors. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxRetries: 3, retryOn: false, maxOomRetries: 3 };
