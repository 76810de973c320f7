import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Figure } from "./benchmark.ts";
import { bareNodeMs, runNode } from "./processes.ts";

const FOLDER = "dist/runtime/lambda";
/** Loads an entry and leaves at once: the executor process that it starts beside itself is not waited for. */
const load = (entry: string) => `await import("./${FOLDER}/${entry}.mjs"); process.exit(0);`;

/** Bytes of all files that a Lambda function is made of. */
export const lambdaBytes = (): number =>
  readdirSync(FOLDER).reduce((sum, file) => sum + statSync(join(FOLDER, file)).size, 0);

/** What a new environment of Lambda spends before it can take an invocation. */
export const coldInit: Benchmark = {
  name: "cold-init",
  workload: "the entry of the Lambda functions loaded by a new process, whose start is not counted",
  runs: 15,
  async run(): Promise<Figure[]> {
    const bareMs = await bareNodeMs();
    const { ms } = await runNode(["--input-type=module", "-e", load("index")], { AWS_REGION: "us-east-1" });
    return [
      { what: "above bare Node", value: ms - bareMs, unit: "ms", goal: "30 ms" },
      { what: "all of its code", value: lambdaBytes() / 1000, unit: "KB", goal: "less than 600 KB" },
    ];
  },
};
