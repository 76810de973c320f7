import type { GpuInstance } from "../wire/stack-outputs.ts";
import { cheapestLane, type Known } from "./cheapest.ts";
import type { Demand } from "./demand.ts";
import { ECS_TASKS_PER_CALL, FARGATE, FARGATE_SIZES, LAMBDA, lambdaVcpus } from "./limits.ts";
import type { CapacityGroup, Ec2Offer, FargateOffer, LambdaOffer, Lane, MachineOffer, Offer } from "./offer.ts";

/** Where a task goes, and where it goes on when it outgrows that. */
export interface Placement {
  /** Lanes in order of escalation, each with more memory: the first is where it starts. */
  readonly ladder: readonly Lane[];
  /** The same without capacity that can be evicted, for after too many evictions. */
  readonly onDemandLadder: readonly Lane[];
  /** Why the first lane was chosen, in one clause. */
  readonly reason: string;
  /** What an attempt takes of its capacity group. */
  readonly uses: Readonly<Record<string, number>>;
}

/** No lane can ever run the task. */
export interface Infeasible {
  readonly infeasible: string;
}

/** A lane beside what it lacks for a demand; nothing lacking means that it fits. */
interface Candidate {
  readonly lane: Lane;
  readonly lacks: readonly string[];
}

const mb = (value: number) => `${value} MB`;

function lambdaCandidates(offer: LambdaOffer, demand: Demand): Candidate[] {
  return [...offer.memoriesMb]
    .sort((a, b) => a - b)
    .map((memoryMb) => {
      const cpus = lambdaVcpus(memoryMb);
      const lane: Lane = {
        name: `lambda ${mb(memoryMb)}`,
        service: "lambda",
        group: "lambda",
        cpus,
        memoryMb,
        gpus: 0,
        ephemeralStorageMb: offer.ephemeralStorageMb,
        spot: false,
        maxTimeoutMs: offer.timeoutMs,
        ...(offer.architecture ? { architecture: offer.architecture } : {}),
      };
      const lacks: string[] = [];
      if (demand.executor === "ecs") lacks.push('executor is "ecs"');
      if (demand.numGpus > 0 || demand.gpuType) lacks.push("Lambda has no GPU");
      if ((demand.memoryMb ?? 0) > memoryMb) lacks.push(`memoryMb ${demand.memoryMb} > ${memoryMb}`);
      if ((demand.numCpus ?? 0) > cpus)
        lacks.push(`numCpus ${demand.numCpus} > ${cpus.toFixed(2)} (1 vCPU per ${mb(LAMBDA.mbPerVcpu)})`);
      if ((demand.timeoutMs ?? 0) > offer.timeoutMs) lacks.push(`timeoutMs ${demand.timeoutMs} > ${offer.timeoutMs}`);
      if ((demand.ephemeralStorageMb ?? 0) > offer.ephemeralStorageMb) {
        lacks.push(`ephemeralStorageMb ${demand.ephemeralStorageMb} > ${offer.ephemeralStorageMb}`);
      }
      return { lane, lacks: [...lacks, ...lacksCustom(demand)] };
    });
}

