import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalAwsError } from "./local-aws-error.ts";
import { killOwned, signalProcess } from "./processes/kill-owned.ts";
import { LOOPBACK, requireFreePort } from "./processes/port.ts";
import { OWNER_VARIABLE, ProcessTable } from "./processes/process-table.ts";
import { lastLines } from "./processes/run-command.ts";

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 25;

/** What {@link startMinistack} needs. */
export interface MinistackOptions {
  /** Python with MiniStack installed. */
  readonly python: string;
  readonly port: number;
  readonly region: string;
  /** Owner of its processes, see `OWNER_VARIABLE`. */
  readonly owner: string;
  /** Folder for its temporary files, Lambda's code among them. */
  readonly workDirectory: string;
  /** File that its output goes to. */
  readonly logFile: string;
  /** Account limit of concurrent Lambda executions. @default what fits this machine's memory */
  readonly lambdaConcurrency?: number | undefined;
  /** Variables for every Lambda function; a function's own ones win. @default none */
  readonly lambdaEnvironment?: Readonly<Record<string, string>> | undefined;
}

/** A running MiniStack. */
export interface Ministack {
  readonly endpoint: string;
  readonly pid: number;
  /** Kills it and its Lambda environments. Its state lives in memory: nothing is lost that was kept. */
  stop(): Promise<void>;
}

/** Starts MiniStack and waits until it answers. */
export async function startMinistack(options: MinistackOptions): Promise<Ministack> {
  await requireFreePort(options.port, "--port");
  await mkdir(options.workDirectory, { recursive: true });
  await mkdir(path.dirname(options.logFile), { recursive: true });

  const log = openSync(options.logFile, "w");
  const child = spawn(options.python, ["-m", "ministack"], {
    cwd: options.workDirectory,
    env: environmentOf(options),
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const pid = await new Promise<number | undefined>((resolve) => {
    child.once("spawn", () => resolve(child.pid));
    child.once("error", () => resolve(undefined));
  });
  if (pid === undefined) throw new LocalAwsError(`${options.python} cannot be run; remove its folder and try again`);
  // The warden sees to it when we die; until then it must not keep us alive.
  child.unref();

  const endpoint = `http://${LOOPBACK}:${options.port}`;
  const stop = async () => {
    signalProcess(-pid, "SIGKILL");
    await killOwned(new ProcessTable(), options.owner);
  };
  try {
    await untilHealthy(endpoint, () => child.exitCode ?? child.signalCode, options.logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, pid, stop };
}

/**
 * The whole of MiniStack's environment, since each Lambda environment inherits it: nothing of ours
 * may leak in there. MiniStack adds `AWS_ENDPOINT_URL`, pointing at itself, and the credentials.
 */
function environmentOf(options: MinistackOptions): NodeJS.ProcessEnv {
  return {
    // Lambda functions run on our own Node, whatever is first on the path.
    PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    HOME: options.workDirectory,
    TMPDIR: options.workDirectory,
    LANG: "C.UTF-8",
    BIND_HOST: LOOPBACK,
    GATEWAY_PORT: String(options.port),
    MINISTACK_REGION: options.region,
    STATE_DIR: path.join(options.workDirectory, "state"),
    S3_DATA_DIR: path.join(options.workDirectory, "s3"),
    ...(options.lambdaConcurrency !== undefined && { LAMBDA_ACCOUNT_CONCURRENCY: String(options.lambdaConcurrency) }),
    ...options.lambdaEnvironment,
    [OWNER_VARIABLE]: options.owner,
  };
}

async function untilHealthy(endpoint: string, ended: () => number | string | null, logFile: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (await isHealthy(endpoint)) return;
    if (ended() !== null) break;
    await sleep(POLL_MS);
  }
  const output = await readFile(logFile, "utf8").catch(() => "");
  const what = ended() === null ? `did not answer within ${START_TIMEOUT_MS / 1000} s` : `ended with ${ended()}`;
  throw new LocalAwsError(`MiniStack ${what}; its last words in ${logFile}:\n${lastLines(output, 8)}`);
}

/** Whether an emulator (MiniStack or LocalStack) answers at this endpoint. */
export async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/_localstack/health", endpoint), { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
