import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import type { Benchmark, Figure } from "./benchmark.ts";
import { treeCpuMs } from "./cpu.ts";
import { noop } from "./fixtures/noop-tasks.ts";
import { EchoProcesses } from "./floor.ts";

const TASKS = 10_000;
const EXECUTORS = 2;
const IN_FLIGHT = 16;

interface Measured {
  readonly tasksPerSecond: number;
  /** CPU time of the driver and the executors for one task, in microseconds. */
  readonly cpuMicros: number;
}

/** Two warm runs of a lab on some storage, of which the second is measured. */
async function throughput(storage: string | false): Promise<Measured> {
  const lab = new Lab({
    tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
    storage,
    concurrency: EXECUTORS,
    progress: false,
  });
  const batch = (from: number) => Array.from({ length: TASKS }, (_, i) => noop({ i: from + i }));
  try {
    await lab.runTasks(batch(TASKS));
    const tasks = batch(0);
    const cpuMs = treeCpuMs();
    const start = performance.now();
    const results = await lab.runTasks(tasks);
    const seconds = (performance.now() - start) / 1000;
    const cpuMicros = ((treeCpuMs() - cpuMs) * 1000) / TASKS;
    if (results.length !== TASKS || results[TASKS - 1] !== TASKS - 1) throw new Error("the results are wrong");
    return { tasksPerSecond: TASKS / seconds, cpuMicros };
  } finally {
    await lab.close();
  }
}

/** How fast nothing can be done: tasks that return at once. */
export const localNoop: Benchmark = {
  name: "local-noop",
  workload: `${TASKS.toLocaleString("en")} no-op tasks on ${EXECUTORS} warm local executors, results in hand`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const folder = await mkdtemp(join(tmpdir(), "stratolab-bench-"));
    const echo = await EchoProcesses.start(EXECUTORS);
    try {
      const against = {
        what: "bare messages through as many processes",
        value: TASKS / (await echo.exchange(TASKS, IN_FLIGHT)),
      };
      const durable = await throughput(folder);
      const fleeting = await throughput(false);
      return [
        {
          what: "with every result durable",
          value: durable.tasksPerSecond,
          unit: "tasks/s",
          against,
          goal: "10,000 tasks/s",
        },
        { what: "CPU time of all processes for each", value: durable.cpuMicros, unit: "us" },
        {
          what: "without a storage",
          value: fleeting.tasksPerSecond,
          unit: "tasks/s",
          against,
          goal: "25,000 tasks/s",
        },
        { what: "CPU time of all processes for each, without", value: fleeting.cpuMicros, unit: "us" },
      ];
    } finally {
      echo.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
