import { Command, InvalidArgumentError, Option } from "commander";
import { dollars, duration, harmless } from "../../sdk/progress/text.ts";
import { findRun, findRuns, RUN_STATUSES, type RunInfo, type RunsOptions } from "../../sdk/runs.ts";
import { deleteAllChildFailures } from "../../sdk/stores/child-failures.ts";
import { deleteChronicle } from "../../sdk/stores/chronicle.ts";
import { deleteRun, requestCancel } from "../../sdk/stores/runs.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { moment, print } from "../print.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";
import { table } from "../table.ts";
import { attach } from "./runs-attach.ts";
import { showResults } from "./runs-results.ts";
import { showRun } from "./runs-show.ts";

const DEFAULT_LIMIT = 50;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `stratolab runs …`: what runs and what ran, in whichever process. */
export function runsCommand(): Command {
  const command = new Command("runs")
    .description("Lists the runs of the last thirty days, newest first, and looks after them.")
    .enablePositionalOptions()
    .addOption(new Option("--status <status>", "only runs that stand so").choices(RUN_STATUSES))
    .option("--tag <tag>", "only runs with this tag")
    .option("--name <name>", "only runs of this name")
    .option("--since <when>", "only runs that began since: 30m, 2h, 7d ago, or a date", parseSince)
    .option("--limit <n>", "at most this many", parseLimit, DEFAULT_LIMIT)
    .addCommand(oneRun("show", "Shows how a run stands, what failed, its tasks by type, and where they ran.", show))
    .addCommand(oneRun("results", "Shows the results of the tasks that a run was asked for.", showResults))
    .addCommand(attachCommand())
    .addCommand(cancelCommand())
    .addCommand(oneRun("delete", "Forgets a run that is over, and its log. The results of its tasks stay.", forget));
  return withNamespaceOptions(command).action(
    ({ storage: _s, runner: _r, stack: _k, json, namespace, ...filters }: NamespaceOptions & RunsOptions) =>
      usingStores(command.opts(), async (stores) => {
        print(json, await findRuns(stores.table, namespace, filters), describeRuns);
      }),
  );
}

/** `stratolab cancel <run>`, also below `runs`. */
export const cancelCommand = (): Command =>
  oneRun("cancel", "Ends a run before its time, wherever its driver is.", cancel);

type Act = (stores: Stores, run: RunInfo, options: NamespaceOptions) => Promise<void>;

const RUN_ARGUMENT = ["<run>", "id or name; of several of one name the newest"] as const;

/** A command about one run. */
const oneRun = (name: string, description: string, act: Act): Command =>
  withNamespaceOptions(new Command(name).description(description).argument(...RUN_ARGUMENT)).action(
    (idOrName: string, options: NamespaceOptions) =>
      usingStores(options, async (stores) => {
        await act(stores, await findRun(stores.table, options.namespace, idOrName), options);
      }),
  );

const attachCommand = (): Command =>
  withNamespaceOptions(
    new Command("attach")
      .description("Follows a run with its progress, until it is over. Ctrl-C leaves it running.")
      .argument(...RUN_ARGUMENT)
      .option("--drive", "go on with it here where its driver is gone"),
  ).action(attach);

const show: Act = (stores, run, options) => showRun(stores, run, options, describeRun);

async function cancel({ table: control }: Stores, run: RunInfo, { json }: NamespaceOptions): Promise<void> {
  if (run.status !== "running") {
    const why = run.status === "interrupted" ? "its driver is gone" : `it has ended (${run.status})`;
    throw new LabError("run-over", `run ${run.id} cannot be cancelled: ${why}`);
  }
  await requestCancel(control, run.namespace, run.id);
  const { host, pid } = run.driver;
  print(json, { id: run.id, cancelRequested: true }, () => `run ${run.id} is told to end (${host}, process ${pid})`);
}

