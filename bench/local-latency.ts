import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import type { Benchmark, Figure } from "./benchmark.ts";
import { noop } from "./fixtures/noop-tasks.ts";
import { EchoProcesses } from "./floor.ts";

const TASKS = 500;

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** How long one small thing takes, when everything is warm and nothing else is to be done. */
export const localLatency: Benchmark = {
  name: "local-latency",
  workload: `one no-op task at a time on a warm local executor, ${TASKS} times, each result in hand and durable`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const storage = mkdtempSync(join(tmpdir(), "stratolab-bench-"));
    const lab = new Lab({
      tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
      storage,
      concurrency: 1,
      progress: false,
    });
    const echo = await EchoProcesses.start(1);
    try {
      for (let i = 0; i < TASKS; i++) await lab.runTask(noop({ i: -1 - i }));
      const times: number[] = [];
      for (let i = 0; i < TASKS; i++) {
        const start = performance.now();
        await lab.runTask(noop({ i }));
        times.push(performance.now() - start);
      }
      await echo.exchange(TASKS, 1);
      const floorMs = ((await echo.exchange(TASKS, 1)) * 1000) / TASKS;
      times.sort((a, b) => a - b);
      return [
        {
          what: "p50",
          value: quantile(times, 0.5),
          unit: "ms",
          against: { what: "a bare message there and back", value: floorMs },
          goal: "0.3 ms, at most 3 times the bare message",
          peers: "Ray 1.8 ms, Dask 10.8 ms, Labtech's fork runner 50 ms, Python's process pool 0.22 ms",
        },
        {
          what: "p99",
          value: quantile(times, 0.99),
          unit: "ms",
          goal: "2 ms",
          peers: "Ray 2.7 ms, Dask 17.5 ms, Labtech's fork runner 92 ms, Python's process pool 0.36 ms",
        },
      ];
    } finally {
      echo.stop();
      await lab.close();
      rmSync(storage, { recursive: true, force: true });
    }
  },
};
