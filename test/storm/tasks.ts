import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { task } from "stratolab";

/** Notes an execution where the system has no part in it: one line, written whole. */
const note = (log: string, name: string, n: number, attempt: number) =>
  appendFileSync(log, `${name} ${n} ${attempt} ${process.pid}\n`);

interface Step {
  readonly n: number;
  readonly ms: number;
  readonly log: string;
  readonly salt: number;
}

/** A while on Lambda. */
export const quick = task({
  name: "storm.quick",
  run: async ({ n, ms, log }: Step, ctx) => {
    note(log, "quick", n, ctx.attempt);
    await sleep(ms);
    return n * n;
  },
});

/** A while on ECS. */
export const steady = task({
  name: "storm.steady",
  runnerOptions: { executor: "ecs", memoryMb: 512 },
  run: async ({ n, ms, log }: Step, ctx) => {
    note(log, "steady", n, ctx.attempt);
    await sleep(ms);
    return n * n;
  },
});

interface Hungry {
  readonly n: number;
  readonly holdMb: number;
  readonly memoryMb: number;
  /** Makes the params as large as is wanted. */
  readonly pad: string;
  readonly log: string;
  /** They wait for each other, so that few take memory at once. */
  readonly before: number;
  readonly salt: number;
}

/** Takes memory, perhaps more than it asked for. */
const takeMemory = async (name: string, { n, holdMb, log }: Hungry, attempt: number) => {
  note(log, name, n, attempt);
  const pieces: Buffer[] = [];
  for (let held = 0; held < holdMb; held += 50) {
    pieces.push(Buffer.alloc(50 * 2 ** 20, 1));
    await sleep(5);
  }
  // Long enough for a supervisor that has to share its processor to look once.
  await sleep(300);
  return n * n + (pieces.at(-1)?.[0] ?? 0) - 1;
};

export const hungry = task({
  name: "storm.hungry",
  runnerOptions: ({ memoryMb }) => ({ memoryMb }),
  run: (params: Hungry, ctx) => takeMemory("hungry", params, ctx.attempt),
});

export const hungryOnEcs = task({
  name: "storm.hungryOnEcs",
  runnerOptions: ({ memoryMb }) => ({ memoryMb, executor: "ecs" }),
  run: (params: Hungry, ctx) => takeMemory("hungryOnEcs", params, ctx.attempt),
});

/** Needs the results of others. */
export const sum = task({
  name: "storm.sum",
  run: ({ n, parts, log }: { n: number; parts: readonly number[]; log: string; salt: number }, ctx) => {
    note(log, "sum", n, ctx.attempt);
    return parts.reduce((total, part) => total + part, 0);
  },
});
