/*
 * AWS's limits that bind routing and pace, in one place. Looked up in November 2026 (Lambda quotas and
 * scaling, Fargate task sizes and launch rates); change them here when AWS does.
 */

export const LAMBDA = {
  minMemoryMb: 128,
  maxMemoryMb: 10_240,
  /** Memory that comes with one vCPU; CPU grows in proportion to memory. */
  mbPerVcpu: 1_769,
  maxVcpus: 6,
  maxTimeoutMs: 900_000,
  maxEphemeralStorageMb: 10_240,
  /** Request and response of a synchronous invocation. */
  maxSyncPayloadBytes: 6 * 1024 * 1024,
  /** Request of an asynchronous invocation. */
  maxAsyncPayloadBytes: 1024 * 1024,
  /** New environments of one function: 1,000 in 10 seconds. */
  newEnvironments: { burst: 1_000, perSecond: 100 },
  /** How long an environment without work may be counted on, in milliseconds. AWS names no time; minutes are usual. */
  environmentKeptMs: 300_000,
} as const;

/**
 * What stores take a second before AWS has split anything for more. Looked up in November 2026: DynamoDB
 * Developer Guide, "Best practices for designing partition keys" and "On-demand capacity mode" (initial
 * throughput); S3 User Guide, "Optimizing Amazon S3 performance". Both refuse what is beyond, and split in time.
 */
export const STORES = {
  /** A new table on demand: write units of 1 KB and read units of 4 KB. */
  table: { writes: 4_000, reads: 12_000 },
  /** One partition of it: no key takes more. */
  partition: { writes: 1_000, reads: 3_000 },
  /** A prefix of a bucket, and the whole bucket as long as it is not split: PUT, COPY, POST; GET, HEAD. */
  prefix: { puts: 3_500, gets: 5_500 },
} as const;

/**
 * How many executors of a lab tell what happens in one partition of the table (`core/feed-shards.ts`). One in a container
 * with tasks of 10 ms tells of a hundred a second: a hundred bytes each (`stores/feed.ts`), in items of up to 3 KB, are 11
 * to 14 write units. Fifty of them write up to 700 a second. Whoever reads what the latest two seconds have brought, several times
 * a second, takes about four read units for each: 2,800 of the 3,000 that a partition has. Invocations write less: log lines
 * once a second, signs of life four times a minute.
 */
export const FEED = { executorsPerShard: 50 } as const;

/** vCPUs that a Lambda function of this memory gets. */
export const lambdaVcpus = (memoryMb: number): number => Math.min(memoryMb / LAMBDA.mbPerVcpu, LAMBDA.maxVcpus);

interface FargateRow {
  readonly vcpus: number;
  readonly minMb: number;
  readonly maxMb: number;
  readonly stepMb: number;
}

/** Sizes of Fargate ECS tasks; the rows with uneven steps are listed in full. */
const FARGATE_ROWS: readonly FargateRow[] = [
  { vcpus: 0.25, minMb: 512, maxMb: 512, stepMb: 512 },
  { vcpus: 0.25, minMb: 1_024, maxMb: 2_048, stepMb: 1_024 },
  { vcpus: 0.5, minMb: 1_024, maxMb: 4_096, stepMb: 1_024 },
  { vcpus: 1, minMb: 2_048, maxMb: 8_192, stepMb: 1_024 },
  { vcpus: 2, minMb: 4_096, maxMb: 16_384, stepMb: 1_024 },
  { vcpus: 4, minMb: 8_192, maxMb: 30_720, stepMb: 1_024 },
  { vcpus: 8, minMb: 16_384, maxMb: 61_440, stepMb: 4_096 },
  { vcpus: 16, minMb: 32_768, maxMb: 122_880, stepMb: 8_192 },
  { vcpus: 32, minMb: 61_440, maxMb: 122_880, stepMb: 61_440 },
  { vcpus: 32, minMb: 249_856, maxMb: 249_856, stepMb: 249_856 },
];

export const FARGATE = {
  /** Storage that costs nothing extra. */
  freeEphemeralStorageMb: 20 * 1024,
  maxEphemeralStorageMb: 200 * 1024,
  /** ECS tasks launched, On-Demand and Spot apart. */
  launches: { burst: 100, perSecond: 20 },
} as const;

/**
 * About how long an executor of each service takes to begin, in milliseconds. AWS promises nothing; deadlines
 * and plans go by this.
 */
export const START_MS = { local: 500, custom: 500, lambda: 1_000, fargate: 60_000, ec2: 300_000 } as const;

/** ECS tasks that one RunTask call starts at most. */
export const ECS_TASKS_PER_CALL = 10;

/** A Fargate size: what RunTask takes as `cpu` (in 1/1024 vCPU) and `memory`. */
export interface FargateSize {
  readonly vcpus: number;
  readonly memoryMb: number;
}

/** Every Fargate size, by memory, then by vCPUs. */
export const FARGATE_SIZES: readonly FargateSize[] = FARGATE_ROWS.flatMap(({ vcpus, minMb, maxMb, stepMb }) => {
  const sizes: FargateSize[] = [];
  for (let memoryMb = minMb; memoryMb <= maxMb; memoryMb += stepMb) sizes.push({ vcpus, memoryMb });
  return sizes;
}).sort((a, b) => a.memoryMb - b.memoryMb || a.vcpus - b.vcpus);
