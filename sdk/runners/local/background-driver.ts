import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { packageFile } from "../../package-files.ts";
import { LabError } from "../../wire/lab-error.ts";
import type { StoreAddress } from "../../wire/store-address.ts";
import { bundleFolder } from "./bundle-file.ts";

/** What a driver in the background is told. */
export interface BackgroundOrder {
  readonly runId: string;
  readonly namespace: string;
  readonly address: StoreAddress;
  readonly resources: Readonly<Record<string, number>>;
}

/** Starts a process that goes on with a run; what it has to say is in `drivers/` of the lab's storage. */
export async function startBackgroundDriver(order: BackgroundOrder): Promise<void> {
  const { address, runId } = order;
  if (address.kind === "local" && address.temporary) {
    throw new LabError(
      "no-detach",
      "a lab with storage: false keeps nothing that another driver could go on with: give it a storage",
    );
  }
  const folder = join(dirname(bundleFolder(address)), "drivers");
  await mkdir(folder, { recursive: true });
  await using log = await open(join(folder, `${runId}.log`), "a");
  const child = spawn(process.execPath, [packageFile("dist/sdk/background.js"), JSON.stringify(order)], {
    // A group and a session of its own: neither Ctrl-C nor the end of the terminal reaches it.
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  await once(child, "spawn");
  child.unref();
}