function fargateCandidates(offer: FargateOffer, demand: Demand): Candidate[] {
  const storageMb = Math.max(demand.ephemeralStorageMb ?? 0, FARGATE.freeEphemeralStorageMb);
  return FARGATE_SIZES.map(({ vcpus, memoryMb }) => {
    const extra = storageMb > FARGATE.freeEphemeralStorageMb ? ` ${mb(storageMb)} disk` : "";
    const name = `fargate${offer.spot ? " spot" : ""} ${vcpus} vCPU ${mb(memoryMb)}${extra}`;
    const lane: Lane = {
      name,
      pool: name,
      service: "fargate",
      group: offer.spot ? "fargate spot" : "fargate",
      cpus: vcpus,
      memoryMb,
      gpus: 0,
      ephemeralStorageMb: storageMb,
      spot: offer.spot,
      ...(offer.architecture ? { architecture: offer.architecture } : {}),
      ...(offer.publicAddress ? { publicAddress: true } : {}),
    };
    const lacks: string[] = [];
    if (demand.executor === "lambda") lacks.push('executor is "lambda"');
    if (demand.numGpus > 0 || demand.gpuType) lacks.push("Fargate has no GPU");
    if ((demand.memoryMb ?? 0) > memoryMb) lacks.push(`memoryMb ${demand.memoryMb} > ${memoryMb}`);
    if ((demand.numCpus ?? 0) > vcpus) lacks.push(`numCpus ${demand.numCpus} > ${vcpus}`);
    if (storageMb > FARGATE.maxEphemeralStorageMb) {
      lacks.push(`ephemeralStorageMb ${demand.ephemeralStorageMb} > ${FARGATE.maxEphemeralStorageMb}`);
    }
    if (offer.spot && !demand.spot) lacks.push("spot is false");
    return { lane, lacks: [...lacks, ...lacksCustom(demand)] };
  });
}

/** An ECS task takes a share of its instance in proportion to its GPUs, so that others find room beside it. */
function ec2Candidates(offer: Ec2Offer, demand: Demand): Candidate[] {
  const kinds = [...(offer.spot ? [true] : []), ...(offer.onDemand ? [false] : [])];
  return kinds.flatMap((spot) =>
    offer.instances.flatMap((instance) => {
      const fewest = Math.min(Math.max(1, demand.numGpus), instance.gpus);
      const shares = Array.from({ length: instance.gpus - fewest + 1 }, (_, more) => fewest + more);
      return shares.map((gpus) => ec2Candidate(instance, gpus, spot, demand));
    }),
  );
}

function ec2Candidate(instance: GpuInstance, gpus: number, spot: boolean, demand: Demand): Candidate {
  const share = gpus / instance.gpus;
  const name = `ec2${spot ? " spot" : ""} ${instance.type} ${gpus} GPU`;
  const lane: Lane = {
    name,
    pool: name,
    service: "ec2",
    group: spot ? "ec2 spot" : "ec2",
    cpus: instance.vcpus * share,
    memoryMb: Math.floor(instance.memoryMb * share),
    gpus,
    gpuType: instance.gpuType,
    instanceType: instance.type,
    share,
    spot,
  };
  const lacks: string[] = [];
  if (demand.numGpus === 0 && !demand.gpuType) lacks.push("no GPU was asked for");
  if (demand.executor === "lambda") lacks.push('executor is "lambda"');
  if (demand.numGpus > gpus) lacks.push(`numGpus ${demand.numGpus} > ${gpus}`);
  if (demand.gpuType && demand.gpuType.toLowerCase() !== instance.gpuType) {
    lacks.push(`gpuType "${demand.gpuType}" is not "${instance.gpuType}"`);
  }
  if ((demand.memoryMb ?? 0) > (lane.memoryMb ?? 0)) lacks.push(`memoryMb ${demand.memoryMb} > ${lane.memoryMb}`);
  if ((demand.numCpus ?? 0) > lane.cpus) lacks.push(`numCpus ${demand.numCpus} > ${lane.cpus}`);
  if (spot && !demand.spot) lacks.push("spot is false");
  return { lane, lacks: [...lacks, ...lacksCustom(demand)] };
}

/** Custom resources are of the machine that declares them; no AWS executor has any. */
function lacksCustom(demand: Demand): string[] {
  return Object.keys(demand.resources).map((name) => `resource "${name}" is not offered`);
}

/**
 * On one machine a task may ask for more CPUs than there are: it then has the machine to itself. What
 * it cannot have is more memory, GPUs or custom resources.
 */
