import { aws, Lab, type Task } from "stratolab";
import type { LocalAws } from "../localstack/local-aws.ts";
import type { Counts } from "../localstack/proxy/counts.ts";
import { requestBill } from "../test/support/request-bill.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { largeAlone, noop, noopAlone } from "./fixtures/noop-tasks.ts";
import { deployedLocalAws } from "./local-cloud.ts";

const TASKS = 1_000;
/** More than one partition of packs holds. */
const MANY = 50_000;
const IN_FLIGHT = 8;

let localAws: LocalAws;

/** What tasks cost in requests, as the proxy before the local AWS counts them; the time of invocations is not in it. */
export const requests: Benchmark = {
  name: "requests",
  workload: `${TASKS.toLocaleString("en")} tasks on the local AWS's Lambda: requests of driver and executors, at the prices of AWS`,
  runs: 1,
  async setUp() {
    localAws = await deployedLocalAws(2 * IN_FLIGHT);
    return () => localAws.stop();
  },
  async run(): Promise<Figure[]> {
    const lab = new Lab({
      tasks: new URL("./fixtures/noop-tasks.ts", import.meta.url),
      runner: aws(),
      namespace: `bench-${Date.now()}`,
      concurrency: IN_FLIGHT,
      progress: false,
    });
    const measure = async (task: (params: { i: number }) => Task<unknown>, tasks = TASKS, from = 0) => {
      // Environments are warm, and durations known.
      await lab.runTasks(Array.from({ length: 4 * IN_FLIGHT }, (_, i) => task({ i: -1 - i })));
      await localAws.resetCounts();
      await lab.runTasks(Array.from({ length: tasks }, (_, i) => task({ i: from + i })));
      return { counts: await localAws.counts(), tasks };
    };
    try {
      return [
        ...figuresOf("one an invocation", await measure(noopAlone), "0.90 (Lithops 11.00, Step Functions 25.20)"),
        ...figuresOf("with results in S3", await measure(largeAlone), "6.50"),
        ...figuresOf("batched", await measure(noop), "0.10"),
        ...figuresOf(`batched, ${MANY.toLocaleString("en")}`, await measure(noop, MANY, TASKS), "0.10"),
      ];
    } finally {
      await lab.close();
    }
  },
};

/** Dollars for a million, and the requests that make most of it. */
function figuresOf(what: string, { counts, tasks }: { counts: Counts; tasks: number }, goal: string): Figure[] {
  const unitsOf = (...names: string[]) =>
    names.reduce((sum, name) => sum + (counts.operations[name]?.units ?? 0), 0) / tasks;
  const dollars = (requestBill(counts) / tasks) * 1e6;
  const each = (name: string, value: number): Figure => ({ what: `${what}: ${name}`, value, unit: "a task" });
  return [
    { what, value: dollars, unit: "dollars per million tasks", goal },
    each("invocations", unitsOf("lambda:Invoke")),
    each("write units", unitsOf("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:TransactWriteItems")),
    each("read units", unitsOf("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")),
    each("S3 requests", unitsOf("s3:PutObject", "s3:GetObject", "s3:HeadObject", "s3:CopyObject")),
  ];
}
