import { versionOfCode } from "../stores/code-versions.ts";
import type { Item } from "../stores/control-table.ts";
import { noteDeleted } from "../stores/deleted-results.ts";
import { type KnownLab, knownLabs } from "../stores/lab-life.ts";
import type { StoredObject } from "../stores/object-store.ts";
import { keyOfResult } from "../stores/result-items.ts";
import { forgetType, typeOf } from "../stores/result-types.ts";
import { REFRESH_AFTER_MS } from "../stores/reuse.ts";
import { readRuns } from "../stores/runs.ts";
import type { Stores } from "../stores/stores.ts";
import { Sweep } from "../stores/sweep.ts";
import { codeOfVersion } from "../wire/code-part.ts";
import {
  CODE_PREFIX,
  HOLDER_PREFIX,
  OBJECT_FOLDERS,
  RESULT_PREFIX,
  RUN_PREFIX,
  SWEEP_KEY,
  TYPES_PARTITION,
  typeKey,
} from "../wire/keys.ts";
import { refuseNewer } from "../wire/version.ts";
import { inLanes } from "./lanes.ts";
import { removeLocalLeftovers } from "./local-leftovers.ts";
import { Marks } from "./marks.ts";
import { namesInItem, namesInObject } from "./names.ts";
import { expiredKind, type GcReport, Tally } from "./report.ts";

/** What is removed, and what is not. */
export interface GcOptions {
  /** Only what is older than this, in milliseconds; at least `MIN_GRACE_MS`. */
  readonly graceMs: number;
  /** Results of this namespace that are older go as well, though nothing is wrong with them. */
  readonly oldResults?: { readonly olderThanMs: number; readonly namespace: string } | undefined;
  /** Removes nothing and tells what would be. */
  readonly dryRun: boolean;
  /** Folder of a lab's storage on this machine, for what lies beside the stores. */
  readonly directory?: string | undefined;
  /** Is told now and then how far it is. */
  onProgress?(progress: GcProgress): void;
}

/** How far a clean-up is. */
export interface GcProgress {
  readonly stage: "reading the control table" | "following references" | "looking at objects";
  readonly done: number;
}

/** The shortest grace: twice as old as what is made young when it is used again. */
export const MIN_GRACE_MS = 2 * REFRESH_AFTER_MS;
/** By how much clocks of stores and machines may differ, in milliseconds. */
const CLOCKS_DIFFER_MS = 5 * 60_000;
/** What one round of deletions takes: labs that open wait for its end, about a second. */
const ROUND = 1_000;
const BUNDLE_HASH = /^[0-9a-f]{64}$/;
const ITEMS_AT_ONCE = 500;
/** How often it says that it is still there, in milliseconds; it is given up after five minutes. */
const GO_ON_EVERY_MS = 30_000;

/**
 * Removes what nothing refers to any more. What makes this safe is argued in docs/architecture.md,
 * "Clean-up": it marks before it sweeps, and it goes by the age of objects and by when labs began.
 *
 * @throws LabError of kind `gc-running` while there is another, and of kind `newer-version` where there are
 * items that a newer stratolab wrote, which may name objects in ways unknown here.
 */
export async function collectGarbage(stores: Stores, options: GcOptions): Promise<GcReport> {
  if (options.dryRun) return new Collection(stores, options, undefined).run();
  await using sweep = await Sweep.begin(stores.table);
  return await new Collection(stores, options, sweep).run();
}

class Collection {
  readonly #stores: Stores;
  readonly #options: GcOptions;
  /** None where nothing is to be removed. */
  readonly #sweep: Sweep | undefined;
  readonly #startedAt = Date.now();
  readonly #marks = new Marks();
  /** Manifests of runs that are over, and of those that may be gone on with; one may be both. */
  readonly #ended = new Marks();
  readonly #resumable = new Marks();
  readonly #tally = new Tally();
  /** Code versions that results are of, and what is known of such versions. */
  readonly #codeInUse = new Set<string>();
  readonly #code: Item[] = [];
  /** The same of task types, by their sort keys in the list. */
  readonly #typesInUse = new Set<string>();
  readonly #types: Item[] = [];
  readonly #endedRuns = new Map<string, boolean>();
  /** Every lab that was there at some time since the beginning: what it wrote last may not have been read. */
  readonly #labs = new Map<string, KnownLab>();
  #saidAt = Date.now();

