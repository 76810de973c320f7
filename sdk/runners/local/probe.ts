import { randomBytes } from "node:crypto";
import type { Bundle } from "../../bundle/bundle.ts";
import { LabError } from "../../wire/lab-error.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import type { RunnerOpening } from "../runner.ts";
import { LocalExecutor } from "./executor.ts";

/**
 * Loads a bundle in a process of its own, to see that it can be and what is in it, before anything is
 * started elsewhere.
 *
 * @throws LabError with what is wrong with the task module.
 */
export async function probeBundle(
  bundlePath: string,
  bundle: Bundle,
  address: StoreAddress,
): Promise<RunnerOpening["tasks"]> {
  const executor = new LocalExecutor({
    // Several labs of a process may look at one bundle at a time: whoever is done ends all that has its own name.
    id: `probe-${randomBytes(6).toString("hex")}`,
    code: { bundlePath, bundle, address },
    report: () => {},
    onDeath: () => {},
  });
  const opened = await executor.opened;
  await executor.stop();
  if (opened.type === "open-failed") throw new LabError(opened.kind, opened.message);
  return opened.tasks;
}
