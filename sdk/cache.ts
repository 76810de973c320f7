import { type CachedTasksOptions, isMeant, isMeantName } from "./cache-filter.ts";
import { outdatedBy } from "./core/keeping.ts";
import { resultsOf } from "./driver/look-up.ts";
import type { RebuiltTask } from "./driver/remaking.ts";
import { taskByKey } from "./known-key.ts";
import { type LabPlan, planTasks } from "./planning.ts";
import type { ControlTable } from "./stores/control-table.ts";
import { noteDeleted } from "./stores/deleted-results.ts";
import type { ResultName, ResultRecord, ResultType } from "./stores/result-items.ts";
import { findResults, listResults, ResultSearch } from "./stores/result-search.ts";
import { deleteResults, distinctResults, readCounting, readResults } from "./stores/results.ts";
import type { Stores } from "./stores/stores.ts";
import { loadStored, loadValue } from "./stores/values.ts";
import { definitionNamed, isImported, Task, TaskReturn } from "./task.ts";
import { currentVersion, type PlanningContext } from "./task-version.ts";
import { keepMsOf } from "./wire/cache-options.ts";
import { DEFINITION } from "./wire/definition.ts";
import { LabError } from "./wire/lab-error.ts";
import { ObjectLostError } from "./wire/object-lost-error.ts";
import { ObjectRef } from "./wire/object-ref.ts";
import { madeObjectReferences, resolvedTasks } from "./wire/references.ts";
import { StoredReturns } from "./wire/returns.ts";
import { type Slot, slotBytes } from "./wire/slot.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

const targetNames = (plan: LabPlan, namespace: string): ResultName[] => {
  const results = resultsOf(plan, namespace);
  return plan.targets.map((target) => results[target]);
};

/** Whether a stored result counts for a run that begins now. */
const counts = (record: ResultRecord, keepMs: number | undefined) =>
  outdatedBy(record, keepMs, { runId: undefined, now: Date.now() }) === undefined;

/** Whether every task asked for has a stored result. */
export async function isCached(table: ControlTable, plan: LabPlan, namespace: string): Promise<boolean> {
  const results = resultsOf(plan, namespace);
  // Where results lie in packs, what they were computed from may decide whether they count.
  const records = table.packs
    ? await readCounting(table, results).then((all) => plan.targets.map((target) => all[target]))
    : await readResults(table, targetNames(plan, namespace));
  return records.every((record, index) => record && counts(record, plan.tasks[plan.targets[index]].keepMs));
}

/**
 * Deletes the results of the tasks asked for.
 *
 * @returns Their keys.
 */
export async function deleteCached(stores: Stores, plan: LabPlan, namespace: string): Promise<readonly string[]> {
  const names = targetNames(plan, namespace);
  const records = await readResults(stores.table, names);
  await deleteRecords(
    stores,
    records.filter((record) => record !== undefined),
  );
  return names.map(({ key }) => key);
}

/**
 * Deletes the results of a namespace that a filter means, those of other code too.
 *
 * @returns Their keys.
 */
export async function deleteMeant(
  stores: Stores,
  namespace: string,
  filter: CachedTasksOptions,
): Promise<readonly string[]> {
  const records: ResultRecord[] = [];
  const isOfType = ({ name }: ResultType) => isMeantName(name, filter);
  for await (const record of listResults(stores.table, namespace, isOfType)) {
    if (isMeant(record, filter)) records.push(record);
  }
  await deleteRecords(stores, records);
  return [...new Set(records.map(({ key }) => key))];
}

/** First what points at the objects, then the objects. */
async function deleteRecords({ table, objects }: Stores, records: readonly ResultRecord[]): Promise<void> {
  await noteDeleted(table, [...new Set(records.map(({ key }) => key))], "uncache");
  await deleteResults(table, records);
  const slots = await Promise.all(records.map((record) => slotsOf(objects, record)));
  await objects.deleteMany(slots.flat().flatMap((slot) => ("object" in slot ? [slot.object] : [])));
}

/** What says where several returns lie is not larger, in bytes: larger values are not loaded to find that out. */
const MAX_RETURNS_BYTES = 64 * 1024;

/** Where a result lies; of several returns each, as far as that can still be read. */
async function slotsOf(objects: Stores["objects"], { name, value: slot }: ResultRecord): Promise<Slot[]> {
  const definition = definitionNamed(name);
  const { returns } = definition[DEFINITION];
  if (returns === undefined && (isImported(definition) || slotBytes(slot) > MAX_RETURNS_BYTES)) return [slot];
  const stored = await loadStored(objects, slot).catch(() => undefined);
  return stored instanceof StoredReturns ? [slot, ...stored.slots.values()] : [slot];
}

