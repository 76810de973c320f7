import { Command } from "commander";
import { readHistory } from "../../sdk/history/run-history.ts";
import { type RunSummary, summarise, type TimedTask, type TypeSummary } from "../../sdk/history/summary.ts";
import { oneLine } from "../../sdk/progress/text.ts";
import { ASKED_RUN, askedRun } from "../asked-run.ts";
import { precise, print } from "../print.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";
import { size, table } from "../table.ts";

/** Tasks of the critical path that are listed. */
const LISTED = 20;

/** `stratolab summary [run]`: where a run's time, memory and attempts went. */
export function summaryCommand(): Command {
  const command = new Command("summary")
    .description(
      "Sums a run up by task type: results, attempts, times, memory, bytes; its slowest tasks, its critical path.",
    )
    .argument(...ASKED_RUN);
  return withNamespaceOptions(command).action((asked: string | undefined, { json, ...options }: NamespaceOptions) =>
    usingStores(options, async (stores) => {
      const { id } = await askedRun(stores, options.namespace, asked);
      print(json, summarise(await readHistory(stores, options.namespace, id)), describe);
    }),
  );
}

function describe({ run, elapsedMs, types, slowest, criticalPath }: RunSummary): string {
  const { id, name, status, runner } = run;
  const head = `run ${id}${name === undefined ? "" : ` (${name})`} on ${oneLine(runner)}: ${status}, ${precise(elapsedMs)}`;
  const path = criticalPath.tasks;
  const rest = path.length > LISTED ? `\n  and ${path.length - LISTED} more` : "";
  return [
    head,
    table(["TASK", "TOTAL", "DONE", "CACHED", "FAILED", "NOT RUN", "RETRIED", "ATTEMPTS"], types.map(countsRow)),
    describeCosts(types),
    describeTimes(types),
    describeLanes(types),
    ...(slowest.length > 0 ? [`slowest tasks:\n${listed(slowest)}`] : []),
    ...(path.length > 0
      ? [`critical path, ${precise(criticalPath.durationMs)}:\n${listed(path.slice(0, LISTED))}${rest}`]
      : []),
  ].join("\n\n");
}

/** Tasks by type, and what became of them. */
function countsRow({ name, total, done, cached, failed, cancelled, retried, attempts }: TypeSummary): string[] {
  return [name, ...[total, done, cached, failed, cancelled, retried, attempts].map(String)];
}

function describeCosts(types: readonly TypeSummary[]): string {
  const isCostKnown = types.some(({ costUsd }) => costUsd !== undefined);
  const headings = ["TASK", "TIME", "MEDIAN", "P95", "QUEUED MEDIAN", "P95", "CPU", "MEMORY", "IN", "OUT", "EXECUTORS"];
  const rows = types.map(
    ({ name, duration: took, queue, peakMemoryMb, bytesIn, bytesOut, executors, costUsd, cpuMs }) => [
      name,
      precise(took.totalMs),
      precise(took.medianMs),
      precise(took.p95Ms),
      precise(queue.medianMs),
      precise(queue.p95Ms),
      precise(cpuMs),
      peakMemoryMb === 0 ? "" : `${peakMemoryMb} MB`,
      size(bytesIn),
      size(bytesOut),
      String(executors),
      ...(isCostKnown ? [costUsd === undefined ? "" : `$${Number(costUsd.toPrecision(3))}`] : []),
    ],
  );
  return table([...headings, ...(isCostKnown ? ["COST"] : [])], rows);
}

/** Where the time of each type's tasks went. */
function describeTimes(types: readonly TypeSummary[]): string {
  const headings = ["TASK", "QUEUED", "STARTING", "LOADING", "RUNNING", "STORING", "FAILED", "BETWEEN"];
  const rows = types.map(({ name, spent: { queueMs, startMs, loadMs, runMs, storeMs, failedMs, betweenMs } }) => [
    name,
    ...[queueMs, startMs, loadMs, runMs, storeMs, failedMs, betweenMs].map(precise),
  ]);
  return table(headings, rows);
}

/** Where attempts of each type ran. */
export function describeLanes(types: readonly TypeSummary[]): string {
  const rows = types.flatMap(({ name, lanes }) =>
    Object.entries(lanes)
      .sort(([, a], [, b]) => b - a)
      .map(([lane, attempts]) => [name, oneLine(lane), String(attempts)]),
  );
  return rows.length === 0 ? "nothing was executed" : table(["TASK", "WHERE", "ATTEMPTS"], rows);
}

const listed = (tasks: readonly TimedTask[]) =>
  tasks
    .map(({ position, task, durationMs, attempts }) => {
      const often = attempts > 1 ? `, ${attempts} attempts` : "";
      return `  ${precise(durationMs).padStart(10)}  #${position} ${oneLine(task)}${often}`;
    })
    .join("\n");
