// The command `npm run localstack`: starts the local AWS, deploys the stack on it, and stays.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { bootstrapAndDeploy } from "./deploy.ts";
import { DRIVERS, type DriverName } from "./ecs/choose-driver.ts";
import type { EcsEvent } from "./ecs/events.ts";
import { checkFaultPlan } from "./faults/check-plan.ts";
import { FaultPlanError } from "./faults/fault-plan-error.ts";
import type { FaultPlan } from "./faults/rules.ts";
import { type LocalAws, startLocalAws } from "./local-aws.ts";

interface Options {
  readonly port?: number;
  readonly ecsPort: number;
  readonly endpoint?: string;
  readonly lambdaConcurrency: number;
  readonly driver: DriverName;
  readonly faults?: string;
  readonly seed?: number;
  readonly stack: string;
  readonly deploy: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

const parsePort = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new InvalidArgumentError("a port is a number from 0 (any free one) to 65535");
};

const parseCount = (text: string): number => {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("it is a whole number, at least 1");
};

const parseSeed = (text: string): number => {
  const seed = Number(text);
  if (text.trim() !== "" && Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff) return seed;
  throw new InvalidArgumentError("a seed is a whole number from 0 to 4294967295");
};

const command = new Command()
  .name("npm run localstack --")
  .description("Starts a local AWS, deploys the stack on it, prints the environment to use, and runs until Ctrl-C.")
  .option("--port <port>", "port of the local AWS (default: 4566, or 4567 with --endpoint)", parsePort)
  .option("--ecs-port <port>", "port of the ECS stand-in behind it", parsePort, 0)
  .option("--endpoint <url>", "use the emulator that runs there (see docker-compose.yml) instead of starting MiniStack")
  .option(
    "--lambda-concurrency <n>",
    "Lambda executions at once, as an account's quota",
    parseCount,
    4 * availableParallelism(),
  )
  .addOption(
    new Option("--driver <name>", "what runs ECS tasks; auto: a container engine where one answers")
      .choices(DRIVERS)
      .default("process"),
  )
  .option("--faults <file>", "JSON file with what is to go wrong; see also: npx stratolab localstack faults --help")
  .option("--seed <n>", "seed of the faults, instead of the file's or a random one", parseSeed)
  .option("--stack <name>", "name of the stack", process.env.STRATOLAB_STACK ?? "Stratolab")
  .option("--no-deploy", "do not deploy the stack")
  .option("--json", "print the environment and the stack's outputs as one JSON object", false)
  .option("--quiet", "do not print what happens to ECS tasks", false)
  .allowExcessArguments(false);

let localAws: LocalAws | undefined;
let stopping = false;

/** Stops everything; at the second signal it leaves at once, and the warden clears up. */
async function stop(): Promise<void> {
  if (stopping) process.exit(130);
  stopping = true;
  process.stderr.write("\nstopping (again: at once)\n");
  await localAws?.stop();
  process.exit(0);
}

/** The fault plan of a file, with the seed of the command line. */
async function readFaults({ faults: file, seed }: Options): Promise<FaultPlan> {
  const own = seed === undefined ? {} : { seed };
  if (file === undefined) return own;
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new FaultPlanError(`cannot read the faults: ${error.message}`);
  });
  try {
    return { ...checkFaultPlan(JSON.parse(text)), ...own };
  } catch (error) {
    throw new FaultPlanError(`${file}: ${(error as Error).message}`);
  }
}

async function run(options: Options): Promise<void> {
  const faults = await readFaults(options);
  process.on("SIGINT", () => void stop());
  process.on("SIGTERM", () => void stop());
  const onProgress = (message: string) => void process.stderr.write(`- ${message}\n`);
  localAws = await startLocalAws({
    // Another emulator sits where AWS emulators sit.
    port: options.port ?? (options.endpoint === undefined ? 4566 : 4567),
    ecsPort: options.ecsPort,
    endpoint: options.endpoint,
    lambdaConcurrency: options.lambdaConcurrency,
    driver: options.driver,
    onProgress,
  });
  if (!options.quiet) localAws.ecs.listen(printEvent);
  const outputs = options.deploy
    ? await bootstrapAndDeploy(localAws, { stackName: options.stack, context: { emulator: "true" }, onProgress })
    : undefined;
  // From here on: the deploy is not what is to be tried.
  await localAws.faults.set(faults);
  await localAws.resetCounts();
  const { seed, rules } = await localAws.faults.list();
  const env = { ...localAws.env, ...(outputs && { STRATOLAB_STACK: options.stack }) };
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ env, outputs, logFile: localAws.logFile, seed })}\n`);
    return;
  }
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${value}`);
  const leftovers = ["AWS_PROFILE", "AWS_SESSION_TOKEN"].filter((name) => process.env[name] !== undefined);
  if (leftovers.length > 0) lines.unshift(`unset ${leftovers.join(" ")}`);
  process.stdout.write(`\n${lines.join("\n")}\n\n`);
  process.stdout.write("Paste these lines into another terminal, then: npm run quickstart:aws\n");
  const what = rules.length === 0 ? "none yet" : `${rules.length}, seed ${seed}`;
  process.stdout.write(`Faults: ${what}. npx stratolab localstack faults set|list|clear|counts --help\n`);
  process.stdout.write(`Their address is that of AWS: ${localAws.endpoint}\n`);
  if (localAws.logFile) process.stdout.write(`MiniStack writes to ${localAws.logFile}. Ctrl-C ends it all.\n`);
}

function printEvent(event: EcsEvent): void {
  if (event.kind === "warning") process.stderr.write(`warning: ${event.message}\n`);
  if (event.kind !== "task") return;
  const { taskArn, lastStatus, stopCode, stoppedReason, containers, cpu, memory, capacityProviderName } = event.task;
  const where = capacityProviderName ?? event.task.launchType;
  const details =
    lastStatus === "STOPPED"
      ? [stopCode, stoppedReason, ...containers.map(({ exitCode, reason }) => `exit ${exitCode} ${reason ?? ""}`)]
      : lastStatus === "PROVISIONING"
        ? [`${where}, ${cpu} CPU units, ${memory} MB`]
        : [];
  const id = taskArn.slice(taskArn.lastIndexOf("/") + 1);
  process.stderr.write(`ECS task ${id} ${lastStatus} ${details.join("; ")}`.trimEnd().concat("\n"));
}

command.parse();
run(command.opts<Options>()).catch(async (error: unknown) => {
  // While a signal already stops everything, what fails in between is no news.
  if (stopping) return;
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  await localAws?.stop();
  process.exit(1);
});