async function forget(stores: Stores, run: RunInfo, { json }: NamespaceOptions): Promise<void> {
  if (run.status === "running") {
    throw new LabError("run-active", `run ${run.id} still runs: "stratolab runs cancel ${run.id}" ends it`);
  }
  await deleteChronicle(stores, run.namespace, run.id);
  await deleteAllChildFailures(stores, run.namespace, run.id);
  await deleteRun(stores.table, run.namespace, run.id);
  print(json, { id: run.id, deleted: true }, () => `run ${run.id} is forgotten`);
}

/** How long a run took, or has been going on; nobody knows when an interrupted one stopped. */
function took({ status, startedAt, endedAt }: RunInfo): string {
  if (status === "interrupted") return "";
  return duration(Math.max(0, (endedAt ?? Date.now()) - startedAt));
}

function describeRuns(runs: readonly RunInfo[]): string {
  const rows = runs.map((run) => [
    run.id,
    run.name ?? "",
    run.tags.join(","),
    run.status,
    moment(run.startedAt),
    took(run),
    `${run.counts.cached + run.counts.done}/${run.counts.total}`,
    String(run.counts.failed),
  ]);
  return table(["RUN", "NAME", "TAGS", "STATUS", "BEGAN", "TOOK", "DONE", "FAILED"], rows);
}

function describeRun(run: RunInfo): string {
  const { cached, done, failed, cancelled, running, pending, total } = run.counts;
  const lines: readonly (readonly [what: string, is: string])[] = [
    ["run", run.id],
    ["name", run.name ?? ""],
    ["tags", run.tags.join(", ")],
    ["status", run.status],
    ["runner", run.runner],
    ["driver", `${harmless(run.driver.host)}, process ${run.driver.pid}`],
    ["began", moment(run.startedAt)],
    ["ended", run.endedAt === undefined ? "" : `${moment(run.endedAt)}, after ${took(run)}`],
    ["tasks", `${total}: ${done} done, ${cached} cached, ${running} running, ${pending} pending`],
    ["", `${failed} failed, ${cancelled} cancelled`],
    ["cost", dollars(run.costUsd)],
    ["held", run.heldMs === undefined ? "" : `${duration(run.heldMs)}: ready, but beyond what AWS takes at a time`],
    ["refused", describeRefused(run.refused)],
  ];
  const head = lines.filter(([, is]) => is !== "").map(([what, is]) => `${what.padEnd(8)}${is}`);
  const failures = run.failures.map(({ message }) => `  ${harmless(message).replaceAll("\n", "\n    ")}`);
  return [...head, ...(failures.length > 0 ? ["", "first failures:", ...failures] : [])].join("\n");
}

/** What services have refused, and then taken. */
function describeRefused({
  reads,
  writes,
  puts,
  gets,
  invocations,
  launches,
}: NonNullable<RunInfo["refused"]> = {}): string {
  const counted = (count = 0, one: string, several = `${one}s`) =>
    count > 0 ? [`${count} ${count === 1 ? one : several}`] : [];
  const services: readonly (readonly [service: string, what: readonly string[]])[] = [
    ["DynamoDB", [...counted(reads, "read"), ...counted(writes, "write")]],
    ["S3", [...counted(puts, "PUT"), ...counted(gets, "GET")]],
    ["Lambda", counted(invocations, "invocation")],
    ["ECS", counted(launches, "launch", "launches")],
  ];
  const refused = services.flatMap(([service, what]) =>
    what.length > 0 ? [`${what.join(" and ")} by ${service}`] : [],
  );
  return refused.length > 0 ? `${refused.join(", ")}; made again` : "";
}

function parseSince(text: string): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const since = unit === undefined ? Date.parse(text) : Date.now() - Number(count) * UNIT_MS[unit];
  if (Number.isFinite(since)) return since;
  throw new InvalidArgumentError("it is a time such as 30m, 2h or 7d, or a date such as 2026-11-21.");
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new InvalidArgumentError("it is a whole number, at least 1.");
}
