import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chooseDriver, type DriverName } from "./ecs/choose-driver.ts";
import { combineFaults } from "./ecs/faults.ts";
import { type EcsOptions, type EcsStandIn, startEcsStandIn } from "./ecs/stand-in.ts";
import { connectLocalAws, type LocalAwsControl } from "./faults/control.ts";
import { ecsFaults } from "./faults/ecs-faults.ts";
import { FaultEngine } from "./faults/engine.ts";
import type { FaultPlan } from "./faults/rules.ts";
import { LocalAwsError } from "./local-aws-error.ts";
import { isHealthy, type Ministack, startMinistack } from "./ministack.ts";
import { findFreePort, LOOPBACK } from "./processes/port.ts";
import { startWarden } from "./processes/warden.ts";
import type { TasksOf } from "./proxy/counts.ts";
import { type FaultProxy, startProxy } from "./proxy/proxy.ts";
import { ensureVenv } from "./venv.ts";

/** Where MiniStack is installed and logs are kept, out of version control. */
const STATE_DIRECTORY = fileURLToPath(new URL("../.localstack", import.meta.url));

/** Options of {@link startLocalAws}. */
export interface LocalAwsOptions {
  /** Port of the whole, which is the fault proxy's. @default a free one */
  readonly port?: number | undefined;
  /** Port of the ECS stand-in itself, behind the proxy. @default a free one */
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
  /** What runs ECS tasks; `auto`: a container engine where one answers. @default "process" */
  readonly driver?: DriverName | undefined;
  /** What is to go wrong from the begin. @default nothing */
  readonly faults?: FaultPlan | undefined;
  /** Which tasks a request is about, for `counts()`. @default those that its client context names */
  readonly tasksOf?: TasksOf | undefined;
  /** Told what is being done, for a progress line. @default nobody */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/** A running local AWS. */
export interface LocalAws extends LocalAwsControl, AsyncDisposable {
  /** For every service: the fault proxy, before MiniStack and the ECS stand-in. */
  readonly endpoint: string;
  /** The same for what runs inside Lambda and ECS, so that rules and counts can tell who asks. */
  readonly executorEndpoint: string;
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
 * Starts a local AWS: MiniStack for most services, the stand-in for ECS, and the fault proxy before
 * both. Everything it starts ends with it, and on Linux also when this process is killed.
 *
 * @throws FaultPlanError for faults that mean nothing, before anything is started.
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const { region = "us-east-1", onProgress } = options;
  const engine = new FaultEngine(options.faults);
  const owner = `local-aws-${randomBytes(6).toString("hex")}`;
  // Not in the project: Node would take its package.json and node_modules for those of the
  // functions and containers that run in there.
  const workDirectory = await mkdtemp(path.join(tmpdir(), "stratolab-local-aws-"));
  const warden = startWarden(`${owner}/`, [workDirectory]);
  let ministack: Ministack | undefined;
  let ecs: EcsStandIn | undefined;
  let proxy: FaultProxy | undefined;
  const stop = async () => {
    await proxy?.stop();
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
    let upstream = options.endpoint;
    let logFile: string | undefined;
    if (upstream !== undefined && !(await isHealthy(upstream))) {
      throw new LocalAwsError(`no emulator answers at ${upstream}: start MiniStack or LocalStack there`);
    }
    const ministackPort = upstream === undefined ? await findFreePort() : undefined;
    upstream ??= `http://${LOOPBACK}:${ministackPort}`;
    const behind = { ecs: "", others: upstream };
    proxy = await startProxy({
      port: options.port ?? 0,
      engine,
      endpointOf: (service) => (service === "ecs" ? behind.ecs : behind.others),
      tasksOf: options.tasksOf,
    });
    const { endpoint, executorEndpoint } = proxy;
    if (ministackPort !== undefined) {
      const python = await ensureVenv(STATE_DIRECTORY, onProgress);
      logFile = path.join(STATE_DIRECTORY, "logs", `ministack-${ministackPort}.log`);
      onProgress?.(`starting MiniStack on port ${ministackPort}`);
      ministack = await startMinistack({
        python,
        port: ministackPort,
        region,
        owner: `${owner}/ministack`,
        workDirectory: path.join(workDirectory, "ministack"),
        logFile,
        lambdaConcurrency: options.lambdaConcurrency,
        lambdaEnvironment: { AWS_ENDPOINT_URL: executorEndpoint, ...options.lambdaEnvironment },
      });
    }
    const chosen = await chooseDriver(options.driver ?? "process", {
      owner: `${owner}/ecs`,
      workDirectory: path.join(workDirectory, "ecs"),
      memoryPollMs: options.ecs?.memoryPollMs ?? 50,
    });
    onProgress?.(`starting the ECS stand-in: ${chosen.message}`);
    ecs = await startEcsStandIn({
      ...options.ecs,
      faults: combineFaults(options.ecs?.faults ?? {}, ecsFaults(engine)),
      port: options.ecsPort ?? 0,
      region,
      upstreamEndpoint: upstream,
      driver: chosen.driver,
      environment: environmentOf(executorEndpoint, region),
    });
    behind.ecs = ecs.endpoint;
    return {
      ...connectLocalAws(endpoint),
      endpoint,
      executorEndpoint,
      region,
      env: environmentOf(endpoint, region),
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

function environmentOf(endpoint: string, region: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    // The proxy knows ECS's requests by themselves; this one is for who set another before.
    AWS_ENDPOINT_URL_ECS: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