function machineCandidates(offer: MachineOffer, demand: Demand): Candidate[] {
  const lane = (memoryMb: number | undefined): Lane => ({
    name: memoryMb === undefined ? offer.name : `${offer.name} ${mb(memoryMb)}`,
    service: offer.service,
    group: offer.name,
    cpus: Math.min(demand.numCpus ?? 1, offer.cpus),
    ...(memoryMb === undefined ? {} : { memoryMb }),
    gpus: demand.numGpus,
    ...(demand.gpuType ? { gpuType: demand.gpuType } : {}),
    spot: false,
    // One process serves tasks of any memory: the limit is the attempt's, not the executor's.
    ...(offer.pooled ? { pool: offer.name } : {}),
  });
  const lacks: string[] = [];
  if ((demand.memoryMb ?? 0) > offer.memoryMb) lacks.push(`memoryMb ${demand.memoryMb} > ${offer.memoryMb}`);
  if (demand.numGpus > offer.gpus) lacks.push(`numGpus ${demand.numGpus} > ${offer.gpus}`);
  for (const [name, amount] of Object.entries(demand.resources)) {
    const has = offer.resources[name] ?? 0;
    if (amount > has) lacks.push(`resource "${name}" ${amount} > ${has}`);
  }
  if (demand.memoryMb === undefined) return [{ lane: lane(undefined), lacks }];
  // After running out of memory the next rung has twice as much, up to all there is.
  const rungs: Candidate[] = [];
  for (let memoryMb = demand.memoryMb; memoryMb < offer.memoryMb; memoryMb *= 2)
    rungs.push({ lane: lane(memoryMb), lacks });
  return [...rungs, { lane: lane(Math.max(offer.memoryMb, demand.memoryMb)), lacks }];
}

function candidates(offer: Offer, demand: Demand): Candidate[] {
  return offer.flatMap((part) => {
    switch (part.service) {
      case "lambda":
        return lambdaCandidates(part, demand);
      case "fargate":
        return fargateCandidates(part, demand);
      case "ec2":
        return ec2Candidates(part, demand);
      default:
        return machineCandidates(part, demand);
    }
  });
}

/** Order of escalation between services: cheap and quick to start first, Spot before On-Demand. */
const rank = (lane: Lane): number => {
  const service = { local: 0, custom: 0, lambda: 1, fargate: 2, ec2: 3 }[lane.service];
  return service * 2 + (lane.spot ? 0 : 1);
};

function whyFirst(lane: Lane, demand: Demand): string {
  switch (lane.service) {
    case "lambda":
      return `smallest Lambda size with ${[
        demand.memoryMb === undefined ? undefined : mb(demand.memoryMb),
        demand.numCpus === undefined ? undefined : `${demand.numCpus} vCPU`,
      ]
        .filter(Boolean)
        .join(" and ")}`;
    case "fargate":
      if (demand.executor === "ecs") return 'executor is "ecs"';
      if ((demand.memoryMb ?? 0) > LAMBDA.maxMemoryMb) return `more than Lambda's ${mb(LAMBDA.maxMemoryMb)}`;
      if ((demand.timeoutMs ?? 0) > LAMBDA.maxTimeoutMs) return "longer than Lambda's 15 minutes";
      return "more than a Lambda function has";
    case "ec2":
      return "GPUs are on EC2 only";
    default:
      return "this machine";
  }
}

/** What an attempt takes of a machine's shared amounts; cloud executors bring their own. */
function usesOf(lane: Lane, demand: Demand): Record<string, number> {
  if (lane.service !== "local" && lane.service !== "custom") return {};
  return {
    cpus: lane.cpus,
    ...(demand.memoryMb === undefined ? {} : { memoryMb: demand.memoryMb }),
    ...(demand.numGpus > 0 ? { gpus: demand.numGpus } : {}),
    ...demand.resources,
  };
}

/**
 * Decides where a task runs: the smallest lane that fits what it asked for, and behind it the larger
 * ones it may escalate to, each with more memory than the one before.
 *
 * @param known What is known of its duration: then the cheapest service that is fast enough comes first.
 */
