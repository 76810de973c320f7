import { randomBytes } from "node:crypto";
import { storedBundle } from "./bundle/stored-bundle.ts";
import { remainingMs } from "./core/lease.ts";
import type { Driver } from "./driver/driver.ts";
import { FollowedRun, HANDED_OVER_MAX_MS } from "./driver/followed-run.ts";
import { readManifest } from "./driver/manifest.ts";
import type { ProgressListener } from "./driver/progress-events.ts";
import type { RunState } from "./driver/run-state.ts";
import { isCertainlyGone } from "./driver/this-process.ts";
import type { Tracer } from "./driver/tracer.ts";
import { LabError } from "./errors.ts";
import { GrowingPlan } from "./growing-plan.ts";
import { type OpenDriver, openDriver } from "./open-driver.ts";
import { askedTasks, recordedPlan } from "./recorded-plan.ts";
import type { StartedRun } from "./run.ts";
import type { Runner } from "./runners/runner.ts";
import { findRun } from "./runs.ts";
import { noteFollowed, type RunRecord, readRuns } from "./stores/runs.ts";
import type { Stores } from "./stores/stores.ts";
import type { StoreAddress } from "./wire/store-address.ts";

/** What is needed to attach to a run. */
interface Surroundings {
  readonly stores: Stores;
  readonly address: StoreAddress;
  readonly progress: ProgressListener;
  readonly tracer?: Tracer | undefined;
}

/** How runs are driven that were attached to. */
interface DrivingOptions {
  /** Makes the runner of each; its driver closes it. */
  newRunner(): Runner;
  readonly resources: Readonly<Record<string, number>>;
  /** Whether somebody waits for the results of what is driven. */
  readonly loadsResults: boolean;
  /** Default as the run was begun with. */
  readonly concurrency: number | undefined;
}

/** A run that was attached to; `driven` where it is driven from here now. */
interface AttachedRun {
  readonly id: string;
  readonly started: StartedRun;
  readonly driven?: { readonly driver: Driver; readonly state: RunState };
}

/** The runs that a lab has attached to: each is followed, or has a driver of its own. */
export class AttachedRuns {
  readonly #options: DrivingOptions;
  readonly #namespace: string;
  readonly #drivers = new Set<OpenDriver>();
  readonly #followed = new Map<FollowedRun, Promise<void>>();

  constructor(options: DrivingOptions, namespace: string) {
    this.#options = options;
    this.#namespace = namespace;
  }

  /** Follows a run, or goes on with it where nobody drives it and that is wanted. */
  async attach(idOrName: string, surroundings: Surroundings, mayDrive = true): Promise<AttachedRun> {
    const { id } = await findRun(surroundings.stores.table, this.#namespace, idOrName);
    const record = await this.#recordOf(id, surroundings);
    return mayDrive && isFree(record) ? this.#drive(record, surroundings) : this.#follow(record, surroundings);
  }

  /** Goes on with a run. @throws LabError while another driver has it. */
  async takeUp(id: string, surroundings: Surroundings): Promise<AttachedRun> {
    return this.#drive(await this.#recordOf(id, surroundings), surroundings);
  }

  async #recordOf(id: string, { stores }: Surroundings): Promise<RunRecord> {
    const [record] = await readRuns(stores.table, this.#namespace, [id]);
    if (!record?.manifest) {
      const why = "nothing is recorded of its tasks: it is too old, or was killed as it began";
      throw new LabError("run-unknown", `run ${id} cannot be attached to: ${why}. Run its script again`);
    }
    return record;
  }

  async #follow(known: RunRecord, { stores, progress }: Surroundings): Promise<AttachedRun> {
    // Its driver leaves those results to this lab that are for the run only, unless it has ended meanwhile. Who may
    // only read follows it all the same.
    const note = () => noteFollowed(stores.table, this.#namespace, known.id).catch(() => undefined);
    const record = (known.status === "running" && (await note())) || known;
    const plan = new GrowingPlan(await readManifest(stores.objects, record.manifest as never), stores.objects);
    const run = new FollowedRun(record, { stores, namespace: this.#namespace, plan, progress });
    const following = run.follow().finally(() => this.#followed.delete(run));
    this.#followed.set(run, following);
    const refuse = () =>
      Promise.reject(new LabError("not-driven", `run ${record.id} is driven elsewhere: it needs no detaching`));
    const started = { outcomes: run, error: () => run.error(), cancel: () => run.cancel(), detach: refuse };
    return { id: record.id, started };
  }

  /** Goes on with a run whose driver is gone, with the code that it was begun with. */
  async #drive(record: RunRecord, surroundings: Surroundings): Promise<AttachedRun> {
    const { stores, address } = surroundings;
    const labId = randomBytes(6).toString("hex");
    const runner = this.#options.newRunner();
    // Executors start while is read what they are for.
    runner.prepare?.(labId);
    const [manifest, code] = await (async () => {
      const read = await readManifest(stores.objects, record.manifest as never);
      return [read, await storedBundle(read.bundle, address, stores)] as const;
    })().catch(async (error) => {
      await runner.close();
      throw error;
    });
    const { context, concurrency, endsBy, failFast, generation, maxCostUsd, memoryMonitor, nesting } = manifest;
    const opened = await openDriver({
      ...surroundings,
      labId,
      runner,
      namespace: this.#namespace,
      bundle: code,
      versions: new Map(manifest.versions),
      context: { slot: context },
      concurrency: this.#options.concurrency ?? concurrency,
      resources: this.#options.resources,
      memoryMonitor,
      nesting,
      speculation: manifest.speculation,
      runtimeEnvs: { recorded: manifest.runtimeEnvs ?? { byTask: [], specs: [] } },
      loadsResults: this.#options.loadsResults,
    });
    this.#drivers.add(opened);
    const { driver } = opened;
    const plan = recordedPlan(manifest);
    const tasks = askedTasks(plan);
    // The driver takes off what the run has cost when it takes it.
    const bounds = { failFast, maxCostUsd };
    const options = { runId: record.id, name: undefined, tags: undefined, isContinued: true, ...bounds };
    const deadlineMs = endsBy === undefined ? undefined : Math.max(1, endsBy - Date.now());
    const state = await driver.start(plan, tasks, { ...options, bustCache: generation > 0, deadlineMs });
    return { id: record.id, started: driver.started(state), driven: { driver, state } };
  }

  /** Resolves when everything that was to be kept of what is driven from here is written. */
  async written(): Promise<void> {
    await Promise.all([...this.#drivers].map(({ driver }) => driver.written()));
  }

  /** Leaves what is followed, and ends what is driven from here. */
  async close(): Promise<void> {
    for (const run of this.#followed.keys()) run.leave();
    await Promise.all([
      ...this.#followed.values(),
      ...[...this.#drivers].map((opened) => opened[Symbol.asyncDispose]()),
    ]);
  }
}

/** Whether nobody drives a run that is not over. */
function isFree({ status, lease, driver, handedOverAt }: RunRecord): boolean {
  // One that was handed over has its next driver on the way.
  if (handedOverAt !== undefined && Date.now() - handedOverAt < HANDED_OVER_MAX_MS) return false;
  return status === "running" && (remainingMs(lease, Date.now()) === 0 || isCertainlyGone(driver));
}