  constructor(stores: Stores, options: GcOptions, sweep: Sweep | undefined) {
    this.#stores = stores;
    this.#options = options;
    this.#sweep = sweep;
  }

  async run(): Promise<GcReport> {
    await this.#meetLabs();
    await this.#markItems();
    await this.#markFollowed();
    for (const folder of OBJECT_FOLDERS) await this.#sweepFolder(folder);
    await this.#sweepFiles();
    return this.#tally.report(this.#options.dryRun, [...this.#labs.values()]);
  }

  async #meetLabs(): Promise<void> {
    for (const lab of await knownLabs(this.#stores.table)) this.#labs.set(lab.id, lab);
  }

  /** Objects as old as this may go: no lab that may still be there has put or used them. */
  #cutoff(): number {
    const sinceLabs = [...this.#labs.values()].map(({ since }) => since - REFRESH_AFTER_MS - CLOCKS_DIFFER_MS);
    return Math.min(this.#startedAt - this.#options.graceMs, ...sinceLabs);
  }

  // --- Marking ------------------------------------------------------------------------------------

  /** One pass over the table: removes items whose time is over, and marks what the others name. */
  async #markItems(): Promise<void> {
    const expired: Item[] = [];
    const old: Item[] = [];
    let done = 0;
    for await (const item of this.#stores.table.scan("")) {
      refuseNewer(`the item ${item.pk} ${item.sk}`, item.f);
      if (item.pk === SWEEP_KEY.pk) continue;
      if (item.pk.startsWith(HOLDER_PREFIX)) {
        if (await this.#holds(item)) this.#mark(item);
        continue;
      }
      const isResult = item.pk.startsWith(RESULT_PREFIX);
      if (isResult && isOver(item, this.#startedAt)) old.push(item);
      else if (isOver(item, this.#startedAt)) expired.push(item);
      else if (this.#isOldResult(item) || (await this.#isOfEndedRun(item))) old.push(item);
      else if (item.pk.startsWith(CODE_PREFIX)) this.#code.push(item);
      else if (item.pk === TYPES_PARTITION) this.#types.push(item);
      else this.#mark(item);
      if (expired.length === ITEMS_AT_ONCE) await this.#removeExpired(expired.splice(0));
      if (old.length === ITEMS_AT_ONCE) await this.#removeOldResults(old.splice(0));
      await this.#goOn("reading the control table", ++done);
    }
    await this.#removeExpired(expired);
    await this.#removeOldResults(old);
    await this.#removeUnusedCode();
    await this.#removeUnusedTypes();
  }

  #mark(item: Item): void {
    if (item.pk.startsWith(RESULT_PREFIX)) {
      const { namespace, name, version } = typeOf(item);
      this.#codeInUse.add(codeOfVersion(version));
      this.#typesInUse.add(typeKey(namespace, name, version).sk);
    }
    if (item.pk.startsWith(RUN_PREFIX)) {
      // A run that is over is told from its manifest; only one that may be gone on with needs what that names.
      const manifest = String(item.mo ?? "");
      this.#marks.add(manifest);
      if (item.s !== undefined && item.s !== "running") {
        this.#ended.add(manifest);
        return;
      }
      this.#resumable.add(manifest);
    }
    for (const name of namesInItem(item)) {
      this.#marks.add(name);
      // On this machine a bundle lies in a folder that has half of its hash.
      if (BUNDLE_HASH.test(name)) this.#marks.add(name.slice(0, name.length / 2));
    }
  }

  /** A lab that is gone holds nothing; that tasks were given an object is for their results to say. */
  async #holds(item: Item): Promise<boolean> {
    if (item.sk === "pin") return true;
    const isOver = item.ttl !== undefined && Number(item.ttl) * 1_000 < this.#startedAt;
    if (!item.sk.startsWith("lab:") && !isOver) return false;
    if (this.#labs.has(item.sk.slice("lab:".length))) return true;
    // One that has just opened is not known here; its items are.
    if (!isOver && Number(item.at) > this.#startedAt - this.#options.graceMs) return true;
    if (!this.#sweep || (await this.#stores.table.deleteIf(item, equal(isOver ? "ttl" : "at", item)))) {
      this.#tally.remove("other expired items");
      return false;
    }
    return true;
  }

  #isOldResult(item: Item): boolean {
    const { oldResults } = this.#options;
    if (!oldResults || !item.pk.startsWith(RESULT_PREFIX) || item.ns !== oldResults.namespace) return false;
    return Number(item.t) < this.#startedAt - oldResults.olderThanMs;
  }

  /** A result that is for its run only, when that is over and nobody goes on with it. */
  async #isOfEndedRun(item: Item): Promise<boolean> {
    if (!item.pk.startsWith(RESULT_PREFIX) || item.k !== 0) return false;
    if (Number(item.t) >= this.#startedAt - this.#options.graceMs) return false;
    const [namespace, runId] = [String(item.ns), String(item.r)];
    const key = `${namespace} ${runId}`;
    let isOver = this.#endedRuns.get(key);
    if (isOver === undefined) {
      const [run] = await readRuns(this.#stores.table, namespace, [runId]);
      isOver = run?.status !== "running";
      this.#endedRuns.set(key, isOver);
    }
    return isOver;
  }

  async #removeExpired(items: readonly Item[]): Promise<void> {
    await inLanes(items, async (item) => {
      if (this.#sweep && !(await this.#stores.table.deleteIf(item, equal("ttl", item)))) {
        await this.#markAgain(item);
        return;
      }
      this.#tally.remove(expiredKind(item.pk));
    });
  }

  /** Somebody who is alive may have looked them up already: then they stay, and so does what they name. */
  async #removeOldResults(items: readonly Item[]): Promise<void> {
    if (items.length === 0) return;
    const remove = async () => {
      if (this.#labs.size > 0) {
        for (const item of items) this.#mark(item);
        this.#tally.keptForLabs += items.length;
        return;
      }
      await inLanes(items, async (item) => {
        if (!this.#sweep) this.#tally.remove("old results");
        else if (await this.#stores.table.deleteIf(item, equal("t", item))) {
          this.#tally.remove("old results");
          if (item.k === undefined) await noteDeleted(this.#stores.table, [keyOfResult(item)], "clean-up");
        } else await this.#markAgain(item);
      });
    };
    await this.#round(remove);
  }

  /** It only ever explains why results are not cached: of versions without results there is nothing to explain. */
  async #removeUnusedCode(): Promise<void> {
    await inLanes(this.#code, async (item) => {
      if (this.#codeInUse.has(versionOfCode(item)) || Number(item.t) >= this.#cutoff()) this.#mark(item);
      else if (this.#sweep && !(await this.#stores.table.deleteIf(item, equal("t", item)))) await this.#markAgain(item);
      else this.#tally.remove("code versions");
    });
  }

  /** Whoever is alive may be about to write the first result of one; who opens a lab later finds that it is not in the list. */
  async #removeUnusedTypes(): Promise<void> {
    const unused = this.#types.filter(({ sk, t }) => !this.#typesInUse.has(sk) && Number(t) < this.#cutoff());
    if (unused.length === 0) return;
    await this.#round(async () => {
      if (this.#labs.size > 0) return;
      await inLanes(unused, async (item) => {
        if (this.#sweep) await forgetType(this.#stores.table, typeOf(item));
        this.#tally.remove("task types");
      });
    });
  }

  /** It was written anew while it was looked at. */
  async #markAgain(key: Item): Promise<void> {
    const item = await this.#stores.table.get(key);
    if (item) this.#mark(item);
  }

  /** Params and results may name further objects. They are read only where that could save something. */
  async #markFollowed(): Promise<void> {
    const followed = new Marks();
    let done = 0;
    const isWorthIt = (await this.#hasUnmarked("content")) || (await this.#hasUnmarked("results"));
    for (let found = isWorthIt; found; ) {
      found = false;
      for (const folder of ["content", "results"]) {
        for await (const batch of inBatches(this.#stores.objects.list(`${folder}/`))) {
          const isNamed = (key: string) => this.#marks.has(key) && (!this.#ended.has(key) || this.#resumable.has(key));
          const fresh = batch.filter(({ key }) => isNamed(key) && followed.add(key));
          await inLanes(fresh, async ({ key }) => {
            for (const name of await namesInObject(this.#stores.objects, key)) {
              if (this.#marks.add(name)) found = true;
            }
          });
          done += fresh.length;
          await this.#goOn("following references", done);
        }
      }
    }
  }

  async #hasUnmarked(folder: string): Promise<boolean> {
    const cutoff = this.#cutoff();
    for await (const { key, modifiedAtMs } of this.#stores.objects.list(`${folder}/`)) {
      if (modifiedAtMs < cutoff && !this.#marks.has(key)) return true;
    }
    return false;
  }

  // --- Sweeping -----------------------------------------------------------------------------------

  async #sweepFolder(folder: (typeof OBJECT_FOLDERS)[number]): Promise<void> {
    let done = 0;
    for await (const batch of inBatches(this.#stores.objects.list(`${folder}/`))) {
      const cutoff = this.#cutoff();
      const isGarbage = ({ key, modifiedAtMs }: StoredObject) => modifiedAtMs < cutoff && !this.#isMarked(key);
      const garbage = batch.filter(isGarbage);
      for (const object of batch) if (!isGarbage(object)) this.#tally.keep(object.bytes);
      if (garbage.length > 0) await this.#remove(folder, garbage);
      done += batch.length;
      await this.#goOn("looking at objects", done);
    }
  }

  #isMarked(key: string): boolean {
    if (this.#marks.has(key)) return true;
    // Bundles and runtimes are named by their hash alone, and a source map goes with its bundle.
    const hash = /^(?:bundles|runtime)\/([0-9a-f]{64})\./.exec(key)?.[1];
    return hash !== undefined && this.#marks.has(hash);
  }

  async #remove(kind: (typeof OBJECT_FOLDERS)[number], garbage: readonly StoredObject[]): Promise<void> {
    await this.#round(async (hasTime) => {
      // Looked at again, now that whoever uses one of them again waits for the end of this round.
      const cutoff = this.#cutoff();
      const still = this.#sweep ? await this.#stillOlder(garbage, cutoff) : garbage;
      if (!hasTime()) {
        for (const { bytes } of garbage) this.#tally.keep(bytes);
        return;
      }
      if (this.#sweep) await this.#stores.objects.deleteMany(still.map(({ key }) => key));
      for (const { bytes } of still) this.#tally.remove(kind, bytes);
    });
  }

  async #stillOlder(objects: readonly StoredObject[], cutoff: number): Promise<StoredObject[]> {
    const still: StoredObject[] = [];
    await inLanes(objects, async ({ key, bytes }) => {
      const found = await this.#stores.objects.stat(key);
      if (found && found.modifiedAtMs < cutoff) still.push(found);
      else if (found) this.#tally.keep(bytes);
    });
    return still;
  }

  async #sweepFiles(): Promise<void> {
    const { directory } = this.#options;
    if (directory === undefined) return;
    await this.#round(async () => {
      const isNeeded = (bundle: string) => this.#labs.size > 0 || this.#marks.has(bundle);
      const settings = { olderThan: this.#cutoff(), isNeeded, remove: !!this.#sweep };
      for await (const { kind, bytes } of removeLocalLeftovers(directory, settings)) this.#tally.remove(kind, bytes);
    });
  }

  // --- Rounds -------------------------------------------------------------------------------------

  /** Labs that began before this are known inside; those that begin later wait for its end. */
  async #round(body: (hasTime: () => boolean) => Promise<void>): Promise<void> {
    const begin = async (hasTime: () => boolean) => {
      await this.#meetLabs();
      await body(hasTime);
    };
    if (!this.#sweep) return begin(() => true);
    await this.#sweep.round(begin);
    this.#saidAt = Date.now();
  }

  async #goOn(stage: GcProgress["stage"], done: number): Promise<void> {
    if (done % 100 === 0) this.#options.onProgress?.({ stage, done });
    if (Date.now() - this.#saidAt < GO_ON_EVERY_MS) return;
    this.#saidAt = Date.now();
    await this.#sweep?.goOn();
  }
}

const isOver = ({ ttl }: Item, now: number) => ttl !== undefined && Number(ttl) * 1_000 < now;

const equal = (attribute: string, item: Item) => ({ when: "equals", attribute, value: item[attribute] }) as const;

async function* inBatches(objects: AsyncIterable<StoredObject>): AsyncGenerator<StoredObject[]> {
  let batch: StoredObject[] = [];
  for await (const object of objects) {
    batch.push(object);
    if (batch.length < ROUND) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
