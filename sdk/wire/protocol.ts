/**
 * Version of everything that crosses a process: attempt messages, outcomes, items of the control
 * table. A driver, an executor and a stack of different versions refuse each other by name.
 */
export const PROTOCOL_VERSION = 5;

/** Environment variables that a user sets for the driver. */
export const DriverEnv = {
  /** Which runner a lab uses when the code does not say: `local`, `aws` or `inline`. */
  runner: "STRATOLAB_RUNNER",
  /** Name of the CloudFormation stack. Default `Stratolab`. */
  stack: "STRATOLAB_STACK",
  /** File descriptor that plans are told to, by a script that is only to plan: `stratolab plan` sets it. */
  plan: "STRATOLAB_PLAN",
} as const;

/** Environment variables that the stack and the runners set for executors. */
export const ExecutorEnv = {
  /** Name of the DynamoDB control table. */
  table: "STRATOLAB_TABLE",
  /** Name of the S3 bucket. */
  bucket: "STRATOLAB_BUCKET",
  /** Where a container fetches the runtime from: a presigned URL. */
  runtimeUrl: "STRATOLAB_RUNTIME_URL",
  /** SHA-256 of the runtime in hexadecimal, checked before it is loaded. */
  runtimeHash: "STRATOLAB_RUNTIME_HASH",
  /** Size of the executor in MB of memory, for the supervisor's own watch. */
  memoryMb: "STRATOLAB_MEMORY_MB",
  /** Lab that a container was started for: it says hello in its feed, and leaves when it is gone. */
  lab: "STRATOLAB_LAB",
  /** The shard of that feed in which it tells what happens. Default 0. */
  feedShard: "STRATOLAB_FEED_SHARD",
  /** How long a container waits for work before it exits, in milliseconds. */
  idleMs: "STRATOLAB_IDLE_MS",
  /** Present in every process below an executor, so that strays can be found: the executor's id. */
  executor: "STRATOLAB_EXECUTOR",
} as const;

/** Exit codes of a container that could not load the runtime. None of them is Node's or a signal's. */
export const BootstrapExit = {
  /** The environment names no runtime. */
  misconfigured: 120,
  /** The runtime could not be fetched: no network, or the presigned URL has expired. */
  unreachable: 121,
  /** What was fetched is not what was asked for. */
  mismatch: 122,
  /** The runtime was fetched, but Node could not run it. */
  broken: 123,
} as const;

/** Name of the CloudFormation stack where none is given. */
export const DEFAULT_STACK_NAME = "Stratolab";