/** The tasks whose results are stored and whose code is still the same, in order of their age. */
export async function listCached(
  stores: Stores,
  context: PlanningContext,
  filter: CachedTasksOptions,
): Promise<Task<unknown>[]> {
  const records: ResultRecord[] = [];
  const isCurrent = ({ name, version }: ResultType) =>
    isMeantName(name, filter) && version === currentVersion(name, context);
  for await (const record of listResults(stores.table, context.namespace, isCurrent)) {
    const { cache } = definitionNamed(record.name)[DEFINITION];
    if (isMeant(record, filter) && counts(record, keepMsOf(cache))) records.push(record);
  }
  const distinct = distinctResults(records).sort((a, b) => a.endedAt - b.endedAt);
  const rebuild = new Rebuilding(stores);
  const tasks = await Promise.all(distinct.map((record) => rebuild.task(record)));
  return tasks.filter((task) => task !== undefined);
}

/**
 * The task whose result is stored under a key, with all that it depends on; undefined where nothing is stored of it.
 *
 * @throws LabError where the tasks of its code are not in this process: it cannot be said what it needs to run.
 */
export async function rebuildCached(
  stores: Stores,
  key: string,
  planning: PlanningContext,
): Promise<(RebuiltTask & { readonly record: ResultRecord }) | undefined> {
  const [record] = await findResults(stores.table, [key]);
  const task = record && (await new Rebuilding(stores).task(record));
  if (!task) return undefined;
  if (!isImported(task.definition)) {
    throw new LabError(
      "unknown-task",
      `${task} has put it, and can be made again only by a lab that has its task module`,
    );
  }
  return { task, plan: planTasks([task], planning), record };
}

/** The task whose result is stored under a key; its result is forgotten. Undefined where it cannot be run here. */
export async function takeCached(
  stores: Stores,
  key: string,
  planning: PlanningContext,
): Promise<Task<unknown> | undefined> {
  const rebuilt = await rebuildCached(stores, key, planning).catch((error) => {
    // Its module is another one: the result stays for those who have that.
    if (error instanceof LabError) return undefined;
    throw error;
  });
  if (!rebuilt) return undefined;
  await deleteResults(stores.table, [rebuilt.record]);
  return rebuilt.task;
}

/** Builds tasks again from their records, with the tasks in their params. */
class Rebuilding {
  readonly #stores: Stores;
  readonly #search: ResultSearch;
  readonly #built = new Map<string, Promise<Task<unknown> | undefined>>();

  constructor(stores: Stores) {
    this.#stores = stores;
    this.#search = new ResultSearch(stores.table);
  }

  task(record: ResultRecord): Promise<Task<unknown> | undefined> {
    let built = this.#built.get(record.key);
    if (!built) {
      built = this.#build(record);
      this.#built.set(record.key, built);
    }
    return built;
  }

  async #build(record: ResultRecord): Promise<Task<unknown> | undefined> {
    const { objects } = this.#stores;
    try {
      const references = new Map<string, string>();
      const found = resolvedTasks((key, name) => {
        references.set(key, name);
        return undefined;
      });
      const named = new Set<string>();
      const refs = madeObjectReferences((slot) => {
        named.add(slot.object);
        return new ObjectRef(slot);
      });
      await loadValue(objects, record.params, [found, refs, ...valueExtensions()]);
      // The caller now holds handles on them, whatever becomes of this result.
      await Promise.all([...named].map((object) => objects.touch(object)));
      const tasks = await this.#tasksOf(references);
      const params = await loadValue(objects, record.params, [
        resolvedTasks((key, _name, part) => {
          const task = tasks.get(key);
          return task && part !== undefined ? new TaskReturn(task, part) : task;
        }),
        ...valueExtensions(),
      ]);
      return new Task(definitionNamed(record.name), params);
    } catch (error) {
      // Its params are gone: the task cannot be named any more.
      if (error instanceof ObjectLostError) return undefined;
      throw error;
    }
  }

  async #tasksOf(references: ReadonlyMap<string, string>): Promise<Map<string, Task<unknown>>> {
    const keys = [...references.keys()];
    const records = await this.#search.find(references);
    const tasks = new Map<string, Task<unknown>>();
    await Promise.all(
      keys.map(async (key, index) => {
        const record = records[index];
        const task = record && (await this.task(record));
        tasks.set(key, task ?? taskByKey(references.get(key) as string, key));
      }),
    );
    return tasks;
  }
}
