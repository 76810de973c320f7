import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { killOwned, signalProcess } from "../processes/kill-owned.ts";
import { OWNER_VARIABLE, ProcessTable } from "../processes/process-table.ts";
import {
  type ContainerDriver,
  type ContainerExit,
  type ContainerSpec,
  ContainerStartError,
  type ContainerUsage,
  type RunningContainer,
} from "./container-driver.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { usageOf } from "./process-usage.ts";

/** What {@link ProcessDriver} needs. */
export interface ProcessDriverOptions {
  /** Owner of its processes, see `OWNER_VARIABLE`. */
  readonly owner: string;
  /** Folder for the containers' working directories. */
  readonly workDirectory: string;
  /** How often memory is looked at. */
  readonly memoryPollMs: number;
}

/** How long to wait for the last output of a container whose processes are all dead. */
const DRAIN_MS = 1_000;

/**
 * Runs each container's command as a child process in a session and an empty folder of its own.
 * Images are not looked at: the command finds what this machine has, in particular our own Node.
 */
export class ProcessDriver implements ContainerDriver {
  readonly #options: ProcessDriverOptions;
  readonly #table = new ProcessTable();
  readonly #watch: MemoryWatch;
  #closed = false;

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#watch = new MemoryWatch(this.#table, options.owner, options.memoryPollMs);
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const [command, ...args] = spec.command;
    if (command === undefined) {
      throw new ContainerStartError(
        "CannotStartContainerError: Error response from daemon: no command specified " +
          "(the process driver knows no image's own entry point: set entryPoint or command)",
      );
    }
    const taskOwner = `${this.#options.owner}/${spec.taskId}/`;
    const owner = `${taskOwner}${spec.name}/`;
    const directory = path.join(this.#options.workDirectory, `${spec.taskId}-${spec.name}`);
    await mkdir(directory, { recursive: true });
    if (this.#closed) throw new ContainerStartError("CannotStartContainerError: the local AWS is being stopped");
    const child = spawn(command, args, {
      cwd: directory,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
        HOME: directory,
        TMPDIR: directory,
        LANG: "C.UTF-8",
        ...spec.environment,
        [OWNER_VARIABLE]: owner,
      },
    });
    await untilSpawned(child, command);

    let outOfMemory = false;
    const kill = () => {
      signalProcess(-child.pid!, "SIGKILL");
      void killOwned(this.#table, owner);
    };
    const unwatch = this.#watch.add({
      owner,
      taskOwner,
      memoryBytes: spec.memoryBytes,
      taskMemoryBytes: spec.taskMemoryBytes,
      onExceeded: () => {
        outOfMemory = true;
        kill();
      },
    });
    const exited = this.#untilGone(child, spec, owner).then(async (exitCode): Promise<ContainerExit> => {
      unwatch();
      await rm(directory, { recursive: true, force: true }).catch(() => {});
      return { exitCode, outOfMemory };
    });
    // Closed between its start and now: nobody else knows of it yet.
    if (this.#closed) kill();
    return {
      runtimeId: `${spec.taskId}-${randomBytes(5).readUIntBE(0, 5)}`,
      exited,
      terminate: () => void child.kill("SIGTERM"),
      kill,
      usage: () => this.#usage(owner),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await killOwned(this.#table, this.#options.owner);
  }

  /** Resolves with the exit code once nothing of the container lives and all it wrote was read. */
  async #untilGone(child: ChildProcess, spec: ContainerSpec, owner: string): Promise<number> {
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    for (const stream of ["stdout", "stderr"] as const) {
      createInterface({ input: child[stream]! }).on("line", (text) =>
        spec.onLine({ time: Date.now(), container: spec.name, stream, text }),
      );
    }
    const exitCode = await new Promise<number>((resolve) =>
      child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal!])),
    );
    // A container's first process takes all others with it. Without /proc, its group has to do.
    signalProcess(-child.pid!, "SIGKILL");
    await killOwned(this.#table, owner);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([closed, new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)))]);
    clearTimeout(timer);
    return exitCode;
  }

  #usage(owner: string): ContainerUsage {
    const usages = this.#table.owned(owner).map(({ pid }) => usageOf(pid));
    return {
      memoryBytes: usages.reduce((total, { memoryBytes }) => total + memoryBytes, 0),
      cpuNanoseconds: usages.reduce((total, { cpuNanoseconds }) => total + cpuNanoseconds, 0),
    };
  }
}

function untilSpawned(child: ChildProcess, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "ENOENT" ? "executable file not found in $PATH" : error.message;
      reject(
        new ContainerStartError(
          "CannotStartContainerError: Error response from daemon: failed to create task for container: " +
            `exec: "${command}": ${why}: unknown`,
        ),
      );
    });
  });
}
