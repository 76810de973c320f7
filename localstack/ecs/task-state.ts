import type { EcsContainer, EcsTask, StopCode, TaskStatus } from "./wire.ts";

/** Something that happened to an ECS task. `at` is in seconds since 1970. */
export type TaskEvent =
  | { readonly kind: "placed"; readonly at: number }
  | { readonly kind: "started"; readonly at: number; readonly runtimeIds: Readonly<Record<string, string>> }
  | ContainerExited
  | StopRequested
  | StartFailed
  | { readonly kind: "stopping"; readonly at: number }
  | { readonly kind: "deprovisioning"; readonly at: number }
  | { readonly kind: "stopped"; readonly at: number };

interface ContainerExited {
  readonly kind: "container-exited";
  readonly at: number;
  readonly container: string;
  readonly essential: boolean;
  readonly exitCode: number;
  /** AWS's reason, such as `OutOfMemoryError: …`. */
  readonly reason?: string | undefined;
}

interface StopRequested {
  readonly kind: "stop-requested";
  readonly at: number;
  readonly stopCode: StopCode;
  readonly stoppedReason: string;
}

interface StartFailed {
  readonly kind: "start-failed";
  readonly at: number;
  readonly stoppedReason: string;
  /** AWS sometimes shows such an ECS task without any container. */
  readonly withoutContainers?: boolean | undefined;
}

/** AWS's reason when an essential container's exit ended its ECS task. */
export const ESSENTIAL_CONTAINER_EXITED = "Essential container in task exited";

/**
 * The ECS task after an event. An event that does not fit its state changes nothing: what AWS
 * tells may come late or twice, and the first reason for a stop is the one that counts.
 */
export function transition(task: EcsTask, event: TaskEvent): EcsTask {
  const next = apply(task, event);
  return next === task ? task : { ...next, version: task.version + 1 };
}

function apply(task: EcsTask, event: TaskEvent): EcsTask {
  switch (event.kind) {
    case "placed":
      if (task.lastStatus !== "PROVISIONING" || task.desiredStatus === "STOPPED") return task;
      return {
        ...task,
        lastStatus: "PENDING",
        connectivity: "CONNECTED",
        connectivityAt: event.at,
        pullStartedAt: event.at,
      };
    case "started":
      if (task.lastStatus !== "PENDING" || task.desiredStatus === "STOPPED") return task;
      return {
        ...task,
        lastStatus: "RUNNING",
        pullStoppedAt: event.at,
        startedAt: event.at,
        containers: task.containers.map((container) => runningContainer(container, event.runtimeIds)),
      };
    case "container-exited":
      return containerExited(task, event);
    case "stop-requested":
      return requestStop(task, event);
    case "start-failed":
      if (task.lastStatus !== "PROVISIONING" && task.lastStatus !== "PENDING") return task;
      return requestStop(event.withoutContainers ? { ...task, containers: [] } : task, {
        kind: "stop-requested",
        at: event.at,
        stopCode: "TaskFailedToStart",
        stoppedReason: event.stoppedReason,
      });
    case "stopping":
      return task.lastStatus === "DEACTIVATING" ? { ...task, lastStatus: "STOPPING", stoppingAt: event.at } : task;
    case "deprovisioning":
      if (task.desiredStatus !== "STOPPED" || isOver(task.lastStatus)) return task;
      return {
        ...task,
        lastStatus: "DEPROVISIONING",
        stoppingAt: task.stoppingAt ?? event.at,
        executionStoppedAt: task.executionStoppedAt ?? event.at,
      };
    case "stopped":
      if (task.lastStatus !== "DEPROVISIONING") return task;
      return {
        ...task,
        lastStatus: "STOPPED",
        stoppedAt: event.at,
        containers: task.containers.map((container) => ({ ...container, lastStatus: "STOPPED" })),
      };
  }
}

const isOver = (status: TaskStatus): boolean => status === "DEPROVISIONING" || status === "STOPPED";

function runningContainer(container: EcsContainer, runtimeIds: Readonly<Record<string, string>>): EcsContainer {
  const runtimeId = runtimeIds[container.name];
  return runtimeId === undefined || container.exitCode !== undefined
    ? container
    : { ...container, lastStatus: "RUNNING", runtimeId };
}

function containerExited(task: EcsTask, event: ContainerExited): EcsTask {
  const container = task.containers.find(({ name }) => name === event.container);
  if (!container || container.exitCode !== undefined || task.lastStatus === "STOPPED") return task;
  const { exitCode, reason } = event;
  const exited: EcsContainer = {
    ...container,
    lastStatus: "STOPPED",
    exitCode,
    ...(reason !== undefined && { reason }),
  };
  const after = { ...task, containers: task.containers.map((each) => (each === container ? exited : each)) };
  if (!event.essential) return after;
  return requestStop(after, {
    kind: "stop-requested",
    at: event.at,
    stopCode: "EssentialContainerExited",
    stoppedReason: ESSENTIAL_CONTAINER_EXITED,
  });
}

function requestStop(task: EcsTask, event: StopRequested): EcsTask {
  if (task.desiredStatus === "STOPPED") return task;
  return {
    ...task,
    desiredStatus: "STOPPED",
    lastStatus: task.lastStatus === "RUNNING" ? "DEACTIVATING" : task.lastStatus,
    stopCode: event.stopCode,
    stoppedReason: event.stoppedReason,
  };
}
