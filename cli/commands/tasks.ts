import { inspect } from "node:util";
import { Command } from "commander";
import { duration, harmless } from "../../sdk/progress/text.ts";
import { listResults, type ResultRecord } from "../../sdk/stores/results.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { loadValue } from "../../sdk/stores/values.ts";
import { shownClasses } from "../../sdk/wire/codec/classes.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { madeObjectReferences, resolvedTasks } from "../../sdk/wire/references.ts";
import { slotBytes } from "../../sdk/wire/slot.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";
import { size, table } from "../table.ts";
import { listRunTasks } from "./run-tasks.ts";

interface TasksOptions extends NamespaceOptions {
  readonly run?: string;
}

/** `stratolab tasks [name]`: the tasks whose results are stored, or those of a run. */
export function tasksCommand(): Command {
  const command = new Command("tasks")
    .description("Lists the tasks whose results are stored, oldest first, or the tasks of a run.")
    .argument("[name]", "only tasks of this name")
    .option("--run <run>", "the tasks of this run, by id or name, and below each those that it has run");
  return withNamespaceOptions(command).action((name: string | undefined, options: TasksOptions) =>
    usingStores(options, (stores) =>
      options.run === undefined ? list(stores, name, options) : listRunTasks(stores, name, options.run, options),
    ),
  );
}

async function list(stores: Stores, name: string | undefined, { namespace, json }: NamespaceOptions): Promise<void> {
  const records: ResultRecord[] = [];
  const names = new Set<string>();
  for await (const record of listResults(stores.table, namespace)) {
    names.add(record.name);
    if (name === undefined || record.name === name) records.push(record);
  }
  if (name !== undefined && !names.has(name)) {
    const known = [...names].sort().join(", ") || "none";
    throw new LabError(
      "unknown-task",
      `no results of a task ${JSON.stringify(name)} are stored; there are some of: ${known}`,
    );
  }
  records.sort((a, b) => a.endedAt - b.endedAt);
  const shown = await Promise.all(
    records.map(async (record) => ({
      name: record.name,
      params: await describeParams(stores, record),
      key: record.key,
      version: record.version,
      endedAt: new Date(record.endedAt).toISOString(),
      durationMs: record.durationMs,
      peakMemoryMb: record.peakMemoryMb,
      bytes: slotBytes(record.value),
    })),
  );
  if (json) {
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return;
  }
  const rows = shown.map((each) => [
    each.name,
    each.params,
    each.endedAt.slice(0, 19).replace("T", " "),
    duration(each.durationMs),
    `${each.peakMemoryMb} MB`,
    size(each.bytes),
  ]);
  process.stdout.write(`${table(["TASK", "PARAMS", "ENDED", "TOOK", "MEMORY", "RESULT"], rows)}\n`);
}

/** Params in a line; the tasks in them by their names. */
async function describeParams({ objects }: Stores, { params }: ResultRecord): Promise<string> {
  const named = (what: string) => ({ [inspect.custom]: () => what });
  try {
    const value = await loadValue(objects, params, [
      resolvedTasks((_key, name) => named(`${name}(…)`)),
      madeObjectReferences(() => named("ObjectRef")),
      shownClasses((name) => named(`${name} {…}`)),
    ]);
    if (value === undefined) return "";
    const text = inspect(value, {
      depth: 2,
      breakLength: Number.POSITIVE_INFINITY,
      maxArrayLength: 3,
      maxStringLength: 40,
    });
    return harmless(text.length > 60 ? `${text.slice(0, 59)}…` : text);
  } catch {
    return "(lost)";
  }
}
