import { aws, Lab } from "stratolab";
import { bootstrapAndDeploy } from "../localstack/deploy.ts";
import { startLocalAws } from "../localstack/local-aws.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { talking } from "./fixtures/talking-tasks.ts";

const GOAL_MS = 2_000;
/** Between two lines, in milliseconds: some close together, most far apart, no two alike. */
const PAUSES_MS = Array.from({ length: 24 }, (_, index) => (index % 6 === 0 ? 40 : 150 + ((index * 617) % 2_300)));
const SERVICES = ["lambda", "ecs"] as const;

/** Milliseconds from `console.log` in a running task to the event in the driver. */
async function latencies(executor: (typeof SERVICES)[number]): Promise<number[]> {
  const heard: number[] = [];
  await using lab = new Lab({
    tasks: new URL("./fixtures/talking-tasks.ts", import.meta.url),
    runner: aws(),
    progress: (event) => {
      if (event.type === "log") heard.push(Date.now() - Number(event.text));
    },
  });
  await lab.runTask(talking({ executor, pausesMs: PAUSES_MS, run: crypto.randomUUID() }));
  if (heard.length !== PAUSES_MS.length) throw new Error(`${heard.length} of ${PAUSES_MS.length} lines were heard`);
  return heard.sort((a, b) => a - b);
}

/** How long log lines of running tasks take to the driver. */
export const logLatency: Benchmark = {
  name: "log-latency",
  workload: `a task on the local AWS's Lambda and one on its ECS that log ${PAUSES_MS.length} lines in about half a minute`,
  runs: 1,
  async setUp() {
    const localAws = await startLocalAws({ lambdaConcurrency: 10 });
    try {
      await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } });
    } catch (error) {
      await localAws.stop();
      throw error;
    }
    Object.assign(process.env, localAws.env);
    return () => localAws.stop();
  },
  async run(): Promise<Figure[]> {
    const figures: Figure[] = [];
    for (const service of SERVICES) {
      const all = await latencies(service);
      const middle = all[all.length >> 1] as number;
      figures.push(
        { what: `${service}, from console.log to the driver, median`, value: middle, unit: "ms" },
        { what: `${service}, the slowest`, value: all.at(-1) as number, unit: "ms", goal: `${GOAL_MS} ms` },
      );
    }
    return figures;
  },
};
