/**
 * Entry of the ECS container: one file with two roles. Without an argument it is the supervisor, which
 * takes assignments from its inbox in the control table; with `executor` it is the process below.
 */
import { fileURLToPath } from "node:url";
import { openStores } from "../sdk/stores/stores.ts";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";
import { identify } from "./container-identity.ts";
import { ContainerLoop } from "./container-loop.ts";
import { serve } from "./executor.ts";
import { Supervisor } from "./supervisor.ts";
import { WatchBoard } from "./watch.ts";

const EXECUTOR_ROLE = "executor";
const DEFAULT_IDLE_MS = 60_000;

function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`the environment variable ${name} is missing: the container was not started by stratolab`);
  return value;
}

async function supervise(): Promise<void> {
  const stores = { kind: "aws", table: required(ExecutorEnv.table), bucket: required(ExecutorEnv.bucket) } as const;
  const identity = await identify();
  const supervisor = new Supervisor({
    id: identity.id,
    entry: fileURLToPath(import.meta.url),
    entryArguments: [EXECUTOR_ROLE],
    stores,
    memoryMb: Number(process.env[ExecutorEnv.memoryMb]) || identity.memoryMb || 2_048,
  });
  supervisor.prepare();
  const loop = new ContainerLoop({
    id: identity.id,
    lab: required(ExecutorEnv.lab),
    feedShard: Number(process.env[ExecutorEnv.feedShard] ?? 0),
    idleMs: Number(process.env[ExecutorEnv.idleMs]) || DEFAULT_IDLE_MS,
    stores: await openStores(stores),
    ownStores: await openStores(stores),
    supervisor,
  });
  process.on("SIGTERM", () => loop.terminate());
  await loop.run();
  supervisor.stop();
}

if (process.argv[2] === EXECUTOR_ROLE) {
  const board = new WatchBoard();
  board.end();
  serve(board);
} else {
  supervise().then(
    () => process.exit(0),
    (error) => {
      console.error(`stratolab: ${error instanceof Error ? error.message : String(error)}`);
      process.exit(1);
    },
  );
}
