import { inspect } from "node:util";
import { Command } from "commander";
import { deleteMeant } from "../../sdk/cache.ts";
import { type CachedTasksOptions, isMeant, isMeantName } from "../../sdk/cache-filter.ts";
import { duration, harmless } from "../../sdk/progress/text.ts";
import type { ResultRecord, ResultType } from "../../sdk/stores/result-items.ts";
import { listResults } from "../../sdk/stores/result-search.ts";
import { distinctResults } from "../../sdk/stores/results.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { loadValue } from "../../sdk/stores/values.ts";
import { shownClasses } from "../../sdk/wire/codec/classes.ts";
import { LabError } from "../../sdk/wire/lab-error.ts";
import { madeObjectReferences, resolvedTasks } from "../../sdk/wire/references.ts";
import { slotBytes } from "../../sdk/wire/slot.ts";
import { parseAge } from "../age.ts";
import { type NamespaceOptions, usingStores, withNamespaceOptions } from "../store-options.ts";
import { size, table } from "../table.ts";
import { listRunTasks } from "./run-tasks.ts";

/** `stratolab tasks [name]`: the tasks whose results are stored, or those of a run. */
export function tasksCommand(): Command {
  const command = new Command("tasks")
    .description(
      "Lists the tasks whose results are stored, oldest first, or deletes those results; or the tasks of a run.",
    )
    .argument("[name]", "only tasks of this name")
    .option("--run <run>", "the tasks of this run, by id or name, and below each those that it has run")
    .option("--older-than <age>", "only results that are older, such as 30d", parseAge)
    .option("--delete", "delete what would be listed; needs a name or --older-than");
  return withNamespaceOptions(command).action((name: string | undefined, options: TasksOptions) =>
    usingStores(options, (stores) => {
      if (options.run === undefined)
        return options.delete ? remove(stores, name, options) : list(stores, name, options);
      refuseWithRun(options);
      return listRunTasks(stores, name, options.run, options);
    }),
  );
}

interface TasksOptions extends NamespaceOptions {
  readonly run?: string;
  readonly olderThan?: number;
  readonly delete?: true;
}

/** The tasks of a run are no stored results: they have no age, and are deleted with their run. */
function refuseWithRun(options: TasksOptions): void {
  for (const [option, name] of [
    ["olderThan", "--older-than"],
    ["delete", "--delete"],
  ] as const) {
    if (options[option] !== undefined) throw new LabError("usage", `${name} is for stored results, not for --run`);
  }
}

const filterOf = (name: string | undefined, olderThan: number | undefined): CachedTasksOptions => ({
  ...(name === undefined ? {} : { type: name }),
  ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
});

async function remove(stores: Stores, name: string | undefined, options: TasksOptions): Promise<void> {
  const { namespace, json, olderThan } = options;
  if (name === undefined && olderThan === undefined) {
    throw new LabError("usage", "--delete needs the name of a task, or --older-than");
  }
  const { length: deleted } = await deleteMeant(stores, namespace, filterOf(name, olderThan));
  process.stdout.write(
    json ? `${JSON.stringify({ deleted })}\n` : `deleted ${deleted} result${deleted === 1 ? "" : "s"}\n`,
  );
}

async function list(stores: Stores, name: string | undefined, options: TasksOptions): Promise<void> {
  const { namespace, json, olderThan } = options;
  const filter = filterOf(name, olderThan);
  const records: ResultRecord[] = [];
  let isKnown = name === undefined;
  const isOfType = (type: ResultType) => isMeantName(type.name, filter);
  for await (const record of listResults(stores.table, namespace, isOfType)) {
    isKnown = true;
    if (isMeant(record, filter)) records.push(record);
  }
  if (!isKnown) {
    const known = (await storedNames(stores, namespace)).join(", ") || "none";
    throw new LabError(
      "unknown-task",
      `no results of a task ${JSON.stringify(name)} are stored; there are some of: ${known}`,
    );
  }
  const distinct = distinctResults(records).sort((a, b) => a.endedAt - b.endedAt);
  const shown = await Promise.all(
    distinct.map(async (record) => ({
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

/** Names of the tasks of a namespace that have stored results. */
async function storedNames({ table }: Stores, namespace: string): Promise<string[]> {
  const names = new Set<string>();
  for await (const { name } of listResults(table, namespace)) names.add(name);
  return [...names].sort();
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
