import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { Command, Option } from "commander";
import type { PlanMessage, ToldPlan } from "../../sdk/plan-mode.ts";
import type { Range } from "../../sdk/plan-report.ts";
import { dollars, duration, harmless } from "../../sdk/progress/text.ts";
import { DriverEnv } from "../../sdk/wire/protocol.ts";
import { bundleScript } from "../script-bundle.ts";
import { table } from "../table.ts";

interface PlanOptions {
  readonly runner?: string;
  readonly stack?: string;
  readonly json?: true;
}

/** What came of a script in plan mode. */
interface Planned {
  readonly plans: readonly ToldPlan[];
  readonly errors: readonly string[];
  readonly isStopped: boolean;
  readonly exitCode: number;
}

/** `stratolab plan script.ts`: what the script's runs would do. */
export function planCommand(): Command {
  return new Command("plan")
    .description("Tells what the runs of a script would do, where, for how long and for how much. Runs nothing.")
    .argument("<script>", "the script, TypeScript or JavaScript; it is run up to where it needs a result")
    .argument("[arguments...]", "for the script")
    .addOption(
      new Option("--runner <name>", `where the script does not say (default ${DriverEnv.runner})`).choices([
        "local",
        "inline",
        "aws",
      ]),
    )
    .option("--stack <name>", `name of the stack on AWS (default ${DriverEnv.stack}, else Stratolab)`)
    .option("--json", "print JSON instead of tables")
    .passThroughOptions()
    .action(async (script: string, args: readonly string[], options: PlanOptions) => {
      const planned = await planScript(script, args, options);
      print(script, planned, options.json === true);
      const isFeasible = planned.plans.every(({ infeasible }) => infeasible.length === 0);
      process.exitCode = planned.exitCode === 0 && planned.errors.length === 0 && isFeasible ? 0 : 1;
    });
}

/** Runs a script in plan mode. What it prints goes to standard error; its plans come by a pipe of their own. */
async function planScript(script: string, args: readonly string[], { runner, stack }: PlanOptions): Promise<Planned> {
  const code = await bundleScript(script);
  const folder = await mkdtemp(join(tmpdir(), "stratolab-plan-"));
  try {
    const file = join(folder, "script.mjs");
    await writeFile(file, code);
    const child = spawn(process.execPath, ["--enable-source-maps", file, ...args], {
      stdio: ["inherit", 2, 2, "pipe"],
      env: {
        ...process.env,
        [DriverEnv.plan]: "3",
        ...(runner === undefined ? {} : { [DriverEnv.runner]: runner }),
        ...(stack === undefined ? {} : { [DriverEnv.stack]: stack }),
      },
    });
    const exited = new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (exitCode) => resolve(exitCode ?? 1));
    });
    const messages: PlanMessage[] = [];
    for await (const line of createInterface({ input: child.stdio[3] as Readable })) messages.push(JSON.parse(line));
    return {
      plans: messages.flatMap((message) => (message.type === "plan" ? message.plan : [])),
      errors: messages.flatMap((message) => (message.type === "error" ? message.message : [])),
      isStopped: messages.some(({ type }) => type === "stopped"),
      exitCode: await exited,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function print(script: string, { plans, errors, isStopped, exitCode }: Planned, asJson: boolean): void {
  const text = asJson
    ? JSON.stringify({ plans, errors, stopped: isStopped }, null, 2)
    : plans.map(describe).join("\n\n");
  if (text !== "") process.stdout.write(`${text}\n`);
  for (const error of errors) process.stderr.write(`stratolab: ${harmless(error)}\n`);
  if (exitCode !== 0) process.stderr.write(`stratolab: ${script} ended with exit code ${exitCode}\n`);
  else if (isStopped) process.stderr.write(`${script} stops here: it needs the results of this run to go on\n`);
  else if (plans.length === 0 && errors.length === 0) process.stderr.write(`${script} starts no run\n`);
}

function describe(plan: ToldPlan): string {
  const { name, total, cached, toRun, groups, infeasible, seconds, costUsd, unmeasured } = plan;
  const head = `${name ?? "run"}: ${total} task${total === 1 ? "" : "s"}, ${cached} cached, ${toRun} to run`;
  const rows = groups.map((group) => [
    group.name,
    String(group.count),
    group.lane,
    group.secondsEach ? time(group.secondsEach) : "not known",
    group.costUsd ? money(group.costUsd) : "not known",
    group.reason,
  ]);
  return [
    head,
    ...(rows.length > 0 ? [table(["TASK", "COUNT", "WHERE", "EACH TAKES", "TOGETHER COST", "WHY"], rows)] : []),
    ...groups.map(({ name: task, notCached }) => {
      const reasons = notCached.map(({ why, count }) => `${harmless(why)} (${count})`);
      return `not cached of ${task}: ${reasons.join(", ")}`;
    }),
    ...(seconds && costUsd && toRun > 0 ? [`expected: ${time(seconds)}, ${money(costUsd)}`] : []),
    ...(unmeasured.length > 0 ? [`never measured, so ${unknownOf(groups)} not known: ${unmeasured.join(", ")}`] : []),
    ...infeasible.map(({ task, reason }) => `cannot run ${harmless(task)}: ${harmless(reason)}`),
  ].join("\n");
}

/** What cannot be told before a task type has run once. */
const unknownOf = (groups: ToldPlan["groups"]) =>
  groups.every(({ costUsd }) => costUsd) ? "the time is" : "time and cost are";

const seconds = (value: number) => duration(value * 1000);
const time = ({ low, expected, high }: Range) => `${seconds(expected)} (${seconds(low)} to ${seconds(high)})`;
const money = ({ low, expected, high }: Range) =>
  high === 0 ? "$0" : `${dollars(expected)} (${dollars(low)} to ${dollars(high)})`;
