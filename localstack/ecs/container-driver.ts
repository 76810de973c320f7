import type { ContainerLine } from "./events.ts";

/** A container to start. */
export interface ContainerSpec {
  /** Id of its ECS task: containers of one are held to {@link taskMemoryBytes} together. */
  readonly taskId: string;
  readonly name: string;
  readonly image: string | undefined;
  /** Entry point and command. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryBytes: number | undefined;
  readonly taskMemoryBytes: number | undefined;
  readonly onLine: (line: ContainerLine) => void;
}

/** How a container ended. */
export interface ContainerExit {
  /** 128 plus the signal's number after a signal. */
  readonly exitCode: number;
  readonly outOfMemory: boolean;
}

/** What a container uses now. */
export interface ContainerUsage {
  readonly memoryBytes: number;
  readonly cpuNanoseconds: number;
}

/** A container that runs. */
export interface RunningContainer {
  readonly runtimeId: string;
  /** Resolves when nothing of the container is left. */
  readonly exited: Promise<ContainerExit>;
  /** SIGTERM to its first process. */
  terminate(): void;
  /** SIGKILL to all its processes. */
  kill(): void;
  usage(): ContainerUsage;
}

/** What runs containers: child processes, or a container engine. */
export interface ContainerDriver {
  /** Fails with a {@link ContainerStartError} when AWS would not have started it either. */
  start(spec: ContainerSpec): Promise<RunningContainer>;
  /** Ends whatever still runs. */
  close(): Promise<void>;
}

/** A container that could not start; its message is what AWS says then. */
export class ContainerStartError extends Error {
  override readonly name = "ContainerStartError";
}
