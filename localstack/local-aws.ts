import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ProcessDriver } from "./ecs/process-driver.ts";
import { type EcsOptions, type EcsStandIn, startEcsStandIn } from "./ecs/stand-in.ts";
import { LocalAwsError } from "./local-aws-error.ts";
import { isHealthy, type Ministack, startMinistack } from "./ministack.ts";
import { findFreePort } from "./processes/port.ts";
import { startWarden } from "./processes/warden.ts";
import { ensureVenv } from "./venv.ts";

/** Where MiniStack is installed and logs are kept, out of version control. */
const STATE_DIRECTORY = fileURLToPath(new URL("../.localstack", import.meta.url));

/** Options of {@link startLocalAws}. */
export interface LocalAwsOptions {
  /** Port of MiniStack. @default a free one */
  readonly port?: number | undefined;
  /** Port of the ECS stand-in. @default a free one */
  readonly ecsPort?: number | undefined;
  /** An emulator that already runs, used instead of starting MiniStack. @default none */
  readonly endpoint?: string | undefined;
  /** @default "us-east-1" */
  readonly region?: string | undefined;
  /** Account limit of concurrent Lambda executions. @default what fits this machine's memory */
  readonly lambdaConcurrency?: number | undefined;
  /** Variables of every Lambda function; a function's own ones win. @default none */
  readonly lambdaEnvironment?: Readonly<Record<string, string>> | undefined;
  readonly ecs?: EcsOptions | undefined;
  /** Told what is being done, for a progress line. @default nobody */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** A running local AWS. */
export interface LocalAws extends AsyncDisposable {
  /** For every service but ECS. */
  readonly endpoint: string;
  readonly ecsEndpoint: string;
  readonly region: string;
  /** What a program's environment needs to use it. */
  readonly env: Readonly<Record<string, string>>;
  readonly ecs: EcsStandIn;
  /** A process whose environment has this as `OWNER_VARIABLE` ends with the local AWS. */
  readonly owner: string;
  /** File with MiniStack's output, what Lambda functions write included; absent with `endpoint`. */
  readonly logFile: string | undefined;
  /** What {@link logFile} holds now. */
  logs(): Promise<string>;
  /** Ends everything it started, the processes that those started included. */
  stop(): Promise<void>;
}

/**
 * Starts a local AWS: MiniStack for most services, the stand-in for ECS. Everything it starts ends
 * with it, and on Linux also when this process is killed.
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const { region = "us-east-1", onProgress } = options;
  const owner = `local-aws-${randomBytes(6).toString("hex")}`;
  // Not in the project: Node would take its package.json and node_modules for those of the
  // functions and containers that run in there.
  const workDirectory = await mkdtemp(path.join(tmpdir(), "stratolab-local-aws-"));
  const warden = startWarden(`${owner}/`, [workDirectory]);
  let ministack: Ministack | undefined;
  let ecs: EcsStandIn | undefined;
  const stop = async () => {
    // In this order: the containers' last lines still find their log groups.
    await ecs?.stop();
    await ministack?.stop();
    await rm(workDirectory, { recursive: true, force: true });
    await warden.end();
  };
  let stopped: Promise<void> | undefined;
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };

  try {
    let logFile: string | undefined;
    if (options.endpoint === undefined) {
      const python = await ensureVenv(STATE_DIRECTORY, onProgress);
      const port = options.port ?? (await findFreePort());
      logFile = path.join(STATE_DIRECTORY, "logs", `ministack-${port}.log`);
      onProgress?.(`starting MiniStack on port ${port}`);
      ministack = await startMinistack({
        python,
        port,
        region,
        owner: `${owner}/ministack`,
        workDirectory: path.join(workDirectory, "ministack"),
        logFile,
        lambdaConcurrency: options.lambdaConcurrency,
        lambdaEnvironment: options.lambdaEnvironment,
      });
    } else if (!(await isHealthy(options.endpoint))) {
      throw new LocalAwsError(`no emulator answers at ${options.endpoint}: start MiniStack or LocalStack there`);
    }
    const endpoint = ministack?.endpoint ?? options.endpoint!;
    onProgress?.("starting the ECS stand-in");
    ecs = await startEcsStandIn({
      ...options.ecs,
      port: options.ecsPort ?? 0,
      region,
      upstreamEndpoint: endpoint,
      driver: new ProcessDriver({
        owner: `${owner}/ecs`,
        workDirectory: path.join(workDirectory, "ecs"),
        memoryPollMs: options.ecs?.memoryPollMs ?? 50,
      }),
      environment: (ecsEndpoint) => environmentOf(endpoint, ecsEndpoint, region),
    });
    return {
      endpoint,
      ecsEndpoint: ecs.endpoint,
      region,
      env: environmentOf(endpoint, ecs.endpoint, region),
      ecs,
      owner: `${owner}/program`,
      logFile,
      logs: async () => (logFile === undefined ? "" : readFile(logFile, "utf8")),
      stop: stopOnce,
      [Symbol.asyncDispose]: stopOnce,
    };
  } catch (error) {
    await stopOnce();
    throw error;
  }
}

function environmentOf(endpoint: string, ecsEndpoint: string, region: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_ECS: ecsEndpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
