import { Command } from "commander";
import { type ExplainedAttempt, explainInRun, type TaskExplanation } from "../../sdk/history/explain.ts";
import { findTask, firstFailed } from "../../sdk/history/find-tasks.ts";
import { readHistory } from "../../sdk/history/run-history.ts";
import { harmless, oneLine } from "../../sdk/progress/text.ts";
import { askedRun } from "../asked-run.ts";
import { moment, precise, print } from "../print.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";
import { size } from "../table.ts";

interface ExplainOptions extends NamespaceOptions {
  readonly run?: string;
}

/** `stratolab explain [task]`: why a task of a run went as it did. */
export function explainCommand(): Command {
  const command = new Command("explain")
    .description(
      "Tells why a task went as it did: where and why there, attempts, cache, what it waited for, its error.",
    )
    .argument(
      "[task]",
      "its name if there is one of that name, its number in the run, or a part of its text (default the first that failed)",
    )
    .option("--run <run>", "in which run, by id or name (default the latest)");
  return withNamespaceOptions(command).action((task: string | undefined, { json, run, ...options }: ExplainOptions) =>
    usingStores(options, async (stores) => {
      const { id } = await askedRun(stores, options.namespace, run);
      const history = await readHistory(stores, options.namespace, id);
      const position = task === undefined ? firstFailed(history) : findTask(history.plan, task);
      print(json, await explainInRun(stores, history, position), describe);
    }),
  );
}

/** Lines below a heading that stands before the first of them. */
const section = (heading: string, lines: readonly string[]): string[] =>
  lines.map(
    (line, index) => `${(index === 0 ? heading : "").padEnd(11)}${line.replaceAll("\n", `\n${" ".repeat(11)}`)}`,
  );

function describe(explanation: TaskExplanation): string {
  const { task, run, status, placement, demand, attempts, cache, version, key, waitedFor, log, error } = explanation;
  const { ranBy, runs } = explanation;
  const asked = Object.entries(demand)
    .filter(([name, value]) => !(name === "resources" && Object.keys(value as object).length === 0) && value !== 0)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [
    ...section("task", [oneLine(task)]),
    ...section("", [`key ${key.slice(0, 16)}, code ${version.slice(0, 16)}`]),
    ...(run
      ? section("run", [`${run.id}${run.name === undefined ? "" : ` (${run.name})`}, number ${run.position}`])
      : []),
    ...section("status", [status]),
    ...section("asked for", [asked.join(", ")]),
    ...(placement ? section("went to", [harmless(`${placement.lane}: ${placement.reason}`)]) : []),
    ...section("cache", [harmless(cache.why), ...describeNearest(cache)]),
    ...section("waited for", waitedFor.map(describeDependency)),
    ...section("run by", ranBy ? [describeRelated(ranBy)] : []),
    ...section("runs", runs.map(describeRelated)),
    ...section("attempts", attempts.map(describeAttempt)),
    ...section("time", describeTime(explanation)),
    ...section("error", error ? [error.message, ...(error.stack ?? "").split("\n").filter(Boolean)].map(harmless) : []),
    ...section(
      "log",
      log.map(({ at, attempt, level, text }) => `${moment(at)} [${attempt}] ${level}: ${harmless(text)}`),
    ),
  ].join("\n");
}

function describeNearest({ nearest, changes }: TaskExplanation["cache"]): string[] {
  if (!nearest) return [];
  const { params, runId, endedAt } = nearest;
  return [
    `nearest: ${oneLine(params)}, made in run ${runId} at ${moment(endedAt)}`,
    ...changes.map(({ text }) => `  ${oneLine(text)}`),
  ];
}

const describeRelated = ({ position, task, status }: TaskExplanation["runs"][number]): string =>
  `#${position} ${oneLine(task)}: ${status}`;

function describeDependency({
  position,
  task,
  status,
  settledAt,
  wasLast,
}: TaskExplanation["waitedFor"][number]): string {
  const when = settledAt === undefined ? "" : ` at ${moment(settledAt)}`;
  return `#${position} ${oneLine(task)}: ${status}${when}${wasLast ? ", the last one" : ""}`;
}

function describeAttempt(attempt: ExplainedAttempt): string {
  const { kind = "running", lane, executor, memoryMb, peakMemoryMb, seen, decided, startedAt, endedAt } = attempt;
  const took = startedAt === undefined || endedAt === undefined ? "" : `, ${precise(Math.max(0, endedAt - startedAt))}`;
  const memory = peakMemoryMb ? `, ${peakMemoryMb}${memoryMb === undefined ? "" : ` of ${memoryMb}`} MB` : "";
  const where = `${lane}${executor === "" ? "" : ` (${executor})`}`;
  const what = [`${attempt.attempt}: ${kind} on ${where}${took}${memory}`];
  if (attempt.usage) what.push(describeUsage(attempt, attempt.usage));
  if (seen !== undefined && kind !== "ok") what.push(`seen: ${seen}`);
  if (decided !== undefined && kind !== "ok") what.push(`decided: ${decided}`);
  return harmless(what.map((line) => line.replaceAll("\n", "\n   ")).join("\n   "));
}

/** Where the time of an attempt went, and what it used beside memory. */
function describeUsage(
  { readyAt, dispatchedAt = readyAt, startedAt = dispatchedAt }: ExplainedAttempt,
  { loadMs, runMs, storeMs, cpuMs, bytesIn, bytesOut }: NonNullable<ExplainedAttempt["usage"]>,
): string {
  const stages: readonly (readonly [stage: string, ms: number])[] = [
    ["queued", dispatchedAt - readyAt],
    ["starting", startedAt - dispatchedAt],
    ["loading", loadMs],
    ["running", runMs],
    ["storing", storeMs],
  ];
  const times = stages.map(([stage, ms]) => `${stage} ${precise(Math.max(0, ms))}`);
  return `${times.join(", ")}; CPU ${precise(cpuMs)}; ${size(bytesIn)} in, ${size(bytesOut)} out`;
}

function describeTime({ time }: TaskExplanation): string[] {
  const parts: readonly (readonly [what: string, ms: number])[] = [
    ["in the queue", time.queueMs],
    ["starting", time.startMs],
    ["loading inputs", time.loadMs],
    ["running", time.runMs],
    ["storing", time.storeMs],
    ["in failed attempts", time.failedMs],
    ["between attempts", time.betweenMs],
  ];
  const spent = parts.filter(([, ms]) => ms > 0).map(([what, ms]) => `${precise(ms)} ${what}`);
  return spent.length === 0 ? [] : [spent.join(", ")];
}
