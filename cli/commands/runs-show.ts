import { readHistory, readRecorded } from "../../sdk/history/run-history.ts";
import { type RunSummary, summarise, type TypeSummary } from "../../sdk/history/summary.ts";
import type { RunInfo } from "../../sdk/runs.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { print } from "../print.ts";
import type { NamespaceOptions } from "../store-options.ts";
import { table } from "../table.ts";
import { describeLanes } from "./summary.ts";

/** `stratolab runs show <run>`: how it stands, what failed, its tasks by type, and where they ran. */
export async function showRun(
  stores: Stores,
  run: RunInfo,
  { json }: NamespaceOptions,
  describeRun: (run: RunInfo) => string,
): Promise<void> {
  // Of a run that has just begun, or ended before that was written, no more is known than its record says.
  const isRecorded = (await readRecorded(stores, run)) !== undefined;
  const { elapsedMs, types }: Partial<RunSummary> = isRecorded
    ? summarise(await readHistory(stores, run.namespace, run.id))
    : {};
  print(json, { ...run, ...(types ? { elapsedMs, types } : {}) }, () =>
    [describeRun(run), ...(types && types.length > 0 ? [describeTypes(types), describeLanes(types)] : [])].join("\n\n"),
  );
}

function describeTypes(types: readonly TypeSummary[]): string {
  const rows = types.map(({ name, total, done, cached, running, pending, failed, cancelled }) => [
    name,
    ...[total, done, cached, running, pending, failed, cancelled].map(String),
  ]);
  return table(["TASK", "TOTAL", "DONE", "CACHED", "RUNNING", "PENDING", "FAILED", "CANCELLED"], rows);
}
