import { BootstrapExit, ExecutorEnv } from "../sdk/wire/protocol.ts";

interface BootstrapTiming {
  /** Tries before giving up on the network. */
  readonly attempts: number;
  /** Wait after the first failure, in milliseconds; each next one doubles. */
  readonly firstDelayMs: number;
}

/** About half a minute: a container's network may come up after its process. */
const TIMING: BootstrapTiming = { attempts: 8, firstDelayMs: 250 };

/**
 * What a container runs: Node with a script that fetches the runtime, checks its hash, and becomes
 * it. So a plain public Node image will do, and the runtime changes without a deployment.
 */
export const containerBootstrap = (timing = TIMING) => ({
  /** Set, because a user's image may start something else by itself. */
  entryPoint: ["node"],
  command: ["--input-type=module", "--eval", bootstrapScript(timing)],
});

/**
 * Kept as text because compilers add helpers of their own to a function's source. Nothing of the
 * presigned URL but its host is printed: it is a key to the bucket while it lasts.
 */
const bootstrapScript = ({ attempts, firstDelayMs }: BootstrapTiming): string => `
import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

function giveUp(exitCode, reason) {
  console.error("stratolab: " + reason);
  process.exit(exitCode);
}

async function fetchOnce(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (response.ok) return { bytes: Buffer.from(await response.arrayBuffer()) };
  const body = await response.text();
  const code = /<Code>(.*?)<.Code>/.exec(body)?.[1] ?? "";
  const message = /<Message>(.*?)<.Message>/.exec(body)?.[1] ?? "";
  return {
    reason: ["status " + response.status, code, message].filter(Boolean).join(" "),
    final: response.status < 500 && response.status !== 429 && response.status !== 408,
  };
}

async function fetchRuntime(url) {
  for (let attempt = 1, delayMs = ${firstDelayMs}; ; attempt += 1, delayMs *= 2) {
    const { bytes, reason, final } = await fetchOnce(url).catch((error) => ({
      reason: error.cause?.code ?? error.cause?.message ?? error.message,
    }));
    if (bytes) return bytes;
    if (final || attempt === ${attempts})
      giveUp(${BootstrapExit.unreachable}, "cannot fetch the runtime from " + new URL(url).host + " (try " + attempt + "): " + reason);
    await sleep(delayMs * (0.5 + Math.random() / 2));
  }
}

const url = process.env.${ExecutorEnv.runtimeUrl};
const expected = process.env.${ExecutorEnv.runtimeHash};
if (!URL.canParse(url) || !expected)
  giveUp(${BootstrapExit.misconfigured}, "${ExecutorEnv.runtimeUrl} and ${ExecutorEnv.runtimeHash} have to be set: the stratolab SDK does, when it starts an ECS task");

const runtime = await fetchRuntime(url);
const actual = createHash("sha256").update(runtime).digest("hex");
if (actual !== expected)
  giveUp(${BootstrapExit.mismatch}, "the runtime's SHA-256 is " + actual + ", expected " + expected + ": not loaded");

const file = join(await mkdtemp(join(tmpdir(), "stratolab-")), "runtime.mjs");
await writeFile(file, runtime);
await import(pathToFileURL(file).href).catch((error) => giveUp(${BootstrapExit.broken}, "the runtime does not load: " + error));
`;
