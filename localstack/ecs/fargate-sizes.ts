import { clientError } from "./ecs-error.ts";

const GIB = 1024;
const range = (from: number, to: number, step: number): number[] =>
  Array.from({ length: (to - from) / step + 1 }, (_, index) => (from + index * step) * GIB);

/**
 * Memory in MiB that Fargate offers for each number of CPU units (1,024 are one vCPU), from AWS's
 * table "Task size" of 2026.
 */
const FARGATE_MEMORY: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1024, 2048]],
  [512, range(1, 4, 1)],
  [1024, range(2, 8, 1)],
  [2048, range(4, 16, 1)],
  [4096, range(8, 30, 1)],
  [8192, range(16, 60, 4)],
  [16384, range(32, 120, 8)],
  [32768, range(60, 244, 4)],
]);

/** Fails with AWS's words unless Fargate offers this size. */
export function requireFargateSize(cpu: number, memory: number): void {
  if (FARGATE_MEMORY.get(cpu)?.includes(memory)) return;
  throw clientError(
    `No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory. ` +
      "See the Amazon ECS documentation for the valid values.",
  );
}

/** CPU units of `"1024"`, `"1 vCPU"` or `".5 vcpu"`; `undefined` when absent. */
export function parseCpu(text: string | undefined): number | undefined {
  return parseSize(text, /^([\d.]+)\s*vcpu$/i, "cpu");
}

/** MiB of `"2048"`, `"2 GB"` or `".5GB"`; `undefined` when absent. */
export function parseMemory(text: string | undefined): number | undefined {
  return parseSize(text, /^([\d.]+)\s*gb$/i, "memory");
}

function parseSize(text: string | undefined, inThousands: RegExp, name: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  const match = inThousands.exec(text);
  const value = match ? Number(match[1]) * 1024 : Number(text);
  if (!Number.isInteger(value) || value <= 0) throw clientError(`Invalid '${name}' setting for task.`);
  return value;
}
