import type { Bundle } from "./bundle/bundle.ts";
import { rebuildCached } from "./cache.ts";
import type { SpeculationRule } from "./core/speculate.ts";
import { Driver } from "./driver/driver.ts";
import type { NestingLimits } from "./driver/nested-accounts.ts";
import type { ProgressListener } from "./driver/progress-events.ts";
import type { Tracer } from "./driver/tracer.ts";
import { LabOptionError } from "./errors.ts";
import type { Runner, RunnerOpening } from "./runners/runner.ts";
import { type RecordedRuntimeEnvs, RuntimeEnvs } from "./runtime-envs/runtime-envs.ts";
import { LabLife } from "./stores/lab-life.ts";
import type { Stores } from "./stores/stores.ts";
import { storeValue } from "./stores/values.ts";
import type { PlanningContext } from "./task-version.ts";
import { encode } from "./wire/codec/codec.ts";
import { contentObject } from "./wire/keys.ts";
import type { MemoryMonitor } from "./wire/memory-monitor.ts";
import type { RuntimeEnv } from "./wire/runtime-env.ts";
import type { Slot } from "./wire/slot.ts";
import type { StoreAddress } from "./wire/store-address.ts";
import { valueExtensions } from "./wire/value-extensions.ts";

/** What a driver is opened with. */
export interface DriverSettings {
  /** Unique among all labs: part of the names of its executors. */
  readonly labId: string;
  readonly runner: Runner;
  readonly stores: Stores;
  readonly address: StoreAddress;
  readonly namespace: string;
  readonly bundle: Bundle;
  /** Code version by task name, where the bundle's were recorded with a run. */
  readonly versions?: ReadonlyMap<string, string>;
  /** The lab's context, as a value or as it is stored already. */
  readonly context: { readonly value: unknown } | { readonly slot: Slot | undefined };
  readonly concurrency: number | undefined;
  readonly resources: Readonly<Record<string, number>>;
  readonly memoryMonitor: MemoryMonitor | false | undefined;
  /** How deep tasks may run tasks, and how many each. */
  readonly nesting: NestingLimits;
  /** When attempts get a second one beside them; undefined for never. */
  readonly speculation: SpeculationRule | undefined;
  /** The lab's own runtime environment, or all of them as they were recorded with a run. */
  readonly runtimeEnvs?: { readonly shared: RuntimeEnv | undefined } | { readonly recorded: RecordedRuntimeEnvs };
  readonly progress: ProgressListener;
  readonly tracer?: Tracer | undefined;
  /** Whether somebody waits for results here. Default true. */
  readonly loadsResults?: boolean;
}

/** A driver with its runner open: everything is there that runs of one bundle need. */
export interface OpenDriver extends AsyncDisposable {
  readonly driver: Driver;
  readonly planning: PlanningContext;
  /** What code versions of the bundle are made of. */
  readonly code: Bundle["parts"];
}

/** Opens a runner for a bundle, and a driver on it. */
export async function openDriver(settings: DriverSettings): Promise<OpenDriver> {
  const { address, bundle, concurrency, labId, memoryMonitor, namespace, progress, resources, runner, stores } =
    settings;
  let driver: Driver | undefined;
  // Before the first object: a clean-up goes by when labs began, see docs/architecture.md.
  const life = await LabLife.begin(stores.table, labId);
  const close = async () => {
    await runner.close();
    await life.end(driver?.hasLeftWork);
  };
  try {
    const report: Parameters<Runner["open"]>[0]["report"] = (event) => driver?.report(event);
    const known = settings.versions && [...settings.versions.keys()].map((name) => [name, name] as const);
    const opening = await runner.open({
      labId,
      bundle,
      stores,
      address,
      concurrency,
      resources,
      report,
      tasks: known,
    });
    const versions =
      settings.versions ??
      new Map(opening.tasks.map(([name, exportName]) => [name, bundle.versions.get(exportName) ?? ""]));
    const runtimeEnvs = await openRuntimeEnvs(settings, opening);
    const planning = { namespace, versions, taskModule: bundle.taskModule, runtimeEnvs: runtimeEnvs.byTask };
    driver = new Driver({
      runtimeEnvs,
      runner,
      opening,
      stores,
      namespace,
      labId,
      bundle: { hash: bundle.hash, root: bundle.root, taskModule: bundle.taskModule },
      versions,
      code: bundle.parts,
      context: await storeContext(settings.context, stores, opening.inlineBytes),
      concurrency: concurrency ?? Number.POSITIVE_INFINITY,
      memoryMonitor,
      nesting: settings.nesting,
      speculation: settings.speculation,
      progress,
      rebuild: (key) => rebuildCached(stores, key, planning),
      tracer: settings.tracer,
      loadsResults: settings.loadsResults ?? true,
    });
    return {
      driver,
      planning,
      code: bundle.parts,
      [Symbol.asyncDispose]: async () => {
        driver?.cancelAll();
        await Promise.all(driver?.activeRuns().map(({ ended }) => ended) ?? []);
        driver?.settleBill();
        await driver?.written();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openRuntimeEnvs(
  { address, bundle, runner, runtimeEnvs = { shared: undefined }, stores }: DriverSettings,
  opening: RunnerOpening,
): Promise<RuntimeEnvs> {
  const { tasks, runtimeEnvs: support } = opening;
  const sources = { tasks, versions: bundle.versions, objects: stores.objects };
  const envs =
    "shared" in runtimeEnvs
      ? await RuntimeEnvs.of({ ...sources, shared: runtimeEnvs.shared })
      : RuntimeEnvs.recorded(runtimeEnvs.recorded);
  const [first] = envs.byTask.keys();
  if (first !== undefined && support !== true) {
    const why = support ?? `the runner ${JSON.stringify(runner.name)} does not set them up`;
    throw new LabOptionError(`task ${first} has a runtimeEnv: ${why}`);
  }
  if (address.kind === "aws") envs.requireNative(bundle.native, tasks);
  return envs;
}

async function storeContext(
  context: DriverSettings["context"],
  stores: Stores,
  inlineBytes: number,
): Promise<Slot | undefined> {
  if ("slot" in context) return context.slot;
  if (context.value === undefined) return undefined;
  const encoded = encode(context.value, { name: "context", extensions: valueExtensions() });
  if (encoded.byteLength <= inlineBytes) return { inline: Buffer.concat(encoded.chunks) };
  return storeValue(stores.objects, encoded, contentObject);
}
