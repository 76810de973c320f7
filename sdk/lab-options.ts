import type { ProgressEvent } from "./driver/progress-events.ts";
import { LabOptionError } from "./errors.ts";
import { checkNames } from "./options.ts";
import { aws } from "./runners/aws/aws.ts";
import { InlineRunner } from "./runners/inline/runner.ts";
import { LocalRunner } from "./runners/local/runner.ts";
import type { Runner } from "./runners/runner.ts";
import type { MemoryMonitor } from "./wire/memory-monitor.ts";
import { DriverEnv } from "./wire/protocol.ts";

/** How a lab is made. */
export interface LabOptions {
  /**
   * The module that exports the tasks: a path, or a URL such as `import.meta.resolve("./tasks.ts")`.
   * It is bundled, so it may be TypeScript and import whatever it likes, but must not start a lab.
   */
  readonly tasks: string | URL;
  /**
   * Where tasks run: `local` processes, the `aws` stack, `inline` in this process for a debugger, or a
   * runner of your own. Default: `STRATOLAB_RUNNER`, else `local`.
   */
  readonly runner?: "local" | "aws" | "inline" | Runner;
  /** Folder of results with the local runners. Default `.stratolab`; the stack's own on AWS. */
  readonly storage?: string;
  /** Any value that tasks find in `ctx.context`. No part of the cache key. */
  readonly context?: unknown;
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
   * Whether Ctrl-C is taken care of while a run is active: once lets running attempts finish, twice
   * stops them. Default true.
   */
  readonly handleInterrupt?: boolean;
}

const KNOWN = [
  "tasks",
  "runner",
  "storage",
  "context",
  "concurrency",
  "namespace",
  "progress",
  "resources",
  "memoryMonitor",
  "handleInterrupt",
];
const NAMESPACE = /^[\w.-]{1,64}$/;

/** Refuses options that mean nothing or could never work. */
export function checkLabOptions(options: LabOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new LabOptionError('new Lab needs options, at least { tasks: import.meta.resolve("./tasks.ts") }');
  }
  checkNames("new Lab", options, KNOWN);
  if (typeof options.tasks !== "string" && !(options.tasks instanceof URL)) {
    throw new LabOptionError(
      `tasks must be the path or URL of the module that exports your tasks, got ${typeof options.tasks}. ` +
        'Give import.meta.resolve("./tasks.ts")',
    );
  }
  const { concurrency, namespace, storage, resources } = options;
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw new LabOptionError(`concurrency must be a whole number, at least 1, got ${String(concurrency)}`);
  }
  if (namespace !== undefined && !NAMESPACE.test(namespace)) {
    throw new LabOptionError(
      `namespace must be 1 to 64 letters, digits, "_", "-" or ".", got ${JSON.stringify(namespace)}`,
    );
  }
  if (storage !== undefined && (typeof storage !== "string" || storage === "")) {
    throw new LabOptionError(`storage must be the path of a folder, got ${JSON.stringify(storage)}`);
  }
  for (const [name, amount] of Object.entries(resources ?? {})) {
    if (typeof amount === "number" && amount > 0) continue;
    throw new LabOptionError(`resources.${name} must be an amount above 0, got ${String(amount)}`);
  }
  checkMemoryMonitor(options.memoryMonitor);
}

const MONITOR_OPTIONS = ["marginMb", "pollMs"];

function checkMemoryMonitor(monitor: boolean | MemoryMonitor | undefined): void {
  if (monitor === undefined || typeof monitor === "boolean") return;
  if (typeof monitor !== "object" || monitor === null) {
    throw new LabOptionError(
      `memoryMonitor must be true, false or { marginMb, pollMs }, got ${JSON.stringify(monitor)}`,
    );
  }
  checkNames("memoryMonitor", monitor, MONITOR_OPTIONS);
  const { marginMb = 0, pollMs = 10 } = monitor;
  if (!(typeof marginMb === "number" && marginMb >= 0 && marginMb < Number.POSITIVE_INFINITY)) {
    throw new LabOptionError(`memoryMonitor.marginMb must be a number of MB, at least 0, got ${String(marginMb)}`);
  }
  if (!(Number.isInteger(pollMs) && pollMs >= 10)) {
    throw new LabOptionError(
      `memoryMonitor.pollMs must be a whole number of milliseconds, at least 10, got ${String(pollMs)}`,
    );
  }
}

const RUNNERS = ["local", "aws", "inline"] as const;

/** The runner that the options, or else the environment, ask for. */
export function chooseRunner(options: LabOptions): Runner {
  if (typeof options.runner === "object" && options.runner !== null) return options.runner;
  const fromEnvironment = process.env[DriverEnv.runner] || undefined;
  const name = options.runner ?? fromEnvironment ?? "local";
  if (name === "local") return new LocalRunner();
  if (name === "inline") return new InlineRunner();
  if (name === "aws") return aws();
  const allowed = RUNNERS.map((runner) => JSON.stringify(runner)).join(", ");
  throw new LabOptionError(
    options.runner === undefined
      ? `the environment variable ${DriverEnv.runner} must be ${allowed}, got ${JSON.stringify(name)}`
      : `runner must be ${allowed} or a runner object, got ${JSON.stringify(name)}`,
  );
}
