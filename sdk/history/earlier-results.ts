import type { PlannedTask } from "../planning.ts";
import { readCode } from "../stores/code-versions.ts";
import type { ResultRecord } from "../stores/result-items.ts";
import { findResults, listResults } from "../stores/result-search.ts";
import type { Stores } from "../stores/stores.ts";
import { type CodePart, codeOfVersion } from "../wire/code-part.ts";
import type { Slot } from "../wire/slot.ts";
import { type CacheChange, versionChanges } from "./cache-changes.ts";
import { comparableParams, type ParamsDifference, paramsDifferences, shortly } from "./params-difference.ts";

/** An earlier result of the same task name, the one with the most similar params. */
export interface NearestResult {
  readonly key: string;
  /** Its params in a few words. */
  readonly params: string;
  readonly namespace: string;
  /** Code version. */
  readonly version: string;
  readonly runId: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly endedAt: number;
  /** Where its params differ; none where only the code does. */
  readonly differences: readonly string[];
}

/** How much is looked through. */
export interface LookThrough {
  /** Stored results. */
  readonly results: number;
  /** For how long, in milliseconds. */
  readonly ms: number;
}

/** Where a task stands whose earlier results are looked for. */
export interface TaskInPlan {
  readonly planned: PlannedTask;
  readonly namespace: string;
  /** The other tasks of its plan, by cache key. */
  readonly byKey: ReadonlyMap<string, PlannedTask>;
}

/** Of a name the latest are compared. */
const COMPARED = 100;
/** How far changes of dependencies are followed. */
const MOST_DEPTH = 8;

const EVERYTHING: LookThrough = { results: 100_000, ms: 60_000 };

/** Stored results of some task names, to find out what has changed since they were made. */
export class EarlierResults {
  readonly #stores: Stores;
  readonly #byName: ReadonlyMap<string, readonly ResultRecord[]>;
  /** What code versions are made of, where it need not be read. */
  readonly #code: ReadonlyMap<string, readonly CodePart[]>;
  readonly #read = new Map<string, Promise<readonly CodePart[] | undefined>>();
  readonly #params = new Map<string, Promise<{ value: unknown } | undefined>>();
  /** Everything that is stored was looked through. */
  readonly isComplete: boolean;

  private constructor(
    stores: Stores,
    byName: ReadonlyMap<string, readonly ResultRecord[]>,
    code: ReadonlyMap<string, readonly CodePart[]>,
    isComplete: boolean,
  ) {
    this.#stores = stores;
    this.#byName = byName;
    this.#code = code;
    this.isComplete = isComplete;
  }

  /** Looks for results of these names, in all namespaces and of all code versions, as far as it may. */
  static async of(
    stores: Stores,
    names: ReadonlySet<string>,
    code: ReadonlyMap<string, readonly CodePart[]> = new Map(),
    most: LookThrough = EVERYTHING,
  ): Promise<EarlierResults> {
    const byName = new Map([...names].map((name) => [name, [] as ResultRecord[]]));
    const until = Date.now() + most.ms;
    let left = most.results;
    for await (const record of listResults(stores.table, undefined, ({ name }) => names.has(name))) {
      byName.get(record.name)?.push(record);
      left -= 1;
      if (left === 0 || Date.now() > until) break;
    }
    for (const records of byName.values()) records.sort((a, b) => b.endedAt - a.endedAt);
    return new EarlierResults(stores, byName, code, left > 0 && Date.now() <= until);
  }

  /**
   * The nearest earlier result of a task, and what has changed since.
   *
   * @param before Only results made before, in milliseconds since the epoch.
   */
  async nearest(
    task: TaskInPlan,
    before = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly nearest: NearestResult; readonly changes: readonly CacheChange[] } | undefined> {
    const { planned, namespace } = task;
    const all = (this.#byName.get(planned.name) ?? []).filter(
      ({ key, endedAt }) => key !== planned.key && endedAt < before,
    );
    const own = all.filter((record) => record.namespace === namespace);
    const candidates = (own.length > 0 ? own : all).slice(0, COMPARED);
    const found = await Promise.all(candidates.map((record) => this.#compared(record, planned)));
    const best = found
      .filter((each) => each !== undefined)
      .reduce<(typeof found)[number]>(
        (least, each) => (least && least.distance <= each.distance ? least : each),
        undefined,
      );
    if (!best) return undefined;
    const { record, differences, params } = best;
    const { key, version, runId, endedAt } = record;
    const texts = differences.map(({ text }) => text);
    return {
      nearest: { key, params, namespace: record.namespace, version, runId, endedAt, differences: texts },
      changes: await this.#changes(record, task, differences, 0),
    };
  }

  async #compared(record: ResultRecord, planned: PlannedTask) {
    const differences = await this.#differences(record, planned);
    if (!differences) return undefined;
    const its = await this.#comparable(record.key, record.params);
    // Of two that are equally near, one of the same code is the nearer.
    const distance = differences.length + (record.version === planned.version ? 0 : 0.5);
    return { record, differences, params: shortly(its?.value), distance };
  }

  async #differences(record: ResultRecord, planned: PlannedTask): Promise<ParamsDifference[] | undefined> {
    const { key, params, storedParams } = planned;
    const [its, own] = await Promise.all([
      this.#comparable(record.key, record.params),
      this.#comparable(key, storedParams ?? { inline: params }),
    ]);
    return its && own && paramsDifferences(its.value, own.value);
  }

  #comparable(key: string, slot: Slot): Promise<{ value: unknown } | undefined> {
    let found = this.#params.get(key);
    if (!found) {
      found = comparableParams(this.#stores.objects, slot).then(
        (value) => ({ value }),
        () => undefined,
      );
      this.#params.set(key, found);
    }
    return found;
  }

  async #changes(
    record: ResultRecord,
    task: TaskInPlan,
    differences: readonly ParamsDifference[],
    depth: number,
  ): Promise<CacheChange[]> {
    const { planned, namespace } = task;
    const [earlier, now] = await Promise.all([this.#partsOf(record.version), this.#partsOf(planned.version)]);
    const code = versionChanges({ version: record.version, parts: earlier }, { version: planned.version, parts: now });
    const inputs = await Promise.all(differences.map((difference) => this.#inputChange(difference, task, depth)));
    if (record.namespace === namespace) return [...code, ...inputs];
    const [from, to] = [record.namespace, namespace];
    return [{ kind: "namespace", from, to, text: `it was stored in namespace ${from}, not ${to}` }, ...code, ...inputs];
  }

  async #inputChange({ path, text, task }: ParamsDifference, within: TaskInPlan, depth: number): Promise<CacheChange> {
    if (!task) return { kind: "input", path, text };
    const { name } = task;
    const planned = within.byKey.get(task.now);
    const [record] =
      planned && depth < MOST_DEPTH ? await findResults(this.#stores.table, [task.earlier], () => name) : [];
    const differences = record && planned && (await this.#differences(record, planned));
    if (!record || !planned || !differences) return { kind: "dependency", path, name, changes: [], text };
    const changes = await this.#changes(record, { ...within, planned }, differences, depth + 1);
    const why = changes.map((change) => change.text).join("; ");
    return { kind: "dependency", path, name, changes, text: `${path} is another ${name}: ${why}` };
  }

  #partsOf(full: string): Promise<readonly CodePart[] | undefined> {
    const version = codeOfVersion(full);
    let parts = this.#read.get(version);
    if (!parts) {
      const known = this.#code.get(version);
      parts = known ? Promise.resolve(known) : readCode(this.#stores, version);
      this.#read.set(version, parts);
    }
    return parts;
  }
}
