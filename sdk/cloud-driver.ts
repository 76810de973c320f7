/**
 * Entry of the driver function: goes on with one run on AWS, and hands it to its own next invocation before
 * Lambda's deadline. It costs what it runs, and nothing while no run is detached.
 */
import { hostname } from "node:os";
import { driveRun } from "./drive-run.ts";
import type { ProgressEvent } from "./driver/progress-events.ts";
import { lineProgress } from "./progress/lines.ts";
import { AwsRunner } from "./runners/aws/runner.ts";
import { requireSameVersion } from "./wire/version.ts";

/** What the function is invoked with. */
interface DriverOrder {
  readonly protocol: number;
  readonly runId: string;
  readonly namespace: string;
  /** Hand over that soon, in milliseconds, though there is more time. */
  readonly leaveAfterMs?: number;
}

interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

/** What a hand-over may take: what is in flight and what has happened is written, and the next one started. */
const HAND_OVER_MS = 45_000;

export async function handler(order: DriverOrder, context: LambdaContext): Promise<void> {
  const { runId, namespace, leaveAfterMs = Number.POSITIVE_INFINITY } = order;
  requireSameVersion("the lab that detached the run", "the driver function of the stack", order.protocol, {
    whenNewer: 'Run "npx cdk deploy" to update the stack',
    whenOlder: "Update stratolab where the script runs",
  });
  const runner = new AwsRunner({});
  const lines = lineProgress((line) => console.log(line));
  const error = await driveRun({
    runId,
    namespace,
    address: await runner.storeAddress(undefined),
    resources: {},
    // Log lines of tasks are kept with the run.
    progress: (event: ProgressEvent) => (event.type === "log" ? undefined : lines(event)),
    newRunner: () => new AwsRunner({}),
    leaveAfterMs: Math.min(leaveAfterMs, context.getRemainingTimeInMillis() - HAND_OVER_MS),
  });
  // A failed run is no failure of its driver, which Lambda would start again.
  if (error) console.log(`${hostname()}: ${error.message}`);
}
