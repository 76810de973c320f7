import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aws, Lab, type TaskOutcome } from "stratolab";
import { connectLocalAws } from "../../localstack/faults/control.ts";
import type { FaultRule } from "../../localstack/faults/rules.ts";
import { processesWith } from "../support/scripts.ts";
import { type EcsBill, ecsBillSince, lambdaBill } from "./bill.ts";
import { type Expected, stormDag } from "./dag.ts";

/**
 * Most Spot containers go, each in the middle of a task, so that about a fifth of the tasks on them are
 * evicted; and of requests some are throttled, lost on their way back, or doubled.
 */
const RULES: readonly FaultRule[] = [
  { id: "eviction", fault: "spot-interruption", rate: 0.6, afterMs: 1_100, noticeMs: 100 },
  { id: "throttle", fault: "throttle", operation: ["lambda:Invoke", "dynamodb:*", "s3:*", "ecs:*"], rate: 0.05 },
  { id: "lost-answer", fault: "lost-answer", operation: "lambda:Invoke", rate: 0.02 },
  { id: "duplicate", fault: "duplicate", operation: "lambda:Invoke", rate: 0.01 },
];
/** Executors that are killed, by the entry of their process: each when so many tasks of a type are done. */
const KILLS = [
  { entry: "/executor.mjs", name: "storm.quick", done: 30 },
  { entry: "/runtime.mjs", name: "storm.steady", done: 15 },
];

export interface StormOptions {
  readonly seed: number;
  /** Text in the environment of everything that the local AWS runs. */
  readonly owner: string;
  /** Name of the ECS cluster. */
  readonly cluster: string;
  /** False for the same tasks on a day without faults, with memory enough. */
  readonly faults: boolean;
}

/** What came of one storm. */
export interface StormReport {
  readonly expected: readonly Expected[];
  readonly outcomes: readonly TaskOutcome<number>[];
  /** How often each task began, counted outside of the system: by name and number. */
  readonly executions: ReadonlyMap<string, number>;
  /** How often each rule hit. */
  readonly hits: Readonly<Record<string, number>>;
  /** Executors that were killed. */
  readonly killed: readonly string[];
  /** Tasks whose result is in the control table, one for each item, by name and number. */
  readonly committed: readonly string[];
  readonly lambdaDollars: number;
  readonly ecs: EcsBill;
  readonly seconds: number;
}

/** Runs the storm on the local AWS that the environment names. */
export async function runStorm({ seed, owner, cluster, faults }: StormOptions): Promise<StormReport> {
  const folder = mkdtempSync(join(tmpdir(), "storm-"));
  const log = join(folder, "executions");
  const expected = stormDag(log, Date.now(), faults);
  const since = new Date();
  const control = connectLocalAws();
  const plan = await control.faults.set({ seed, rules: faults ? RULES : [] });
  const killed: string[] = [];
  const done = new Map<string, number>();
  const lab = new Lab({
    tasks: new URL("./tasks.ts", import.meta.url),
    runner: aws({ ecsIdleMs: 2_000 }),
    concurrency: 20,
    namespace: `storm-${Date.now()}`,
    progress: (event) => {
      if (event.type !== "task-done" || !faults) return;
      done.set(event.name, (done.get(event.name) ?? 0) + 1);
      const kill = KILLS.find(({ name, done: when }) => name === event.name && when === done.get(name));
      if (kill) killed.push(...killOne(owner, kill.entry));
    },
  });
  const start = performance.now();
  try {
    const outcomes = await lab.start(expected.map(({ task }) => task)).settled();
    const seconds = (performance.now() - start) / 1_000;
    const { rules } = await plan.state();
    await plan.clear();
    const cached = await lab.cachedTasks();
    await lab.close();
    return {
      expected,
      outcomes,
      executions: countLines(log),
      hits: Object.fromEntries(rules.map(({ id, hits }) => [id, hits])),
      killed,
      committed: cached.map(({ name, params }) => `${name.replace("storm.", "")} ${(params as { n: number }).n}`),
      lambdaDollars: lambdaBill(outcomes),
      ecs: await ecsBillSince(cluster, since),
      seconds,
    };
  } finally {
    await plan.clear();
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills one of the processes that execute tasks. */
function killOne(owner: string, entry: string): string[] {
  const wanted = processesWith(owner).filter((pid) => {
    const command = commandOf(pid);
    return command.includes("--max-old-space-size") && command.includes(entry);
  });
  const victim = wanted[wanted.length >> 1];
  if (victim === undefined) return [];
  process.kill(victim, "SIGKILL");
  return [entry];
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function countLines(log: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(log, "utf8").trim().split("\n")) {
    const [name, n] = line.split(" ");
    counts.set(`${name} ${n}`, (counts.get(`${name} ${n}`) ?? 0) + 1);
  }
  return counts;
}
