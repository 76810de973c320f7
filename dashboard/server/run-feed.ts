import { readManifest } from "../../sdk/driver/manifest.ts";
import { GrowingPlan } from "../../sdk/growing-plan.ts";
import { findRun, type RunInfo } from "../../sdk/runs.ts";
import { ChronicleReader } from "../../sdk/stores/chronicle.ts";
import { readRuns } from "../../sdk/stores/runs.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import type { ChronicleEvent } from "../../sdk/wire/chronicle.ts";
import type { ToldChild, ToldEvent, ToldRun, ToldTasks } from "../model/told-run.ts";
import { toldEvent } from "./told-event.ts";
import { toldChild, toldTasks } from "./told-tasks.ts";

/** One run as it is told: read once, and then only what is new. Events only ever join at the end. */
export class RunFeed {
  readonly id: string;
  readonly events: ToldEvent[] = [];
  readonly #stores: Stores;
  readonly #namespace: string;
  readonly #reader: ChronicleReader;
  #tasks: ToldTasks | undefined;
  #plan: GrowingPlan | undefined;
  /** How many tasks the page has been told of. */
  #told = 0;
  #run: RunInfo | undefined;
  #reading: Promise<RunInfo> | undefined;

  constructor(stores: Stores, namespace: string, id: string) {
    this.#stores = stores;
    this.#namespace = namespace;
    this.id = id;
    this.#reader = new ChronicleReader(stores, namespace, id);
  }

  /**
   * Reads what is new; whoever asks meanwhile gets the same.
   *
   * @throws LabError where the run is not known, or not any more.
   */
  refresh(): Promise<RunInfo> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** All that is known of the run now. */
  async told(): Promise<ToldRun> {
    const run = await this.refresh();
    return { run, tasks: this.#tasks, events: this.#tasks ? [...this.events] : [] };
  }

  /** Whether its tasks are known: before that no event of it means anything. */
  get hasTasks(): boolean {
    return this.#tasks !== undefined;
  }

  async #read(): Promise<RunInfo> {
    const { table, objects } = this.#stores;
    // The record first: what was written before its end is found then.
    this.#run = await findRun(table, this.#namespace, this.id);
    if (!this.#plan) {
      const [record] = await readRuns(table, this.#namespace, [this.id]);
      if (record?.manifest) {
        const manifest = await readManifest(objects, record.manifest);
        this.#plan = new GrowingPlan(manifest, objects);
        this.#tasks = toldTasks(manifest);
        this.#told = manifest.tasks.length;
      }
    }
    // Before its tasks are known no event means anything.
    const events = await this.#plan?.take(await this.#reader.read());
    for (const event of events ?? []) this.events.push(toldEvent(event, this.#freshIn(event)));
    return this.#run;
  }

  #freshIn(event: ChronicleEvent): ToldChild[] {
    if (event.type !== "nested") return [];
    const fresh = event.positions.filter((position) => position >= this.#told);
    this.#told += fresh.length;
    return fresh.flatMap((position) => {
      const planned = this.#plan?.tasks[position];
      return planned ? toldChild(planned) : [];
    });
  }
}
