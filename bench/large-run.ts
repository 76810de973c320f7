import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Lab } from "stratolab";
import type { Benchmark, Figure } from "./benchmark.ts";
import { noop } from "./fixtures/noop-tasks.ts";

const TASKS = 200_000;
const EXECUTORS = 2;
/** What is written of a run after its end is written by then, in milliseconds. */
const WRITTEN_AFTER_MS = 2_000;

/** What is referred to, after a garbage collection, in bytes. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

/** What nobody refers to any more when it is over. */
async function runAll(lab: Lab): Promise<{ readonly seconds: number; readonly half: number }> {
  const start = performance.now();
  let half = 0;
  let outcomes = 0;
  for await (const { kind } of lab.start(Array.from({ length: TASKS }, (_, i) => noop({ i })))) {
    if (kind !== "ok") throw new Error(`a task ended as ${kind}`);
    outcomes += 1;
    if (outcomes === TASKS / 2) half = heapBytes();
  }
  return { seconds: (performance.now() - start) / 1_000, half };
}

const labOn = (storage: string): Lab =>
  new Lab({
    tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
    storage,
    concurrency: EXECUTORS,
    progress: false,
  });

/** The same tasks again, for a lab that has to find their results. */
async function cachedRun(storage: string) {
  await using lab = labOn(storage);
  await lab.runTask(noop({ i: -1 }));
  const before = heapBytes();
  return { before, ...(await runAll(lab)) };
}

/** A driver with more tasks than a laptop is usually asked for: its throughput, and what it holds of each. */
export const largeRun: Benchmark = {
  name: "large-run",
  workload: `${TASKS.toLocaleString("en")} no-op tasks in one run on ${EXECUTORS} local executors, every result durable`,
  runs: 3,
  async run(): Promise<Figure[]> {
    const storage = await mkdtemp(join(tmpdir(), "stratolab-bench-"));
    const lab = labOn(storage);
    try {
      await lab.runTask(noop({ i: -1 }));
      const before = heapBytes();
      const { seconds, half } = await runAll(lab);
      await sleep(WRITTEN_AFTER_MS);
      const after = heapBytes();
      await lab.close();
      const cached = await cachedRun(storage);
      return [
        { what: "throughput", value: TASKS / seconds, unit: "tasks/s" },
        { what: "memory of the driver, half of them done", value: (half - before) / TASKS, unit: "bytes a task" },
        {
          what: "when the run is over, and its handle let go of",
          value: (after - before) / TASKS,
          unit: "bytes a task",
        },
        { what: "all of them cached, in another lab", value: TASKS / cached.seconds, unit: "tasks/s" },
        {
          what: "its driver's memory, half of the results in hand",
          value: (cached.half - cached.before) / TASKS,
          unit: "bytes a task",
        },
      ];
    } finally {
      await lab.close();
      await rm(storage, { recursive: true, force: true });
    }
  },
};
