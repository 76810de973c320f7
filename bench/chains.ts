import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab, type Task } from "stratolab";
import { bootstrapAndDeploy } from "../localstack/deploy.ts";
import { connectLocalAws } from "../localstack/faults/control.ts";
import { startLocalAws } from "../localstack/local-aws.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { chain, tree } from "./fixtures/chain-tasks.ts";
import { EchoProcesses } from "./floor.ts";

const LINKS = 1_000;
const LEAVES = 1_024;
const EXECUTORS = 2;
/** Times that the work is done before it counts as warm, and then is measured. */
const BEFORE_WARM = 6;
const WARM = 5;
const TASKS = new URL("./fixtures/chain-tasks.ts", import.meta.url);

/** Tasks that need each other. */
interface Work {
  readonly tasks: number;
  readonly result: number;
  make(salt: number): Task<number>;
  /** The same, less of it: what is known of durations comes from it. */
  warmUp(salt: number): Task<number>;
}

const CHAIN: Work = {
  tasks: LINKS,
  result: LINKS,
  make: (salt) => chain(LINKS, salt),
  warmUp: (salt) => chain(100, salt),
};
const TREE: Work = {
  tasks: LEAVES - 1,
  result: (LEAVES * (LEAVES - 1)) / 2,
  make: (salt) => tree(LEAVES, salt),
  warmUp: (salt) => tree(128, salt),
};

async function timed(lab: Lab, { make, result }: Work): Promise<number> {
  const task = make(randomInt(2 ** 31));
  const start = performance.now();
  if ((await lab.runTask(task)) !== result) throw new Error("the result is wrong");
  return performance.now() - start;
}

/** Warms a lab up, then runs the work in it. */
async function measured(lab: Lab, work: Work, before = async () => {}): Promise<number> {
  for (let round = 0; round < 3; round++) await lab.runTask(work.warmUp(randomInt(2 ** 31)));
  await before();
  return timed(lab, work);
}

/** What the work takes in a lab that has done it before, in milliseconds: the median of some times. */
async function warmed(lab: Lab, work: Work): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < BEFORE_WARM + WARM; round++) times.push(await timed(lab, work));
  return times.slice(BEFORE_WARM).sort((a, b) => a - b)[(WARM - 1) / 2];
}

interface Times {
  readonly dispatches: number;
  /** In a lab that has done some short runs, all results durable, in milliseconds like the others. */
  readonly first: number;
  /** In the same lab, later. */
  readonly warm: number;
  /** In a lab without a storage, likewise. */
  readonly fleeting: number;
  /** The same number of messages to another process and back. */
  readonly floor: number;
}

async function onThisMachine(work: Work): Promise<Times> {
  const folder = await mkdtemp(join(tmpdir(), "stratolab-bench-"));
  let dispatches = 0;
  const progress = ({ type }: { readonly type: string }) => {
    if (type === "task-started") dispatches += 1;
  };
  const labOn = (storage: string | false) => new Lab({ tasks: TASKS, storage, concurrency: EXECUTORS, progress });
  const echo = await EchoProcesses.start(1);
  try {
    const floor = (await echo.exchange(work.tasks, 1)) * 1_000;
    await using lab = labOn(folder);
    const first = await measured(lab, work, async () => {
      dispatches = 0;
    });
    const dispatched = dispatches;
    const warm = await warmed(lab, work);
    await lab.close();
    await using without = labOn(false);
    return { first, dispatches: dispatched, warm, fleeting: await warmed(without, work), floor };
  } finally {
    echo.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Invocations, what executors have written of inputs that they brought, and objects that they have stored: whatever else
 * is in S3 is not a value of theirs.
 */
async function onLocalAws(work: Work): Promise<{ ms: number; invocations: number; brought: number; objects: number }> {
  const control = connectLocalAws();
  const lab = new Lab({ tasks: TASKS, runner: aws(), namespace: `chains-${randomInt(2 ** 31)}`, progress: false });
  try {
    const ms = await measured(lab, work, async () => void (await control.resetCounts()));
    const { operations } = await control.counts();
    const objects = operations["s3:PutObject"]?.fromExecutors ?? 0;
    const brought = operations["dynamodb:UpdateItem"]?.fromExecutors ?? 0;
    return { ms, invocations: operations["lambda:Invoke"]?.requests ?? 0, brought, objects };
  } finally {
    await lab.close();
  }
}

async function setUp() {
  const localAws = await startLocalAws({ lambdaConcurrency: 16 });
  try {
    await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } });
  } catch (error) {
    await localAws.stop();
    throw error;
  }
  Object.assign(process.env, localAws.env);
  return () => localAws.stop();
}

const asked = (tasks: number, ms: number) => ({ what: `asking another process ${tasks} times`, value: ms });

export const chain1k: Benchmark = {
  name: "chain-1k",
  workload: `${LINKS} tasks each of which needs the one before it, on ${EXECUTORS} local executors, durable`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const { first, warm, fleeting, dispatches, floor } = await onThisMachine(CHAIN);
    const perEdge = 1_000 / (LINKS - 1);
    const edge = (what: string, ms: number): Figure => ({
      what,
      value: ms * perEdge,
      unit: "us",
      against: asked(1, floor * perEdge),
      goal: "50 us",
    });
    return [
      edge("an edge", first),
      edge("an edge, in a lab that has done it before", warm),
      edge("the same without a storage", fleeting),
      { what: "dispatches", value: dispatches, unit: "for 999 edges" },
    ];
  },
};

export const tree1024: Benchmark = {
  name: "tree-1024",
  workload: `${LEAVES - 1} additions that bring ${LEAVES} numbers together, on ${EXECUTORS} local executors, durable`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const { first, warm, fleeting, dispatches, floor } = await onThisMachine(TREE);
    const all = (what: string, ms: number): Figure => ({
      what,
      value: ms,
      unit: "ms",
      against: asked(TREE.tasks, floor),
      goal: "60 ms",
    });
    return [
      all("all", first),
      all("all, in a lab that has done it before", warm),
      all("the same without a storage", fleeting),
      { what: "dispatches", value: dispatches, unit: `for ${TREE.tasks} additions` },
    ];
  },
};

export const chain1kAws: Benchmark = {
  name: "chain-1k-aws",
  workload: `${LINKS} tasks each of which needs the one before it, on the local AWS's Lambda`,
  runs: 3,
  setUp,
  async run(): Promise<Figure[]> {
    const { ms, invocations, objects } = await onLocalAws(CHAIN);
    return [
      {
        what: "round trips between driver and executor",
        value: invocations / (LINKS - 1),
        unit: "an edge",
        goal: "0.02",
      },
      { what: "values that went through S3", value: objects, unit: "objects", goal: "0" },
      { what: "an edge", value: ms / (LINKS - 1), unit: "ms" },
    ];
  },
};

export const tree1024Aws: Benchmark = {
  name: "tree-1024-aws",
  workload: `${LEAVES - 1} additions that bring ${LEAVES} numbers together, on the local AWS's Lambda`,
  runs: 3,
  setUp,
  async run(): Promise<Figure[]> {
    const { ms, invocations, brought, objects } = await onLocalAws(TREE);
    return [
      { what: "dispatches", value: invocations, unit: `for ${TREE.tasks} additions`, goal: "at most 512" },
      { what: "writes that decide who goes on", value: brought, unit: "one for each input from elsewhere" },
      { what: "values that went through S3", value: objects, unit: "objects", goal: "0" },
      { what: "all", value: ms / 1_000, unit: "s" },
    ];
  },
};
