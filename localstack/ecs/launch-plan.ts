import type { CapacityNeed } from "./capacity.ts";
import { clientError, invalidParameter } from "./ecs-error.ts";
import { parseCpu, parseMemory, requireFargateSize } from "./fargate-sizes.ts";
import { requireNetwork } from "./network.ts";
import type {
  ContainerDefinition,
  ContainerOverride,
  EphemeralStorage,
  LaunchType,
  LogConfiguration,
  ResourceRequirement,
  RunTaskInput,
  TaskDefinition,
} from "./wire.ts";

/** One container as it is to run: its definition with the call's overrides. */
export interface ContainerPlan {
  readonly name: string;
  readonly image: string | undefined;
  readonly essential: boolean;
  /** Entry point and command. Empty: the image's own, which the stand-in cannot know. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cpu: number;
  /** Hard limit in MiB, if the container has one of its own. */
  readonly memory: number | undefined;
  readonly memoryReservation: number | undefined;
  readonly gpus: number;
  readonly stopTimeoutSeconds: number;
  readonly logConfiguration: LogConfiguration | undefined;
}

/** One ECS task as it is to run. */
export interface LaunchPlan {
  readonly definition: TaskDefinition;
  readonly launchType: LaunchType;
  readonly cpu: number;
  readonly memory: number;
  /** Limit of all containers together in MiB, if there is one. */
  readonly memoryLimit: number | undefined;
  readonly ephemeralStorage: EphemeralStorage | undefined;
  readonly containers: readonly ContainerPlan[];
  readonly need: CapacityNeed;
}

const DEFAULT_STOP_TIMEOUT_SECONDS = 30;

/** Works out what a RunTask call asks for, or fails with AWS's words. */
export function planLaunch(input: RunTaskInput, definition: TaskDefinition, launchType: LaunchType): LaunchPlan {
  const overrides = input.overrides ?? {};
  requireCompatibility(definition, launchType);
  requireNetwork(input, definition, launchType);
  for (const { name } of overrides.containerOverrides ?? []) {
    if (name === undefined) throw invalidParameter("Container name must be specified in a container override.");
    if (!definition.containerDefinitions.some((container) => container.name === name)) {
      throw invalidParameter(`Override for container named ${name} is not a container in the TaskDefinition.`);
    }
  }

  const containers = definition.containerDefinitions.map((container) =>
    planContainer(
      container,
      overrides.containerOverrides?.find(({ name }) => name === container.name),
    ),
  );
  const taskCpu = parseCpu(overrides.cpu) ?? parseCpu(definition.cpu);
  const taskMemory = parseMemory(overrides.memory) ?? parseMemory(definition.memory);
  for (const { name, cpu, memory, memoryReservation } of containers) {
    if (taskCpu !== undefined && cpu > taskCpu) {
      throw invalidParameter(`'cpu' setting for container '${name}' is greater than for task.`);
    }
    if (taskMemory !== undefined && Math.max(memory ?? 0, memoryReservation ?? 0) > taskMemory) {
      throw invalidParameter(`'memory' setting for container '${name}' is greater than for task.`);
    }
  }
  const gpus = sum(containers.map((container) => container.gpus));
  if (launchType === "FARGATE") {
    if (gpus > 0) throw invalidParameter("Resource type GPU is not supported on Fargate.");
    requireFargateSize(taskCpu ?? 0, taskMemory ?? 0);
  }
  const cpu = taskCpu ?? sum(containers.map((container) => container.cpu));
  const memory = taskMemory ?? sum(containers.map((each) => each.memoryReservation ?? each.memory ?? 0));
  return {
    definition,
    launchType,
    cpu,
    memory,
    memoryLimit: taskMemory,
    ephemeralStorage: planStorage(overrides.ephemeralStorage) ?? definition.ephemeralStorage,
    containers,
    need: { cpu, memoryMb: memory, gpus },
  };
}

function requireCompatibility(
  { requiresCompatibilities, compatibilities }: TaskDefinition,
  launchType: LaunchType,
): void {
  const compatible = requiresCompatibilities?.length ? requiresCompatibilities : compatibilities;
  if (compatible?.length && !compatible.includes(launchType)) {
    throw invalidParameter(`Task definition does not support launch_type ${launchType}.`);
  }
}

function planStorage(storage: EphemeralStorage | undefined): EphemeralStorage | undefined {
  if (storage === undefined) return undefined;
  const { sizeInGiB } = storage;
  if (sizeInGiB >= 20 && sizeInGiB <= 200) return storage;
  throw clientError("Invalid 'ephemeralStorage' setting for task: sizeInGiB must be between 20 and 200.");
}

function planContainer(definition: ContainerDefinition, override: ContainerOverride = {}): ContainerPlan {
  const environment = [...(definition.environment ?? []), ...(override.environment ?? [])];
  return {
    name: definition.name,
    image: definition.image,
    essential: definition.essential ?? true,
    command: [...(definition.entryPoint ?? []), ...(override.command ?? definition.command ?? [])],
    environment: Object.fromEntries(environment.map(({ name, value }) => [name, value])),
    cpu: Number(override.cpu ?? definition.cpu ?? 0),
    memory: toNumber(override.memory ?? definition.memory),
    memoryReservation: toNumber(override.memoryReservation ?? definition.memoryReservation),
    gpus: countGpus(override.resourceRequirements ?? definition.resourceRequirements ?? []),
    stopTimeoutSeconds: Number(definition.stopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS),
    logConfiguration: definition.logConfiguration,
  };
}

/** Emulators keep some numbers of a task definition as the text that CloudFormation gave them. */
const toNumber = (value: number | undefined): number | undefined => (value === undefined ? undefined : Number(value));

const countGpus = (requirements: readonly ResourceRequirement[]): number =>
  sum(requirements.filter(({ type }) => type === "GPU").map(({ value }) => Number(value)));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
