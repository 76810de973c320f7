import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import type { Benchmark, Figure } from "./benchmark.ts";
import { noop } from "./fixtures/noop-tasks.ts";
import { EchoProcesses } from "./floor.ts";

const TASKS = 10_000;
const EXECUTORS = 2;
const IN_FLIGHT = 16;

/** How fast nothing can be done: tasks that return at once, every result durable. */
export const localNoop: Benchmark = {
  name: "local-noop",
  workload: `${TASKS.toLocaleString("en")} no-op tasks on ${EXECUTORS} local executors, results in hand and durable`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const folder = await mkdtemp(join(tmpdir(), "stratolab-bench-"));
    const lab = new Lab({
      tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
      storage: folder,
      concurrency: EXECUTORS,
      progress: false,
    });
    // Module resolution starts where a file lies: the floor's bundle has to find this project's packages.
    const echo = await EchoProcesses.start(EXECUTORS, "dist");
    try {
      await lab.runTasks(Array.from({ length: 100 }, (_, i) => noop({ i: -1 - i })));
      const floorSeconds = await echo.exchange(TASKS, IN_FLIGHT);
      const tasks = Array.from({ length: TASKS }, (_, i) => noop({ i }));
      const start = performance.now();
      const results = await lab.runTasks(tasks);
      const seconds = (performance.now() - start) / 1000;
      if (results.length !== TASKS || results[TASKS - 1] !== TASKS - 1) throw new Error("the results are wrong");
      return [
        {
          what: "throughput",
          value: TASKS / seconds,
          unit: "tasks/s",
          against: { what: "bare messages through the same processes", value: TASKS / floorSeconds },
          goal: "10,000 tasks/s",
        },
      ];
    } finally {
      echo.stop();
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
