import { readFile } from "node:fs/promises";
import { text as readText } from "node:stream/consumers";
import { Command, InvalidArgumentError, Option } from "commander";
import { connectLocalAws, DEFAULT_ENDPOINT } from "../../localstack/faults/control.ts";
import type { FaultState } from "../../localstack/faults/engine.ts";
import type { FaultPlan } from "../../localstack/faults/rules.ts";
import type { Counts } from "../../localstack/proxy/counts.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { table } from "../table.ts";

interface FaultOptions {
  readonly endpoint: string;
  readonly json?: true;
}

interface SetOptions extends FaultOptions {
  readonly rule?: readonly object[];
  readonly seed?: number;
}

const EXAMPLES = `
A rule is JSON, or the fault and its fields:
  stratolab localstack faults set --seed 7 \\
    --rule "throttle operation=lambda:Invoke rate=0.05" \\
    --rule "spot-interruption nth=[2,5] afterMs=500 noticeMs=2000"
A file holds the same: {"seed": 7, "rules": [{"fault": "lost-answer", "rate": 0.02}], "limits": {"concurrentInvocations": 10}}
All faults and their fields are in localstack/faults/rules.ts and docs/local-aws.md.`;

/** `stratolab localstack faults …`: makes the local AWS that runs misbehave on script. */
export function localstackCommand(): Command {
  const faults = new Command("faults")
    .description("Faults of the local AWS: throttles, lost answers, Spot interruptions and the like.")
    .addCommand(setCommand())
    .addCommand(
      withFaultOptions("list", "Shows the rules in use and what each has hit.").action(async (options: FaultOptions) =>
        print(options, await connectLocalAws(options.endpoint).faults.list(), describeFaults),
      ),
    )
    .addCommand(
      withFaultOptions("clear", "From now on nothing goes wrong.").action(async (options: FaultOptions) => {
        const { faults } = connectLocalAws(options.endpoint);
        await faults.clear();
        print(options, await faults.list(), describeFaults);
      }),
    )
    .addCommand(
      withFaultOptions("counts", "Shows how many requests there were, by operation and by task.")
        .option("--reset", "begin again at 0 after that")
        .action(async (options: FaultOptions & { reset?: true }) => {
          const localAws = connectLocalAws(options.endpoint);
          print(options, await localAws.counts(), describeCounts);
          if (options.reset) await localAws.resetCounts();
        }),
    );
  return new Command("localstack")
    .description('What is to do with the local AWS that "npm run localstack" started.')
    .addCommand(faults);
}

function setCommand(): Command {
  return withFaultOptions("set", "Replaces what is to go wrong. Nothing changes where a rule means nothing.")
    .argument("[file]", "JSON file with the rules, - for standard input")
    .option("--rule <rule>", "one more rule", collectRule)
    .option("--seed <n>", "the same seed gives the same faults (default: a random one, which is told)", parseSeed)
    .addHelpText("after", EXAMPLES)
    .action(async (file: string | undefined, { rule, seed, ...options }: SetOptions) => {
      const plan: FaultPlan = file === undefined ? {} : await readPlan(file);
      if (file === undefined && rule === undefined) {
        throw new LabError("no-rules", "nothing to set: give a file or --rule (see --help), or use clear");
      }
      const { faults } = connectLocalAws(options.endpoint);
      // Whether the rules mean anything is for the local AWS to say: it may be of another version.
      const rules = [...(plan.rules ?? []), ...(rule ?? [])] as NonNullable<FaultPlan["rules"]>;
      await faults.set({ ...plan, rules, ...(seed !== undefined && { seed }) });
      print(options, await faults.list(), describeFaults);
    });
}

const withFaultOptions = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(
      new Option("--endpoint <url>", "address of the local AWS").env("AWS_ENDPOINT_URL").default(DEFAULT_ENDPOINT),
    )
    .option("--json", "print JSON instead of a table");

function parseSeed(text: string): number {
  const seed = Number(text);
  if (text.trim() !== "" && Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff) return seed;
  throw new InvalidArgumentError("a seed is a whole number from 0 to 4294967295.");
}

/** A rule as JSON, or as `throttle rate=0.05 operation=lambda:Invoke`. */
function collectRule(text: string, before: readonly object[] = []): readonly object[] {
  if (text.trim().startsWith("{")) {
    try {
      return [...before, JSON.parse(text)];
    } catch (error) {
      throw new InvalidArgumentError(`${(error as Error).message}.`);
    }
  }
  const [fault, ...fields] = text.trim().split(/\s+/);
  const entries = fields.map((field) => {
    const [name = "", ...value] = field.split("=");
    if (value.length === 0) {
      throw new InvalidArgumentError(`${JSON.stringify(field)} has no "="; write name=value, or the rule as JSON.`);
    }
    return [name, asValue(value.join("="))];
  });
  return [...before, { fault, ...Object.fromEntries(entries) }];
}

/** `0.05`, `true` and `[1,3]` are what they look like; everything else is text. */
function asValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readPlan(file: string): Promise<FaultPlan> {
  const content = await (file === "-" ? readText(process.stdin) : readFile(file, "utf8")).catch((error: Error) => {
    throw new LabError("no-file", `cannot read the faults: ${error.message}`);
  });
  try {
    return JSON.parse(content) as FaultPlan;
  } catch (error) {
    throw new LabError("no-json", `${file} is not JSON: ${(error as Error).message}`);
  }
}

function print<T>({ json }: FaultOptions, value: T, describe: (value: T) => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : describe(value)}\n`);
}

function describeFaults({ seed, rules, limits }: FaultState): string {
  const lines = Object.entries(limits).map(([name, value]) => `limit ${name} ${value}`);
  if (rules.length === 0) return [...lines, "no faults are set"].join("\n");
  const rows = rules.map(({ id, rule: { id: _, ...rule }, matched, hits }) => [
    id,
    Object.entries(rule)
      .map(([name, value]) => (name === "fault" ? value : `${name}=${JSON.stringify(value)}`))
      .join(" "),
    String(matched),
    String(hits),
  ]);
  return [`seed ${seed}`, ...lines, table(["RULE", "FAULT", "MATCHED", "HIT"], rows)].join("\n");
}

function describeCounts({ requests, operations, tasks }: Counts): string {
  if (requests === 0) return "no requests yet";
  const rows = Object.entries(operations).map(([operation, count]) => [
    operation,
    String(count.requests),
    String(count.fromExecutors),
    String(count.delivered),
    String(count.failed),
    Object.entries(count.faults)
      .map(([fault, times]) => `${times} ${fault}`)
      .join(", "),
  ]);
  const parts = [table(["OPERATION", "REQUESTS", "OF EXECUTORS", "DELIVERED", "FAILED", "FAULTS"], rows)];
  const byTask = Object.entries(tasks).map(([task, counts]) => [
    task,
    Object.entries(counts)
      .map(([operation, times]) => `${times} ${operation}`)
      .join(", "),
  ]);
  if (byTask.length > 0) parts.push(table(["TASK", "REQUESTS"], byTask));
  return parts.join("\n\n");
}
