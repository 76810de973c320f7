// The warden's own process, started by `startWarden`: waits for its parent's end, then clears up.

import { rm } from "node:fs/promises";
import { ContainerEngine } from "../ecs/container-engine.ts";
import { removeContainers } from "../ecs/engine-driver.ts";
import { killOwned } from "./kill-owned.ts";
import { ProcessTable } from "./process-table.ts";

const [prefix, ...directories] = process.argv.slice(2);

process.stdin.resume();
await new Promise<void>((resolve) => {
  process.stdin.once("end", () => resolve());
  process.stdin.once("error", () => resolve());
});
if (prefix) await killOwned(new ProcessTable(), prefix);
// Containers are the engine's children, not ours: where there is one, it is asked.
if (prefix) await removeContainers(new ContainerEngine(), `${prefix}ecs`).catch(() => {});
for (const directory of directories) await rm(directory, { recursive: true, force: true });
