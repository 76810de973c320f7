import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { loadArrow } from "./bundle/arrow.ts";
import { type Bundle, buildBundle } from "./bundle/bundle.ts";
import type { ProgressListener } from "./driver/progress-events.ts";
import type { Tracer } from "./driver/tracer.ts";
import { LabError, LabOptionError } from "./errors.ts";
import { keepingAlive } from "./keep-alive.ts";
import type { LabOptions } from "./lab-options.ts";
import { type OpenDriver, openDriver } from "./open-driver.ts";
import type { ProgressHub } from "./progress/hub.ts";
import { chooseProgress } from "./progress/progress.ts";
import type { Runner } from "./runners/runner.ts";
import { speculationRule } from "./speculation.ts";
import { LabLife } from "./stores/lab-life.ts";
import { OwnStorages } from "./stores/own-storage.ts";
import { openStores, type Stores } from "./stores/stores.ts";
import { definitionNamed } from "./task.ts";
import { openTracer } from "./tracing.ts";
import { storageOf } from "./wire/cache-options.ts";
import { DEFINITION } from "./wire/definition.ts";
import type { StoreAddress } from "./wire/store-address.ts";

/** What every lab has, whether or not it can run tasks of its own. */
export interface OpenStores {
  readonly stores: Stores;
  readonly address: StoreAddress;
  readonly progress: ProgressListener;
  readonly tracer: Tracer | undefined;
}

/** A lab that has been opened: everything is there that runs need. */
type OpenLab = OpenStores & OpenDriver;

const DEFAULT_NESTED_DEPTH = 16;
const DEFAULT_NESTED_TASKS = 10_000;

/** Opens what a lab needs when it is needed, each thing once, and closes what was opened. */
export class LabOpening {
  readonly #options: LabOptions;
  readonly #runner: Runner;
  readonly #namespace: string;
  readonly #hub: ProgressHub;
  /** Unique among all labs: part of the names of its executors. */
  readonly id = randomBytes(6).toString("hex");
  #storesOpening: Promise<OpenStores> | undefined;
  #opening: Promise<OpenLab> | undefined;
  /** Of a lab without tasks; otherwise the driver gives it. */
  #life: Promise<LabLife> | undefined;
  #isClosed = false;

  /** @param hub Hands progress on to those who iterate over a run's events. */
  constructor(options: LabOptions, runner: Runner, namespace: string, hub: ProgressHub) {
    this.#options = options;
    this.#runner = runner;
    this.#namespace = namespace;
    this.#hub = hub;
  }

  /** Everything that runs need. @throws LabError for a lab that was made without tasks. */
  async lab(): Promise<OpenLab> {
    this.#refuseIfClosed();
    this.#opening ??= keepingAlive(this.#openLab()).catch((error) => {
      // What was wrong may be mended before the next call.
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** The lab as far as it was opened already. */
  async opened(): Promise<OpenLab | undefined> {
    return this.#opening;
  }

  /** Enough to read what is stored. */
  async stores(): Promise<OpenStores> {
    this.#refuseIfClosed();
    this.#storesOpening ??= keepingAlive(this.#openStores()).catch((error) => {
      this.#storesOpening = undefined;
      throw error;
    });
    return this.#storesOpening;
  }

  /** A lab gives its first sign of life before its first object: a clean-up goes by it. */
  async storesToWrite(): Promise<OpenStores> {
    if (this.#options.tasks !== undefined) return this.lab();
    const opened = await this.stores();
    this.#life ??= LabLife.begin(opened.stores.table, this.id);
    await this.#life;
    return opened;
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new LabError("closed", "the lab is closed: make a new one");
  }

  /** @throws LabError where the lab was closed while it was being opened for a run. */
  refuseToBegin(): void {
    if (!this.#isClosed) return;
    throw new LabError(
      "closed",
      "the lab was closed before its run could begin: await the run first, also where it is returned from a block with `await using`",
    );
  }

  async #openStores(): Promise<OpenStores> {
    const { storage, progress: shown, tracing } = this.#options;
    const [address, progress, tracer] = await Promise.all([
      this.#runner.storeAddress(storage),
      chooseProgress(shown),
      tracing ? openTracer() : undefined,
    ]);
    const { objects, ...others } = await openStores(address);
    const storageOfTask = (name: string) => storageOf(definitionNamed(name)[DEFINITION].cache);
    const stores = { ...others, objects: new OwnStorages(objects, storageOfTask) };
    return { address, progress: this.#hub.around(progress), tracer, stores };
  }

  async #openLab(): Promise<OpenLab> {
    const { concurrency, context, memoryMonitor, resources = {}, tasks } = this.#options;
    const { maxNestedDepth = DEFAULT_NESTED_DEPTH, maxNestedTasks = DEFAULT_NESTED_TASKS } = this.#options;
    if (tasks === undefined) {
      throw new LabOptionError(
        'this lab was made without tasks, so it can only attach to runs: give new Lab({ tasks: import.meta.resolve("./tasks.ts") })',
      );
    }
    this.#runner.prepare?.(this.id);
    const [bundle, opened] = await Promise.all([this.#bundle(tasks), this.stores()]).catch(async (error) => {
      await this.#runner.close();
      throw error;
    });
    const driver = await openDriver({
      ...opened,
      labId: this.id,
      runner: this.#runner,
      namespace: this.#namespace,
      bundle,
      context: { value: context },
      concurrency,
      resources,
      memoryMonitor: memoryMonitor === true ? undefined : memoryMonitor,
      speculation: speculationRule(this.#options.speculation),
      nesting: { maxDepth: maxNestedDepth, maxTasks: maxNestedTasks },
      runtimeEnvs: { shared: this.#options.runtimeEnv },
    });
    return { ...opened, ...driver };
  }

  async #bundle(tasks: string | URL): Promise<Bundle> {
    const bundle = await buildBundle(tasks);
    if (bundle.hasArrow) await loadArrow();
    return bundle;
  }

  /** From now on nothing is opened any more. */
  refuse(): void {
    this.#isClosed = true;
  }

  /** Ends the driver with everything of it, and whatever `others` ends, then what `last` does; then closes the stores. */
  async close(others: () => Promise<void>, last: () => Promise<void>): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    await Promise.all([opened?.[Symbol.asyncDispose](), others()]);
    await last();
    await (await this.#life?.catch(() => undefined))?.end();
    const stores = await this.#storesOpening?.catch(() => undefined);
    await stores?.stores.table.close();
    const address = stores?.address;
    if (address?.kind === "local" && address.temporary) await rm(address.directory, { recursive: true, force: true });
  }
}
