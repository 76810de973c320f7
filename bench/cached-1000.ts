import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "stratolab";
import type { ResultRecord } from "../sdk/stores/result-items.ts";
import { listResults } from "../sdk/stores/result-search.ts";
import { readResults } from "../sdk/stores/results.ts";
import { openStores } from "../sdk/stores/stores.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { noop } from "./fixtures/noop-tasks.ts";

const TASKS = 1_000;

const labAt = (storage: string) =>
  new Lab({ tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url), storage, concurrency: 2, progress: false });
const tasksOf = () => Array.from({ length: TASKS }, (_, i) => noop({ i }));

/** How long it takes to see that nothing has to be done, and to hand out what is there. */
export const cached1000: Benchmark = {
  name: "cached-1000",
  workload: `${TASKS.toLocaleString("en")} cached tasks, asked for by a new lab that is open`,
  runs: 9,
  async run(): Promise<Figure[]> {
    const storage = mkdtempSync(join(tmpdir(), "stratolab-bench-"));
    try {
      const first = labAt(storage);
      await first.runTasks(tasksOf());
      await first.close();
      const { table } = await openStores({ kind: "local", directory: storage });
      const stored: ResultRecord[] = [];
      for await (const record of listResults(table, undefined)) stored.push(record);
      const floorStart = performance.now();
      const records = await readResults(table, stored);
      const floorMs = performance.now() - floorStart;
      if (records.length !== TASKS || records.includes(undefined)) throw new Error("records are missing");
      const lab = labAt(storage);
      await lab.isCached(noop({ i: -1 }));
      const cpu = process.cpuUsage();
      const start = performance.now();
      const results = await lab.runTasks(tasksOf());
      const ms = performance.now() - start;
      const { user, system } = process.cpuUsage(cpu);
      if (results.some((result, i) => result !== i)) throw new Error("the results are wrong");
      await lab.close();
      await table.close();
      return [
        {
          what: "the second run",
          value: ms,
          unit: "ms",
          against: { what: "reading the records alone", value: floorMs },
          goal: "100 ms",
        },
        { what: "its CPU time", value: (user + system) / 1000, unit: "ms" },
      ];
    } finally {
      rmSync(storage, { recursive: true, force: true });
    }
  },
};
