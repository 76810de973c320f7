import { Lab, LabError, RunError } from "stratolab";
import { expect, test } from "vitest";
import { add } from "./fixtures/lab-tasks.ts";
import { LabBench } from "./lab-bench.ts";

const tasks = new URL("fixtures/lab-tasks.ts", import.meta.url);

/** Left as its run begins: the block that the lab lives in ends without waiting for what it returns. */
async function leftAtOnce(bench: LabBench, runner: "local" | "inline", afterMs: number): Promise<unknown> {
  await using lab = new Lab({ tasks, runner, storage: bench.folder, progress: false, concurrency: 1 });
  const results = lab.runTasks([add({ a: 1, b: 2, file: bench.file })]);
  // Whoever gets it handles it.
  results.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  return { results };
}

test.each(["local", "inline"] as const)("a lab on %s that is closed while its run begins says so", async (runner) => {
  for (const afterMs of [0, 5, 30, 100, 200, 400]) {
    await using bench = new LabBench();
    const { results } = (await leftAtOnce(bench, runner, afterMs)) as { results: Promise<number[]> };
    // As far as it came: not begun, ended with the lab, or done.
    const outcome = await results.catch((error: unknown) => error);
    if (Array.isArray(outcome)) expect(outcome).toEqual([3]);
    else if (outcome instanceof RunError) expect(outcome.failures[0].kind).toBe("cancelled");
    else {
      expect(outcome).toBeInstanceOf(LabError);
      expect((outcome as LabError).kind).toBe("closed");
      expect((outcome as LabError).message).toContain("the lab was closed before its run could begin: await the run");
    }
  }
});
