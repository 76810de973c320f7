import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import { openLocalStores } from "../sdk/stores/local/open.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { noop } from "./fixtures/noop-tasks.ts";
import { EchoProcesses } from "./floor.ts";

const TASKS = 500;

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** Milliseconds that something takes each time, in order of size, once it is warm. */
async function timesOf(act: (i: number) => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < TASKS; i++) await act(-1 - i);
  const times: number[] = [];
  for (let i = 0; i < TASKS; i++) {
    const start = performance.now();
    await act(i);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

async function labTimes(storage: string | false): Promise<number[]> {
  const tasks = new URL("./fixtures/noop-tasks.ts", import.meta.url);
  await using lab = new Lab({ tasks, storage, concurrency: 1, progress: false });
  return await timesOf((i) => lab.runTask(noop({ i })));
}

/** One write to a database like that of results, by a process that does nothing else. */
async function writeTimes(folder: string): Promise<number[]> {
  const { table } = await openLocalStores(folder);
  try {
    return await timesOf((i) => table.putIf({ pk: `R#${i}`, sk: "R", v: Buffer.alloc(100) }, { when: "absent" }));
  } finally {
    await table.close();
  }
}

/** How long one small thing takes, when everything is warm and nothing else is to be done. */
export const localLatency: Benchmark = {
  name: "local-latency",
  workload: `one no-op task at a time on a warm local executor, ${TASKS} times, each result in hand and durable`,
  runs: 5,
  async run(): Promise<Figure[]> {
    const storage = mkdtempSync(join(tmpdir(), "stratolab-bench-"));
    const echo = await EchoProcesses.start(1);
    try {
      const durable = await labTimes(join(storage, "lab"));
      const fleeting = await labTimes(false);
      const write = await writeTimes(join(storage, "alone"));
      await echo.exchange(TASKS, 1);
      const messageMs = ((await echo.exchange(TASKS, 1)) * 1000) / TASKS;
      const message = { what: "a bare message there and back", value: messageMs };
      return [
        {
          what: "p50",
          value: quantile(durable, 0.5),
          unit: "ms",
          against: { what: "a bare message and one write, alone", value: messageMs + quantile(write, 0.5) },
          goal: "0.3 ms, at most 3 times the bare message",
        },
        {
          what: "p99",
          value: quantile(durable, 0.99),
          unit: "ms",
          against: { what: "one write, alone", value: quantile(write, 0.99) },
          goal: "2 ms",
        },
        { what: "p50 without a storage", value: quantile(fleeting, 0.5), unit: "ms", against: message },
        { what: "p99 without a storage", value: quantile(fleeting, 0.99), unit: "ms" },
      ];
    } finally {
      echo.stop();
      rmSync(storage, { recursive: true, force: true });
    }
  },
};