export function route(demand: Demand, offer: Offer, known?: Known): Placement | Infeasible {
  const all = candidates(offer, demand);
  const fitting = all
    .filter((candidate) => candidate.lacks.length === 0)
    .map((candidate) => inRuntimeEnv(candidate.lane, demand.runtimeEnv))
    .sort((a, b) => rank(a) - rank(b) || (a.memoryMb ?? 0) - (b.memoryMb ?? 0) || a.cpus - b.cpus);
  if (fitting.length === 0) return { infeasible: describeNearest(all, demand) };
  const choice = known && cheapestLane(fitting, known);
  // No way leads back to a service that was passed over.
  const allowed = choice ? fitting.filter((lane) => rank(lane) >= rank(choice.lane)) : fitting;
  const ladder = climb(choice ? [choice.lane, ...allowed] : allowed);
  const onDemandLadder = climb(allowed.filter((lane) => !lane.spot));
  const reason = choice?.reason ?? whyFirst(ladder[0], demand);
  return { ladder, onDemandLadder, reason, uses: usesOf(ladder[0], demand) };
}

/**
 * A process cannot forget what was set up in it: executors of one runtime environment are a pool of their own.
 * What stands alone, and finds the limits of its service by the lane's name, keeps that.
 */
function inRuntimeEnv(lane: Lane, runtimeEnv: string | undefined): Lane {
  if (runtimeEnv === undefined) return lane;
  return { ...lane, runtimeEnv, ...(lane.pool === undefined ? {} : { pool: `${lane.pool} in ${runtimeEnv}` }) };
}

/** Of lanes in order of preference, those that have more memory than all before them. */
function climb(lanes: readonly Lane[]): Lane[] {
  const ladder: Lane[] = [];
  for (const lane of lanes) {
    const top = ladder.at(-1);
    if (top === undefined || (lane.memoryMb ?? 0) > (top.memoryMb ?? 0)) ladder.push(lane);
  }
  return ladder;
}

/** Names the executor that lacks least, so that the user sees what to change. */
function describeNearest(all: readonly Candidate[], demand: Demand): string {
  const asked = Object.entries({
    ...demand,
    resources: undefined,
    runtimeEnv: undefined,
    spot: demand.spot ? undefined : false,
    numGpus: demand.numGpus || undefined,
  })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .concat(Object.entries(demand.resources).map(([name, amount]) => `resources.${name}: ${amount}`))
    .join(", ");
  const nearest = [...all].sort(
    (a, b) =>
      a.lacks.length - b.lacks.length || (b.lane.memoryMb ?? 0) - (a.lane.memoryMb ?? 0) || b.lane.cpus - a.lane.cpus,
  )[0];
  if (!nearest) return `no executor can run { ${asked} }: the runner offers none`;
  return `no executor can run { ${asked} }; the nearest is ${nearest.lane.name}, which falls short: ${nearest.lacks.join("; ")}`;
}

/** The capacity groups that the lanes of an offer share. */
export function capacityGroups(offer: Offer): CapacityGroup[] {
  return offer.flatMap((part): CapacityGroup[] => {
    switch (part.service) {
      case "lambda":
        return [
          {
            name: "lambda",
            slots: part.concurrency,
            executors: 0,
            resources: {},
            environments: { ...(part.newEnvironments ?? LAMBDA.newEnvironments), copies: part.copies ?? 1 },
          },
        ];
      case "fargate":
        return [
          {
            name: part.spot ? "fargate spot" : "fargate",
            slots: part.maxEcsTasks,
            executors: part.maxEcsTasks,
            resources: {},
            launches: { ...(part.launches ?? FARGATE.launches), perCall: ECS_TASKS_PER_CALL },
          },
        ];
      case "ec2": {
        const gpus = Math.max(...part.instances.map((instance) => instance.gpus)) * part.maxInstances;
        return [
          ...(part.spot ? [{ name: "ec2 spot", slots: gpus, executors: gpus, resources: {} }] : []),
          ...(part.onDemand ? [{ name: "ec2", slots: gpus, executors: gpus, resources: {} }] : []),
        ];
      }
      default:
        return [
          {
            name: part.name,
            slots: part.slots,
            executors: part.pooled ? part.slots : 0,
            resources: {
              cpus: Math.max(part.cpus, part.slots),
              memoryMb: part.memoryMb,
              gpus: part.gpus,
              ...part.resources,
            },
          },
        ];
    }
  });
}
