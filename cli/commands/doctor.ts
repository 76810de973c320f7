import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { Lab } from "../../sdk/lab.ts";
import type { LabOptions } from "../../sdk/lab-options.ts";
import { duration, harmless } from "../../sdk/progress/text.ts";
import type { RunnerOptions } from "../../sdk/runner-options.ts";
import { aws } from "../../sdk/runners/aws/aws.ts";
import type { Finding } from "../../sdk/runners/aws/diagnosis.ts";
import { task } from "../../sdk/task.ts";
import { DEFAULT_STACK_NAME, DriverEnv } from "../../sdk/wire/protocol.ts";
import { explainFailure } from "../failure.ts";
import { table } from "../table.ts";

interface DoctorOptions {
  readonly runner?: "local" | "aws";
  readonly stack?: string;
  readonly region?: string;
  readonly quick?: true;
  readonly json?: true;
}

const LEAST_NODE = [20, 19] as const;
/** The module of the tasks that are tried: it finds the library as any user's bundle does. */
const TASKS = `import { task } from "stratolab";
export const onLambda = task({ name: "doctor.lambda", run: ({ at }) => at });
export const onFargate = task({ name: "doctor.fargate", run: ({ at }) => at });
export const onLocal = task({ name: "doctor.local", run: ({ at }) => at });
`;
const TRIES = {
  local: { name: "doctor.local", runnerOptions: {} },
  lambda: { name: "doctor.lambda", runnerOptions: { executor: "lambda", numCpus: 0.25, timeoutMs: 60_000 } },
  fargate: { name: "doctor.fargate", runnerOptions: { executor: "ecs", memoryMb: 512, timeoutMs: 60_000 } },
} satisfies Record<string, { name: string; runnerOptions: RunnerOptions }>;
/** A container's image may take its time, in milliseconds. */
const GIVE_UP_AFTER_MS = 300_000;

/** `stratolab doctor`: whether all is in place that runs need. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "Checks this machine, and on AWS credentials, region, stack, permissions and quotas; runs a task on each.",
    )
    .addOption(
      new Option("--runner <name>", `what has to work (default ${DriverEnv.runner})`).choices(["local", "aws"]),
    )
    .option("--stack <name>", `name of the stack on AWS (default ${DriverEnv.stack}, else ${DEFAULT_STACK_NAME})`)
    .option("--region <name>", "AWS region (default that of the environment)")
    .option("--quick", "start no ECS task: it takes a minute, and costs about 0.1 cents")
    .option("--json", "print JSON instead of a table")
    .action(async (options: DoctorOptions) => {
      const folder = await mkdtemp(join(tmpdir(), "stratolab-doctor-"));
      try {
        const findings = [...(await local(folder)), ...(await onAws(folder, options))];
        process.stdout.write(`${options.json ? JSON.stringify({ findings }, null, 2) : describe(findings)}\n`);
        if (findings.some(({ status }) => status === "error")) process.exitCode = 1;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

async function local(folder: string): Promise<Finding[]> {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const isOld = major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]);
  const node: Finding = isOld
    ? { check: "node", status: "error", found: process.version, fix: `install Node ${LEAST_NODE.join(".")} or newer` }
    : { check: "node", status: "ok", found: process.version };
  const gb = (totalmem() / 2 ** 30).toFixed(1);
  const machine: Finding = { check: "machine", status: "ok", found: `${availableParallelism()} cores, ${gb} GB` };
  return [node, machine, await tryTask("local", folder, { runner: "local", storage: join(folder, "storage") })];
}

async function onAws(folder: string, { runner, stack, region, quick }: DoctorOptions): Promise<Finding[]> {
  const { diagnoseAws } = await import("../../sdk/runners/aws/diagnosis.ts");
  const name = stack ?? (process.env[DriverEnv.stack] || DEFAULT_STACK_NAME);
  const { findings, stack: parts } = await diagnoseAws(name, region);
  // Who runs tasks on this machine alone lacks nothing.
  const isMeant = (runner ?? process.env[DriverEnv.runner]) === "aws";
  const isOut = !isMeant && findings.some(({ check, status }) => check === "credentials" && status === "error");
  if (isOut) {
    return findings.map((finding) => (finding.status === "error" ? { ...finding, status: "warning" } : finding));
  }
  if (!parts || findings.some(({ status }) => status === "error")) return [...findings];
  const lab = { runner: aws({ stack: name, ...(region ? { region } : {}), ecsIdleMs: 1_000 }), namespace: "doctor" };
  return [...findings, await tryTask("lambda", folder, lab), ...(quick ? [] : [await tryTask("fargate", folder, lab)])];
}

/** Has a task that does nothing run somewhere, and leaves nothing of it behind. */
async function tryTask(where: keyof typeof TRIES, folder: string, options: Partial<LabOptions>): Promise<Finding> {
  const check = `a task on ${where}`;
  const tasks = join(folder, "tasks.mjs");
  await writeFile(tasks, TASKS);
  const noop = task({ ...TRIES[where], run: ({ at }: { at: number }) => at })({ at: Date.now() });
  const lab = new Lab({ tasks, progress: false, handleInterrupt: false, ...options });
  try {
    const began = performance.now();
    await lab.runTask(noop, { name: "doctor", signal: AbortSignal.timeout(GIVE_UP_AFTER_MS) });
    const took = duration(performance.now() - began);
    await lab.uncache([noop]);
    return { check, status: "ok", found: `done after ${took}` };
  } catch (error) {
    return { check, status: "error", found: explainFailure(error) };
  } finally {
    await lab.close();
  }
}

function describe(findings: readonly Finding[]): string {
  const rows = findings.map(({ check, status, found, fix }) => [status, check, harmless(found), fix ?? ""]);
  const count = (wanted: Finding["status"]) => findings.filter(({ status }) => status === wanted).length;
  const summary = `${count("ok")} ok, ${count("warning")} warnings, ${count("error")} errors`;
  return `${table(["", "CHECK", "FOUND", "TO MEND IT"], rows)}\n\n${summary}`;
}
