import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import {
  type ContainerDriver,
  type ContainerExit,
  type ContainerSpec,
  ContainerStartError,
  type ContainerUsage,
  type RunningContainer,
} from "./container-driver.ts";
import { type ContainerEngine, EngineError } from "./container-engine.ts";
import { splitStreams } from "./engine-stream.ts";

/** Label of every container, with its owner as the value. */
const OWNER_LABEL = "stratolab.local-aws.owner";

const DAEMON = "Error response from daemon";

interface Inspected {
  readonly State: { readonly ExitCode: number; readonly OOMKilled: boolean };
}

interface Stats {
  readonly memory_stats?: {
    readonly usage?: number;
    readonly stats?: { readonly cache?: number; readonly inactive_file?: number };
  };
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
}

/**
 * Runs containers on an engine such as Docker, with their own images and the kernel's limits on
 * memory. They share this machine's network: the local AWS listens on loopback only.
 *
 * Each container has a limit of its own. Where an ECS task has several, none may exceed that of the
 * task, but together they may: the engine knows no limit for a group. No init process is added, so
 * that the first process gets only the signals that it listens for.
 */
export class EngineDriver implements ContainerDriver {
  readonly #engine: ContainerEngine;
  readonly #owner: string;
  readonly #ends = new Set<Promise<unknown>>();

  constructor(engine: ContainerEngine, owner: string) {
    this.#engine = engine;
    this.#owner = owner;
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    if (spec.image === undefined) throw new ContainerStartError("CannotPullContainerError: no image is named");
    const id = await this.#create(spec, spec.image);
    await this.#engine.ask("POST", `/containers/${id}/start`).catch(async (error: Error) => {
      await this.#remove(id);
      throw new ContainerStartError(`CannotStartContainerError: ${DAEMON}: ${error.message}`);
    });
    const exited = this.#untilGone(id, spec);
    this.#ends.add(exited);
    void exited.finally(() => this.#ends.delete(exited));
    const signal = (name: string) =>
      // It may have ended in between.
      void this.#engine.ask("POST", `/containers/${id}/kill?signal=${name}`).catch(() => {});
    let usage: ContainerUsage = { memoryBytes: 0, cpuNanoseconds: 0 };
    return {
      runtimeId: id,
      exited,
      terminate: () => signal("SIGTERM"),
      kill: () => signal("SIGKILL"),
      usage: () => {
        // The engine is asked for the next time: an answer takes longer than the asker waits.
        void this.#usage(id).then((now) => {
          usage = now;
        }, ignore);
        return usage;
      },
    };
  }

  async close(): Promise<void> {
    await this.#engine.removeLabelled(`${OWNER_LABEL}=${this.#owner}`);
    await Promise.allSettled(this.#ends);
    await this.#engine.close();
  }

  async #create(spec: ContainerSpec, image: string): Promise<string> {
    const limits = [spec.memoryBytes, spec.taskMemoryBytes].filter((bytes) => bytes !== undefined);
    const memory = limits.length > 0 ? Math.min(...limits) : 0;
    const [entryPoint, ...command] = spec.command;
    const input = {
      Image: image,
      ...(entryPoint !== undefined && { Entrypoint: [entryPoint], Cmd: command }),
      Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
      Labels: { [OWNER_LABEL]: this.#owner },
      HostConfig: {
        NetworkMode: "host",
        // Without swap, as on Fargate.
        ...(memory > 0 && { Memory: memory, MemorySwap: memory }),
      },
    };
    const create = async () => (await this.#engine.ask<{ Id: string }>("POST", "/containers/create", input)).Id;
    try {
      return await create().catch(async (error) => {
        if (!(error instanceof EngineError) || error.statusCode !== 404) throw error;
        await this.#pull(image);
        return create();
      });
    } catch (error) {
      if (error instanceof ContainerStartError) throw error;
      throw new ContainerStartError(`CannotStartContainerError: ${DAEMON}: ${(error as Error).message}`);
    }
  }

  async #pull(image: string): Promise<void> {
    const refused = (why: string) =>
      new ContainerStartError(
        `CannotPullContainerError: ref pull has been retried 1 time(s): failed to resolve reference "${image}": ${why}`,
      );
    const name = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
    const body = await this.#engine
      .follow("POST", `/images/create?fromImage=${encodeURIComponent(name)}`)
      .catch((error: Error) => {
        throw refused(error.message);
      });
    // A failure midway is told in the stream, under a status of success.
    for await (const line of createInterface({ input: body })) {
      const { error } = JSON.parse(line) as { error?: string };
      if (error) throw refused(error);
    }
  }

  /** Resolves once it has ended, all it wrote was read, and it is removed. */
  async #untilGone(id: string, spec: ContainerSpec): Promise<ContainerExit> {
    const read = this.#readOutput(id, spec).catch(ignore);
    try {
      await this.#engine.ask("POST", `/containers/${id}/wait`);
      await read;
      const { State } = await this.#engine.ask<Inspected>("GET", `/containers/${id}/json`);
      return { exitCode: State.ExitCode, outOfMemory: State.OOMKilled };
    } catch {
      // Removed by somebody else, such as `close`: that was a kill.
      return { exitCode: 137, outOfMemory: false };
    } finally {
      await this.#remove(id);
    }
  }

  async #readOutput(id: string, spec: ContainerSpec): Promise<void> {
    const body = await this.#engine.follow("GET", `/containers/${id}/logs?follow=true&stdout=true&stderr=true`);
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const read = Object.entries(streams).map(async ([stream, input]) => {
      for await (const text of createInterface({ input })) {
        spec.onLine({ time: Date.now(), container: spec.name, stream: stream as "stdout" | "stderr", text });
      }
    });
    await splitStreams(body, streams);
    await Promise.all(read);
  }

  async #usage(id: string): Promise<ContainerUsage> {
    const { memory_stats: memory, cpu_stats: cpu } = await this.#engine.ask<Stats>(
      "GET",
      `/containers/${id}/stats?stream=false&one-shot=true`,
    );
    // Pages of files count against no limit: the kernel drops them first.
    const pages = memory?.stats?.inactive_file ?? memory?.stats?.cache ?? 0;
    return {
      memoryBytes: Math.max(0, (memory?.usage ?? 0) - pages),
      cpuNanoseconds: cpu?.cpu_usage?.total_usage ?? 0,
    };
  }

  async #remove(id: string): Promise<void> {
    await this.#engine.ask("DELETE", `/containers/${id}?force=true&v=true`).catch(ignore);
  }
}

/** Ends and removes what containers of this owner are left, where an engine answers. */
export async function removeContainers(engine: ContainerEngine, owner: string): Promise<void> {
  if (await engine.answers()) await engine.removeLabelled(`${OWNER_LABEL}=${owner}`);
}

const ignore = (): void => {};
