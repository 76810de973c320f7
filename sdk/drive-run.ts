import { AttachedRuns } from "./attached-runs.ts";
import type { ProgressListener } from "./driver/progress-events.ts";
import type { Runner } from "./runners/runner.ts";
import { openStores } from "./stores/stores.ts";
import type { StoreAddress } from "./wire/store-address.ts";

interface DriveOptions {
  readonly runId: string;
  readonly namespace: string;
  readonly address: StoreAddress;
  readonly resources: Readonly<Record<string, number>>;
  readonly progress: ProgressListener;
  newRunner(): Runner;
  /** When to hand the run over to the next driver, in milliseconds from now. Default never. */
  readonly leaveAfterMs?: number;
}

/**
 * Goes on with a recorded run that nobody drives, until it is over or has to be handed over.
 *
 * @returns Its error, where it ended with one.
 */
export async function driveRun(options: DriveOptions): Promise<Error | undefined> {
  const { address, leaveAfterMs, namespace, newRunner, progress, resources, runId } = options;
  const stores = await openStores(address);
  const runs = new AttachedRuns({ newRunner, resources, concurrency: undefined, loadsResults: false }, namespace);
  let leaving: NodeJS.Timeout | undefined;
  try {
    const { started } = await runs.takeUp(runId, { stores, address, progress });
    const left =
      leaveAfterMs === undefined
        ? undefined
        : new Promise<void>((resolve, reject) => {
            leaving = setTimeout(() => started.detach().then(resolve, reject), leaveAfterMs);
          });
    await Promise.race([started.outcomes.ended, ...(left ? [left] : [])]);
    return started.error();
  } finally {
    clearTimeout(leaving);
    await runs.close();
    await stores.table.close();
  }
}
