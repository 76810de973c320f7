import type { ProgressEvent } from "./driver/progress-events.ts";
import { LabOptionError } from "./errors.ts";
import { checkNames, type Rule, show } from "./options.ts";
import { AMOUNTS } from "./runner-options.ts";
import { aws } from "./runners/aws/aws.ts";
import { InlineRunner } from "./runners/inline/runner.ts";
import { LocalRunner } from "./runners/local/runner.ts";
import type { Runner } from "./runners/runner.ts";
import { problemOfRuntimeEnv } from "./runtime-env.ts";
import { isSpeculation, type SpeculationOptions } from "./speculation.ts";
import type { MemoryMonitor } from "./wire/memory-monitor.ts";
import { DriverEnv } from "./wire/protocol.ts";
import type { RuntimeEnv } from "./wire/runtime-env.ts";

/** How a lab is made. */
export interface LabOptions {
  /**
   * The module that exports the tasks: a path, or a URL such as `import.meta.resolve("./tasks.ts")`.
   * It is bundled, so it may be TypeScript and import whatever it likes, but must not start a lab. A lab
   * that only attaches to runs and looks at results needs none.
   */
  readonly tasks?: string | URL;
  /**
   * Where tasks run: `local` processes, the `aws` stack, `inline` in this process for a debugger, or a
   * runner of your own. Default: `STRATOLAB_RUNNER`, else `local`.
   */
  readonly runner?: "local" | "aws" | "inline" | Runner;
  /**
   * Where the local runners keep results and runs: a folder, a `file://` URL, or `s3://bucket/prefix`, which labs on
   * several machines can share without a stack. `false`: in a temporary folder that goes with the lab, so that nothing
   * is found again. Default `.stratolab`. On AWS it is the stack's own, and not to be chosen.
   */
  readonly storage?: string | false;
  /** Any value that tasks find in `ctx.context`. No part of the cache key. */
  readonly context?: unknown;
  /** Variables, files, packages and a `setup` function that tasks find around them. Default none. */
  readonly runtimeEnv?: RuntimeEnv;
  /** Attempts in flight at once. Default: the cores of this machine, or the account's quota on AWS. */
  readonly concurrency?: number;
  /** Keeps the results of labs apart that share a storage. Default `default`. */
  readonly namespace?: string;
  /**
   * `true` for bars on a terminal and plain lines elsewhere, on standard error; `false` for silence; a
   * function to receive the events instead. Default true.
   */
  readonly progress?: boolean | ((event: ProgressEvent) => void);
  /** Custom resources of this machine by name and amount, for tasks that ask for them. Default none. */
  readonly resources?: Readonly<Record<string, number>>;
  /**
   * How executors watch the memory of tasks. `false` leaves it to the kernel, to Lambda and to ECS, whose
   * kills are noticed too, but take the executor along. Default true.
   *
   * @example new Lab({ tasks, memoryMonitor: { marginMb: 128, pollMs: 20 } })
   */
  readonly memoryMonitor?: boolean | MemoryMonitor;
  /**
   * Whether an attempt that takes far longer than nearly all others of its kind gets a second one beside it, where
   * that takes nothing from other tasks and costs little: the first result counts, the other attempt is ended. Not for
   * tasks with `maxRetries: 0` or `speculate: false`. `false`: never. Default true: after twice what 95 % have taken.
   *
   * @example new Lab({ tasks, speculation: { quantile: 0.99, factor: 3 } })
   */
  readonly speculation?: boolean | SpeculationOptions;
  /** How deep tasks may run tasks that run tasks (`ctx.lab`); 0 for not at all. Default 16. */
  readonly maxNestedDepth?: number;
  /** How many tasks one attempt of a task may run, those they depend on included. Default 10,000. */
  readonly maxNestedTasks?: number;
  /**
   * Whether runs, tasks and attempts are told to OpenTelemetry, as spans of the tracer provider that is registered
   * in this process. Executors are given the context of each attempt, so that spans which a task makes with
   * `@opentelemetry/api` become children of its attempt's. Needs that package. Default false.
   */
  readonly tracing?: boolean;
  /**
   * Whether Ctrl-C is taken care of while a run is active: once lets running attempts finish, twice
   * stops them. Default true.
   */
  readonly handleInterrupt?: boolean;
}

export const NAMESPACE = /^[\w.-]{1,64}$/;
const RUNNERS = ["local", "aws", "inline"];
const RUNNER_METHODS = ["storeAddress", "open", "startExecutors", "stopExecutor", "dispatch", "kill", "close"];

