import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import type { ContainerPlan } from "./launch-plan.ts";
import { idOf } from "./new-task.ts";
import type { TaskLife } from "./task-life.ts";
import type { EcsContainer } from "./wire.ts";

const PATH = /^\/v4\/([^/]+)(\/.*)?$/;

/**
 * The task metadata endpoint, version 4: where a container learns who it is. Each container has a
 * path of its own, which it finds in `ECS_CONTAINER_METADATA_URI_V4`.
 */
export class MetadataEndpoint {
  readonly #containers = new Map<string, { life: TaskLife; container: string }>();

  /** A path for a container. */
  register(life: TaskLife, container: string): string {
    const token = randomUUID();
    this.#containers.set(token, { life, container });
    return `/v4/${token}`;
  }

  /** Forgets an ECS task that is gone. */
  forget(life: TaskLife): void {
    for (const [token, entry] of this.#containers) if (entry.life === life) this.#containers.delete(token);
  }

  /** The document at a path; `undefined` where there is none. */
  document(path: string): object | undefined {
    const [, token = "", rest = ""] = PATH.exec(path) ?? [];
    const entry = this.#containers.get(token);
    if (!entry) return undefined;
    const { life, container } = entry;
    switch (rest.replace(/\/$/, "")) {
      case "":
        return containerDocument(life, container);
      case "/task":
        return taskDocument(life);
      case "/stats":
        return statsDocument(life, container);
      case "/task/stats":
        return Object.fromEntries(
          life.task.containers.map(({ name, runtimeId }) => [runtimeId ?? name, statsDocument(life, name)]),
        );
      default:
        return undefined;
    }
  }
}

function containerDocument(life: TaskLife, name: string): object {
  const { task, plan } = life;
  const container: EcsContainer | undefined = task.containers.find((each) => each.name === name);
  const own: ContainerPlan | undefined = plan.containers.find((each) => each.name === name);
  const { family, revision } = plan.definition;
  const { logDriver, options } = own?.logConfiguration ?? {};
  return {
    DockerId: container?.runtimeId,
    Name: name,
    DockerName: name,
    Image: container?.image,
    ImageID: "",
    Labels: {
      "com.amazonaws.ecs.cluster": task.clusterArn,
      "com.amazonaws.ecs.container-name": name,
      "com.amazonaws.ecs.task-arn": task.taskArn,
      "com.amazonaws.ecs.task-definition-family": family,
      "com.amazonaws.ecs.task-definition-version": String(revision),
    },
    DesiredStatus: task.desiredStatus,
    KnownStatus: container?.lastStatus,
    Limits: { CPU: own?.cpu, Memory: own?.memory },
    CreatedAt: isoTime(task.createdAt),
    StartedAt: isoTime(task.startedAt),
    Type: "NORMAL",
    LogDriver: logDriver,
    LogOptions: options,
    ContainerARN: container?.containerArn,
    Networks: [{ NetworkMode: plan.definition.networkMode ?? "bridge", IPv4Addresses: ["127.0.0.1"] }],
    Snapshotter: "overlayfs",
  };
}

function taskDocument(life: TaskLife): object {
  const { task, plan } = life;
  return {
    Cluster: task.clusterArn,
    TaskARN: task.taskArn,
    Family: plan.definition.family,
    Revision: String(plan.definition.revision),
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Limits: { CPU: plan.cpu / 1024, Memory: plan.memory },
    PullStartedAt: isoTime(task.pullStartedAt),
    PullStoppedAt: isoTime(task.pullStoppedAt),
    AvailabilityZone: task.availabilityZone,
    LaunchType: task.launchType,
    Containers: task.containers.map(({ name }) => containerDocument(life, name)),
    EphemeralStorageMetrics: { Utilized: 0, Reserved: (plan.ephemeralStorage?.sizeInGiB ?? 20) * 1024 },
    FaultInjectionEnabled: false,
  };
}

/** As Docker's `stats`, which ECS passes on, with the members that programs read. */
function statsDocument(life: TaskLife, name: string): object {
  const usage = life.usage(name);
  const limitMb = life.plan.containers.find((each) => each.name === name)?.memory ?? life.plan.memory;
  return {
    read: new Date().toISOString(),
    name,
    memory_stats: { usage: usage?.memoryBytes ?? 0, limit: limitMb * 1024 * 1024, stats: {} },
    cpu_stats: { cpu_usage: { total_usage: usage?.cpuNanoseconds ?? 0 }, online_cpus: availableParallelism() },
    id: idOf(life.task.taskArn),
  };
}

const isoTime = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
