import { DEFAULT_DEMAND, DEFAULT_RETRY_POLICY, type Demand, type RetryPolicy } from "./core/demand.ts";
import { LAMBDA } from "./core/limits.ts";
import { InvalidTaskError } from "./errors.ts";
import { type Rule, show } from "./options.ts";
import { isPlainObject } from "./wire/codec/shapes.ts";

/** A class of errors, matched by name so that it also matches in another process. */
type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * What a task needs of its executor, and how its failures are answered. Everything is optional;
 * without any, a task gets one vCPU.
 *
 * @example
 * runnerOptions: { memoryMb: 4096, timeoutMs: 600_000, maxRetries: 5, retryOn: [NetworkError] }
 */
export interface RunnerOptions {
  /** vCPUs, also fractions. Default 1; any, when only `memoryMb` is given. */
  readonly numCpus?: number;
  /** Whole GPUs. Default 0. */
  readonly numGpus?: number;
  /** GPU model such as `t4`, `l4`, `a10g`. Default any. */
  readonly gpuType?: string;
  /** Memory in MB, at least 128. Default: what comes with the CPUs. */
  readonly memoryMb?: number;
  /** Longest that one attempt may take, in milliseconds. Default: no limit but the service's own. */
  readonly timeoutMs?: number;
  /** Disk for temporary files, in MB. Default: what comes with the executor. */
  readonly ephemeralStorageMb?: number;
  /** Further attempts after failures charged to the task; 0 for none. Default 3. */
  readonly maxRetries?: number;
  /**
   * Whether errors that the task throws are tried again: never, always, or those of the given classes
   * or class names. Default false.
   */
  readonly retryOn?: boolean | readonly (ErrorClass | string)[];
  /** Attempts at the largest size after running out of memory there. Default 3. */
  readonly maxOomRetries?: number;
  /**
   * Whether an attempt that takes far longer than others gets a second one beside it; false for what must not run
   * twice at once. Default: as the lab has it, and never with `maxRetries: 0`.
   */
  readonly speculate?: boolean;
  /** Whether cheaper capacity that may be taken away is used where there is some. Default true. */
  readonly spot?: boolean;
  /** Forces one kind of AWS executor. Default: decided by what the task needs. */
  readonly executor?: "lambda" | "ecs";
  /** Custom resources by name, which the lab's own `resources` provide. Default none. */
  readonly resources?: Readonly<Record<string, number>>;
}

/** A task's options, checked and with defaults. */
export interface ResolvedOptions {
  readonly demand: Demand;
  readonly policy: RetryPolicy;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const atLeast = (low: number, unit: string): Rule => ({
  allowed: `a number of ${unit}, at least ${low}`,
  holds: (value) => isNumber(value) && value >= low,
});
const wholeFrom = (low: number): Rule => ({
  allowed: `a whole number, at least ${low}`,
  holds: (value) => Number.isInteger(value) && (value as number) >= low,
});
const positive = (unit: string): Rule => ({
  allowed: `a number of ${unit} above 0`,
  holds: (value) => isNumber(value) && value > 0,
});

/** Custom resources by name. */
export const AMOUNTS: Rule = {
  allowed: "an object of amounts above 0 by name",
  holds: (value) =>
    typeof value === "object" &&
    value !== null &&
    isPlainObject(value) &&
    Object.values(value).every((amount) => isNumber(amount) && amount > 0),
};

/** Longest that Node's timers count, in milliseconds: about 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const RULES: { readonly [K in keyof Required<RunnerOptions>]: Rule } = {
  numCpus: positive("vCPUs"),
  numGpus: wholeFrom(0),
  gpuType: { allowed: "a non-empty string", holds: (value) => typeof value === "string" && value !== "" },
  memoryMb: atLeast(LAMBDA.minMemoryMb, "MB"),
  timeoutMs: {
    allowed: `a number of milliseconds above 0, at most ${MAX_TIMEOUT_MS}`,
    holds: (value) => isNumber(value) && value > 0 && value <= MAX_TIMEOUT_MS,
  },
  ephemeralStorageMb: positive("MB"),
  maxRetries: wholeFrom(0),
  retryOn: {
    allowed: "true, false, or a list of error classes or their names",
    holds: (value) =>
      typeof value === "boolean" ||
      (Array.isArray(value) && value.every((entry) => typeof entry === "string" || typeof entry === "function")),
  },
  maxOomRetries: wholeFrom(0),
  speculate: { allowed: "true or false", holds: (value) => typeof value === "boolean" },
  spot: { allowed: "true or false", holds: (value) => typeof value === "boolean" },
  executor: { allowed: '"lambda" or "ecs"', holds: (value) => value === "lambda" || value === "ecs" },
  resources: AMOUNTS,
};

/**
 * Checks a task's runner options and fills in defaults.
 *
 * @param options What the definition gives for these params.
 * @param taskName For messages.
 * @throws InvalidTaskError naming the option, the value got and what is allowed.
 */
export function resolveOptions(options: RunnerOptions, taskName: string): ResolvedOptions {
  if (typeof options !== "object" || options === null || !isPlainObject(options)) {
    throw new InvalidTaskError(
      "invalid-option",
      `task ${taskName}: runnerOptions must be an object of options, got ${show(options)}`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(RULES, name)) {
      const known = Object.keys(RULES).join(", ");
      throw new InvalidTaskError(
        "invalid-option",
        `task ${taskName}: unknown runner option ${name}; known are ${known}`,
      );
    }
    const rule = RULES[name as keyof RunnerOptions];
    if (value !== undefined && !rule.holds(value)) {
      throw new InvalidTaskError(
        "invalid-option",
        `task ${taskName}: runner option ${name} must be ${rule.allowed}, got ${show(value)}`,
      );
    }
  }
  const { numCpus, memoryMb, numGpus = 0, gpuType, timeoutMs, ephemeralStorageMb, executor, resources = {} } = options;
  const cpus = numCpus ?? (memoryMb === undefined ? DEFAULT_DEMAND.numCpus : undefined);
  return {
    demand: {
      numGpus,
      spot: options.spot ?? DEFAULT_DEMAND.spot,
      resources,
      ...(cpus === undefined ? {} : { numCpus: cpus }),
      ...(gpuType === undefined ? {} : { gpuType }),
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(ephemeralStorageMb === undefined ? {} : { ephemeralStorageMb }),
      ...(executor === undefined ? {} : { executor }),
    },
    policy: {
      maxRetries: options.maxRetries ?? DEFAULT_RETRY_POLICY.maxRetries,
      retryOn: namesOf(options.retryOn ?? DEFAULT_RETRY_POLICY.retryOn),
      maxOomRetries: options.maxOomRetries ?? DEFAULT_RETRY_POLICY.maxOomRetries,
      ...(options.speculate === false ? { speculate: false } : {}),
    },
  };
}

function namesOf(retryOn: boolean | readonly (ErrorClass | string)[]): boolean | readonly string[] {
  return typeof retryOn === "boolean"
    ? retryOn
    : retryOn.map((entry) => (typeof entry === "string" ? entry : entry.name));
}
