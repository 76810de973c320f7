import type { GpuInstance } from "../sdk/wire/stack-outputs.ts";

const GIB = 1024;

const instance = (type: string, gpuType: string, gpus: number, vcpus: number, memoryGib: number): GpuInstance => ({
  type,
  gpuType,
  gpus,
  vcpus,
  memoryMb: memoryGib * GIB,
});

/**
 * x86_64 instance types with NVIDIA GPUs that the ECS-optimized GPU image supports, with all their
 * memory. As of 2026-11-21.
 */
const GPU_INSTANCES: readonly GpuInstance[] = [
  instance("g4dn.xlarge", "t4", 1, 4, 16),
  instance("g4dn.2xlarge", "t4", 1, 8, 32),
  instance("g4dn.4xlarge", "t4", 1, 16, 64),
  instance("g4dn.8xlarge", "t4", 1, 32, 128),
  instance("g4dn.16xlarge", "t4", 1, 64, 256),
  instance("g4dn.12xlarge", "t4", 4, 48, 192),
  instance("g4dn.metal", "t4", 8, 96, 384),
  instance("g5.xlarge", "a10g", 1, 4, 16),
  instance("g5.2xlarge", "a10g", 1, 8, 32),
  instance("g5.4xlarge", "a10g", 1, 16, 64),
  instance("g5.8xlarge", "a10g", 1, 32, 128),
  instance("g5.16xlarge", "a10g", 1, 64, 256),
  instance("g5.12xlarge", "a10g", 4, 48, 192),
  instance("g5.24xlarge", "a10g", 4, 96, 384),
  instance("g5.48xlarge", "a10g", 8, 192, 768),
  instance("g6.xlarge", "l4", 1, 4, 16),
  instance("g6.2xlarge", "l4", 1, 8, 32),
  instance("g6.4xlarge", "l4", 1, 16, 64),
  instance("g6.8xlarge", "l4", 1, 32, 128),
  instance("g6.16xlarge", "l4", 1, 64, 256),
  instance("g6.12xlarge", "l4", 4, 48, 192),
  instance("g6.24xlarge", "l4", 4, 96, 384),
  instance("g6.48xlarge", "l4", 8, 192, 768),
  instance("g6e.xlarge", "l40s", 1, 4, 32),
  instance("g6e.2xlarge", "l40s", 1, 8, 64),
  instance("g6e.4xlarge", "l40s", 1, 16, 128),
  instance("g6e.8xlarge", "l40s", 1, 32, 256),
  instance("g6e.16xlarge", "l40s", 1, 64, 512),
  instance("g6e.12xlarge", "l40s", 4, 48, 384),
  instance("g6e.24xlarge", "l40s", 4, 96, 768),
  instance("g6e.48xlarge", "l40s", 8, 192, 1536),
  instance("p4d.24xlarge", "a100", 8, 96, 1152),
  instance("p5.48xlarge", "h100", 8, 192, 2048),
];

/** Memory that each instance keeps for the ECS agent and the container engine, in MB. */
export const RESERVED_MEMORY_MB = 512;

/**
 * What an instance can really give to ECS tasks: the kernel keeps some of the memory, 2.5 % of an
 * m4.large in AWS's documentation. A task that asked for all of it would wait for ever, so a little
 * less is promised.
 */
const placeable = (whole: GpuInstance): GpuInstance => ({
  ...whole,
  memoryMb: Math.floor(whole.memoryMb * 0.95) - RESERVED_MEMORY_MB,
});

/** The instances of these types, as ECS can use them, smallest first. */
export function gpuInstances(types: readonly string[]): readonly GpuInstance[] {
  const known = new Map(GPU_INSTANCES.map((each) => [each.type, each]));
  const unknown = types.filter((type) => !known.has(type));
  if (unknown.length > 0 || types.length === 0 || new Set(types).size < types.length) {
    throw new Error(
      `gpuInstanceTypes needs different instance types out of ${[...known.keys()].join(", ")}. ` +
        `Got ${JSON.stringify(types)}. Name at least one of them, each once.`,
    );
  }
  return types
    .map((type) => placeable(known.get(type)!))
    .sort((a, b) => a.gpus - b.gpus || a.memoryMb - b.memoryMb || a.vcpus - b.vcpus);
}