const optional = ({ allowed, holds }: Rule): Rule => ({
  allowed,
  holds: (value) => value === undefined || holds(value),
});
const boolean: Rule = { allowed: "true or false", holds: (value) => typeof value === "boolean" };

const RULES: { readonly [K in keyof Required<LabOptions>]: Rule } = {
  tasks: optional({
    allowed: 'the path or URL of the module that exports your tasks, such as import.meta.resolve("./tasks.ts")',
    holds: (value) => (typeof value === "string" && value !== "") || value instanceof URL,
  }),
  runner: optional({
    allowed: `${RUNNERS.map(show).join(", ")} or a runner object (with ${RUNNER_METHODS.join(", ")})`,
    holds: (value) =>
      RUNNERS.includes(value as string) ||
      RUNNER_METHODS.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === "function"),
  }),
  storage: optional({
    allowed: "a folder, a file:// URL, s3://bucket/prefix or false",
    holds: (value) => value === false || (typeof value === "string" && value !== ""),
  }),
  context: { allowed: "anything", holds: () => true },
  // Its own check says what is wrong in it.
  runtimeEnv: { allowed: "an object", holds: () => true },
  concurrency: optional({
    allowed: "a whole number, at least 1",
    holds: (value) => Number.isInteger(value) && (value as number) >= 1,
  }),
  namespace: optional({
    allowed: '1 to 64 letters, digits, "_", "-" or "."',
    holds: (value) => typeof value === "string" && NAMESPACE.test(value),
  }),
  progress: optional({
    allowed: "true, false or a function",
    holds: (value) => boolean.holds(value) || typeof value === "function",
  }),
  resources: optional(AMOUNTS),
  memoryMonitor: optional({
    allowed: "true, false or { marginMb, pollMs }: MB of 0 or more, and whole milliseconds, at least 10",
    holds: (value) => boolean.holds(value) || isMemoryMonitor(value),
  }),
  speculation: optional({
    allowed: "true, false or { quantile, factor }: above 0.5 and at most 1, and at least 1",
    holds: isSpeculation,
  }),
  maxNestedDepth: optional({
    allowed: "a whole number from 0 to 200",
    holds: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 200,
  }),
  maxNestedTasks: optional({
    allowed: "a whole number, at least 1",
    holds: (value) => Number.isInteger(value) && (value as number) >= 1,
  }),
  tracing: optional(boolean),
  handleInterrupt: optional(boolean),
};

function isMemoryMonitor(value: unknown): value is MemoryMonitor {
  if (typeof value !== "object" || value === null) return false;
  const { marginMb = 0, pollMs = 10, ...others } = value as MemoryMonitor;
  if (Object.keys(others).length > 0) return false;
  return Number.isFinite(marginMb) && marginMb >= 0 && Number.isInteger(pollMs) && pollMs >= 10;
}

/** Refuses options that mean nothing or could never work. */
export function checkLabOptions(options: LabOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new LabOptionError('new Lab needs options, at least { tasks: import.meta.resolve("./tasks.ts") }');
  }
  checkNames("new Lab", options, Object.keys(RULES));
  for (const [name, { allowed, holds }] of Object.entries(RULES)) {
    const value = options[name as keyof LabOptions];
    if (!holds(value)) throw new LabOptionError(`new Lab: ${name} must be ${allowed}, got ${show(value)}`);
  }
  const problem = options.runtimeEnv === undefined ? undefined : problemOfRuntimeEnv(options.runtimeEnv);
  if (problem) throw new LabOptionError(`new Lab: ${problem}`);
}

/** The runner that the options, or else the environment, ask for. */
export function chooseRunner(options: { readonly runner?: LabOptions["runner"] | undefined }): Runner {
  if (typeof options.runner === "object" && options.runner !== null) return options.runner;
  const fromEnvironment = process.env[DriverEnv.runner] || undefined;
  const name = options.runner ?? fromEnvironment ?? "local";
  if (name === "local") return new LocalRunner();
  if (name === "inline") return new InlineRunner();
  if (name === "aws") return aws();
  throw new LabOptionError(
    `the environment variable ${DriverEnv.runner} must be ${RUNNERS.map(show).join(", ")}, got ${show(name)}`,
  );
}

/** A runner for a run that another lab began: an open one has its own bundle. */
export function anotherRunner(runner: Runner, options: { readonly runner?: LabOptions["runner"] | undefined }): Runner {
  if (runner.another) return runner.another();
  if (typeof options.runner !== "object") return chooseRunner(options);
  throw new LabOptionError(
    `runner ${runner.name} cannot go on with a run that another lab began: it needs a method another()`,
  );
}
