/** What one EC2 instance offers to ECS tasks. */
interface InstanceCapacity {
  readonly type: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  /** @default 0 */
  readonly gpus?: number;
  /** How many instances of this kind there are. @default 1 */
  readonly count?: number;
}

/** A capacity provider of EC2 instances, which every cluster is taken to be associated with. */
export interface CapacityProviderOptions {
  readonly name: string;
  readonly instances: readonly InstanceCapacity[];
}

/** What an ECS task takes of an instance. */
export interface CapacityNeed {
  /** In CPU units: 1,024 are one vCPU. */
  readonly cpu: number;
  readonly memoryMb: number;
  readonly gpus: number;
}

/** Where an ECS task was placed. */
export interface Placement {
  readonly provider: string;
  /** Id of the instance, the last part of its ARN. */
  readonly instance: string;
  readonly gpuIds: readonly string[];
}

interface Instance {
  readonly provider: string;
  readonly id: string;
  cpu: number;
  memoryMb: number;
  freeGpus: string[];
}

/** AWS's reasons why an instance cannot take an ECS task, the rarest resource first. */
export type Shortage = "RESOURCE:GPU" | "RESOURCE:MEMORY" | "RESOURCE:CPU";

/** Which ECS task holds what of a fixed set of EC2 instances. */
export class CapacityBook {
  readonly #instances: Instance[];
  readonly #held = new Map<string, { instance: Instance; need: CapacityNeed; gpuIds: readonly string[] }>();

  constructor(providers: readonly CapacityProviderOptions[]) {
    this.#instances = providers.flatMap(({ name, instances }) =>
      instances.flatMap((capacity) =>
        Array.from({ length: capacity.count ?? 1 }, (_, index) => newInstance(name, capacity, index)),
      ),
    );
  }

  /** Ids of the instances of one provider, or of all. */
  instances(provider?: string): readonly string[] {
    return this.#instancesOf(provider).map(({ id }) => id);
  }

  /** Gives an ECS task a place on the first instance that fits, else says what is short. */
  place(holder: string, need: CapacityNeed, provider?: string): Placement | Shortage {
    const candidates = this.#instancesOf(provider);
    const instance = candidates.find((each) => shortage(each, need) === undefined);
    if (!instance) {
      // Of several instances, the one that came closest says why: it lacks the least needed last.
      const reasons = candidates.map((each) => shortage(each, need));
      return (
        (["RESOURCE:CPU", "RESOURCE:MEMORY"] as const).find((reason) => reasons.includes(reason)) ?? "RESOURCE:GPU"
      );
    }
    instance.cpu -= need.cpu;
    instance.memoryMb -= need.memoryMb;
    const gpuIds = instance.freeGpus.splice(0, need.gpus);
    this.#held.set(holder, { instance, need, gpuIds });
    return { provider: instance.provider, instance: instance.id, gpuIds };
  }

  /** Takes back what an ECS task holds, if anything. */
  release(holder: string): void {
    const held = this.#held.get(holder);
    if (!held) return;
    this.#held.delete(holder);
    held.instance.cpu += held.need.cpu;
    held.instance.memoryMb += held.need.memoryMb;
    held.instance.freeGpus.push(...held.gpuIds);
  }

  #instancesOf(provider: string | undefined): readonly Instance[] {
    return this.#instances.filter((instance) => provider === undefined || instance.provider === provider);
  }
}

function newInstance(provider: string, capacity: InstanceCapacity, index: number): Instance {
  const id = `${provider}-${capacity.type}-${index}`.replace(/[^A-Za-z0-9-]/g, "-");
  return {
    provider,
    id,
    cpu: capacity.vcpus * 1024,
    memoryMb: capacity.memoryMb,
    freeGpus: Array.from({ length: capacity.gpus ?? 0 }, (_, gpu) => `GPU-${id}-${gpu}`),
  };
}

function shortage(instance: Instance, need: CapacityNeed): Shortage | undefined {
  if (instance.freeGpus.length < need.gpus) return "RESOURCE:GPU";
  if (instance.memoryMb < need.memoryMb) return "RESOURCE:MEMORY";
  if (instance.cpu < need.cpu) return "RESOURCE:CPU";
  return undefined;
}
