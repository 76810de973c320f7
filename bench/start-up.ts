import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bareNodeMs, builtFixture, runNode } from "./processes.ts";

const SCRIPT = "start-up-script";
const TASKS = fileURLToPath(new URL("./fixtures/noop-tasks.ts", import.meta.url));

/** How long a first script takes to its first result, with nothing there that an earlier one has left. */
export const startUp: Benchmark = {
  name: "start-up",
  workload: "from the start of a process to the first task's result: empty storage, code to be bundled, no executor",
  runs: 9,
  async setUp() {
    await builtFixture(SCRIPT);
    return async () => {};
  },
  async run(): Promise<Figure[]> {
    const folder = mkdtempSync(join(tmpdir(), "stratolab-bench-"));
    try {
      const bareMs = await bareNodeMs();
      const { startedAt, stdout } = await runNode([`dist/${SCRIPT}.mjs`, TASKS, join(folder, "storage")]);
      const { at, cpuMs } = JSON.parse(stdout) as { at: number; cpuMs: number };
      return [
        {
          what: "to the first result",
          value: at - startedAt,
          unit: "ms",
          against: { what: "a bare Node, start to end", value: bareMs },
          goal: "400 ms",
        },
        { what: "the script's own CPU time until then, its children's not counted", value: cpuMs, unit: "ms" },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
