import type { StandInState } from "./action.ts";
import { CapacityBook, type CapacityProviderOptions } from "./capacity.ts";
import { ClientTokens } from "./client-tokens.ts";
import type { ContainerDriver } from "./container-driver.ts";
import type { ContainerLine, EcsEvent, EcsListener } from "./events.ts";
import type { EcsFaults } from "./faults.ts";
import type { LaunchPlan } from "./launch-plan.ts";
import { LogShipper } from "./log-shipper.ts";
import { MetadataEndpoint } from "./metadata.ts";
import { idOf } from "./new-task.ts";
import { endpointOf, serve } from "./server.ts";
import { TaskLife } from "./task-life.ts";
import { TaskStore } from "./task-store.ts";
import { Upstream } from "./upstream.ts";
import type { EcsTask, StopCode } from "./wire.ts";

/** Options of the ECS stand-in that users and tests set. */
export interface EcsOptions {
  /** EC2 capacity providers with what their instances offer. @default none */
  readonly capacityProviders?: readonly CapacityProviderOptions[];
  /** From RunTask to the start of the containers. @default 100 */
  readonly startDelayMs?: number;
  /** Factor on every stop timeout, which is 30 s unless the task definition says otherwise. @default 1 */
  readonly stopTimeoutScale?: number;
  /** How long a stopped ECS task can be described. @default 3,600,000: an hour */
  readonly keepStoppedMs?: number;
  /** How often the containers' memory is looked at. @default 50 */
  readonly memoryPollMs?: number;
  /** What is to go wrong. @default nothing */
  readonly faults?: EcsFaults;
}

/** What {@link startEcsStandIn} needs beside the options. */
export interface EcsStandInOptions extends EcsOptions {
  /** 0 for a free one. */
  readonly port: number;
  readonly region: string;
  /** The emulator that keeps clusters, task definitions and logs. */
  readonly upstreamEndpoint: string;
  readonly driver: ContainerDriver;
  /** Variables of every container. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A running ECS stand-in. ECS tasks are named by ARN or id. */
export interface EcsStandIn {
  readonly endpoint: string;
  /** All ECS tasks that can be described, oldest first. */
  tasks(): readonly EcsTask[];
  /** The last lines that an ECS task's containers wrote. */
  lines(task: string): readonly ContainerLine[];
  /** SIGKILL to all of an ECS task's processes, as a crash would. */
  kill(task: string): void;
  /** Stops an ECS task for another reason than StopTask, such as `SpotInterruption`. */
  stopTask(task: string, stopCode: StopCode, stoppedReason: string): void;
  /** Tells of every event until the returned function is called. */
  listen(listener: EcsListener): () => void;
  /** Ends all ECS tasks at once, and the server. */
  stop(): Promise<void>;
}

/** Starts the ECS stand-in. */
export async function startEcsStandIn(options: EcsStandInOptions): Promise<EcsStandIn> {
  const { capacityProviders = [], faults = {}, startDelayMs = 100, stopTimeoutScale = 1 } = options;
  const listeners = new Set<EcsListener>();
  const tell = (event: EcsEvent) => {
    for (const listener of listeners) listener(event);
  };
  const shipper = new LogShipper(options.upstreamEndpoint, options.region, (message) =>
    tell({ kind: "warning", message }),
  );
  const metadata = new MetadataEndpoint();
  const store = new TaskStore(options.keepStoppedMs ?? 3_600_000);
  const capacity = new CapacityBook(capacityProviders);
  const living = new Set<Promise<void>>();
  let endpoint = "";

  const launch = (task: EcsTask, plan: LaunchPlan): TaskLife => {
    const taskId = idOf(task.taskArn);
    const life: TaskLife = new TaskLife(task, plan, {
      driver: options.driver,
      faults,
      startDelayMs,
      stopTimeoutScale,
      environment: (container) => ({
        ...options.environment,
        AWS_EXECUTION_ENV: `AWS_ECS_${task.launchType}`,
        ECS_CONTAINER_METADATA_URI_V4: endpoint + metadata.register(life, container),
        ...gpuEnvironment(task, container),
      }),
      onChange: (changed) => tell({ kind: "task", task: changed }),
      onLine: (current, line, container) => {
        tell({ kind: "line", task: current, line });
        shipper.take(line, container.name, taskId, container.logConfiguration);
      },
      onGone: () => {
        capacity.release(taskId);
        metadata.forget(life);
      },
    });
    store.add(life);
    faults.onLaunch?.(task);
    tell({ kind: "task", task });
    const gone = life.begin().finally(() => living.delete(gone));
    living.add(gone);
    return life;
  };

  const state: StandInState = {
    store,
    capacity,
    ec2Providers: capacityProviders.map(({ name }) => name),
    upstream: new Upstream(options.upstreamEndpoint),
    faults,
    clientTokens: new ClientTokens(),
    launch,
  };
  const server = await serve(state, metadata, options.port);
  endpoint = endpointOf(server);

  const find = (task: string): TaskLife => {
    const life = store.find(task);
    if (!life) throw new Error(`no ECS task ${task}`);
    return life;
  };
  return {
    endpoint,
    tasks: () => store.all().map(({ task }) => task),
    lines: (task) => find(task).lines,
    kill: (task) => find(task).kill(),
    stopTask: (task, stopCode, stoppedReason) => find(task).stop(stopCode, stoppedReason),
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      for (const life of store.all()) {
        life.stop("TerminationNotice", "The local AWS was stopped.");
        life.kill();
      }
      await options.driver.close();
      await Promise.all(living);
      await shipper.flush();
    },
  };
}

/** NVIDIA's container runtime shows a container the GPUs that this variable names. */
function gpuEnvironment(task: EcsTask, container: string): Readonly<Record<string, string>> {
  const gpuIds = task.containers.find(({ name }) => name === container)?.gpuIds;
  return gpuIds ? { NVIDIA_VISIBLE_DEVICES: gpuIds.join(",") } : {};
}
