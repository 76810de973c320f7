import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import type { Benchmark, Figure } from "./benchmark.ts";
import { burn } from "./fixtures/cpu-tasks.ts";
import { work } from "./fixtures/cpu-work.ts";
import { builtFixture, runNode } from "./processes.ts";

const TASKS = 64;
const EXECUTORS = 2;
const TASK_MS = 100;
const SAMPLE_ROUNDS = 10_000_000;

/** Rounds of work that take one task's time on this machine. */
function roundsOfTask(): number {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    work(SAMPLE_ROUNDS);
    return performance.now() - start;
  });
  return Math.round((SAMPLE_ROUNDS * TASK_MS) / Math.min(...times));
}

/** What is left of the processors when they have real work to do. */
export const cpuMap: Benchmark = {
  name: "cpu-map",
  workload: `${TASKS} CPU-bound tasks of about ${TASK_MS} ms on ${EXECUTORS} warm local executors`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const storage = mkdtempSync(join(tmpdir(), "stratolab-bench-"));
    const rounds = roundsOfTask();
    const tasks = new URL("./fixtures/cpu-tasks.ts", import.meta.url);
    const lab = new Lab({ tasks, storage, concurrency: EXECUTORS, progress: false });
    try {
      await lab.runTasks([-2, -1].map((i) => burn({ rounds, i })));
      const script = await builtFixture("cpu-process");
      const share = String(TASKS / EXECUTORS);
      const ideal = await Promise.all(
        Array.from({ length: EXECUTORS }, () => runNode([script, share, String(rounds)])),
      );
      const idealMs = Math.max(...ideal.map(({ stdout }) => Number(stdout)));
      const start = performance.now();
      await lab.runTasks(Array.from({ length: TASKS }, (_, i) => burn({ rounds, i })));
      const ms = performance.now() - start;
      return [
        {
          what: "throughput",
          value: (TASKS * 1000) / ms,
          unit: "tasks/s",
          against: { what: "the same work in bare processes", value: (TASKS * 1000) / idealMs },
          goal: "0.97 of that",
        },
      ];
    } finally {
      await lab.close();
      rmSync(storage, { recursive: true, force: true });
    }
  },
};
