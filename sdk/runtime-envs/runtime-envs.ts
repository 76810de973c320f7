import { createHash } from "node:crypto";
import type { NativePackage } from "../bundle/packages.ts";
import type { Lane, Offer } from "../core/offer.ts";
import { LabError } from "../errors.ts";
import type { RunnerOpening } from "../runners/runner.ts";
import { mergeRuntimeEnvs } from "../runtime-env.ts";
import type { ObjectStore } from "../stores/object-store.ts";
import {
  type BrokenRuntimeEnv,
  DEFAULT_SETUP_TIMEOUT_MS,
  type RuntimeEnv,
  type RuntimeEnvSpec,
  type TaskRuntimeEnv,
  withAbsolutePaths,
} from "../wire/runtime-env.ts";
import { storeFiles, type WorkingFiles, workingFiles } from "./files.ts";
import { type LockedPackages, lockPackages, packageArchive } from "./packages.ts";
import { nameOfPlatform, type Platform, platformOf, platformsOf } from "./platform.ts";
import { SetupProblem } from "./setup-problem.ts";

/** What a run's manifest says of runtime environments: enough for a driver on another machine. */
export interface RecordedRuntimeEnvs {
  readonly byTask: readonly (readonly [taskName: string, TaskRuntimeEnv | BrokenRuntimeEnv])[];
  readonly specs: readonly (readonly [id: string, platform: string, RuntimeEnvSpec | BrokenRuntimeEnv])[];
}

/** An environment that was looked at: what it is made of is known, and not yet stored. */
interface Known extends TaskRuntimeEnv {
  readonly declared: RuntimeEnv;
  readonly files: WorkingFiles | undefined;
  readonly packages: LockedPackages | undefined;
}

interface Sources {
  /** The lab's. */
  readonly shared: RuntimeEnv | undefined;
  readonly tasks: RunnerOpening["tasks"];
  /** Code version by name of the export. */
  readonly versions: ReadonlyMap<string, string>;
  readonly objects: ObjectStore;
}

const hashOf = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/** The runtime environments of a lab's tasks. What executors need of one is stored before its first dispatch. */
export class RuntimeEnvs {
  /** Of the tasks that have one. */
  readonly byTask: ReadonlyMap<string, TaskRuntimeEnv | BrokenRuntimeEnv>;
  readonly #known: ReadonlyMap<string, Known>;
  readonly #objects: ObjectStore | undefined;
  readonly #specs = new Map<string, Promise<RuntimeEnvSpec>>();

  private constructor(
    byTask: ReadonlyMap<string, TaskRuntimeEnv | BrokenRuntimeEnv>,
    known: ReadonlyMap<string, Known>,
    objects: ObjectStore | undefined,
  ) {
    this.byTask = byTask;
    this.#known = known;
    this.#objects = objects;
  }

  /** Looks at files and packages. One that cannot be had is a problem of the tasks that have it, and of no others. */
  static async of({ shared, tasks, versions, objects }: Sources): Promise<RuntimeEnvs> {
    const looked = new Map<string, Promise<Known | BrokenRuntimeEnv>>();
    const common = shared && withAbsolutePaths(shared);
    const found = tasks.map(([name, , own]) => {
      const declared = mergeRuntimeEnvs(common, own);
      if (!declared || Object.values(declared).every((value) => value === undefined)) return undefined;
      const key = JSON.stringify(declared);
      if (!looked.has(key)) looked.set(key, lookAt(declared, versions, objects).catch(asBroken));
      return [name, looked.get(key) as Promise<Known | BrokenRuntimeEnv>] as const;
    });
    const byTask = new Map<string, TaskRuntimeEnv | BrokenRuntimeEnv>();
    const known = new Map<string, Known>();
    for (const each of found) {
      if (!each) continue;
      const [name, looking] = each;
      const env = await looking;
      if ("id" in env) known.set(env.id, env);
      byTask.set(name, "id" in env ? { id: env.id, version: env.version } : env);
    }
    return new RuntimeEnvs(byTask, known, objects);
  }

  /** Those of a run that another driver has begun. */
  static recorded({ byTask, specs }: RecordedRuntimeEnvs): RuntimeEnvs {
    const envs = new RuntimeEnvs(new Map(byTask), new Map(), undefined);
    for (const [id, platform, spec] of specs) {
      const known = "id" in spec ? Promise.resolve(spec) : Promise.reject(new SetupProblem(spec.problem, spec.log));
      known.catch(() => {});
      envs.#specs.set(`${id} ${platform}`, known);
    }
    return envs;
  }

  /**
   * What executors of a lane set up.
   *
   * @throws SetupProblem where it cannot be had.
   */
  specFor(lane: Lane): Promise<RuntimeEnvSpec> {
    return this.#specFor(lane.runtimeEnv as string, platformOf(lane));
  }

  #specFor(id: string, platform: Platform): Promise<RuntimeEnvSpec> {
    const key = `${id} ${nameOfPlatform(platform)}`;
    const found = this.#specs.get(key);
    if (found) return found;
    const making = this.#make(id, platform);
    this.#specs.set(key, making);
    // What failed is tried again by the next attempt.
    making.catch(() => this.#specs.delete(key));
    return making;
  }

  async #make(id: string, platform: Platform): Promise<RuntimeEnvSpec> {
    const known = this.#known.get(id);
    if (!known || !this.#objects) {
      throw new SetupProblem(`nothing is stored of it for ${nameOfPlatform(platform)}: run the script again`);
    }
    const { declared, files, packages } = known;
    const { env = {}, setup, setupTimeoutMs = DEFAULT_SETUP_TIMEOUT_MS } = declared;
    const [stored, archive] = await Promise.all([
      files && storeFiles(files, this.#objects),
      packages && packageArchive(packages, platform, this.#objects),
    ]);
    return {
      id,
      env,
      setupTimeoutMs,
      ...(stored ? { files: stored } : {}),
      ...(archive ? { packages: archive } : {}),
      ...(setup === undefined ? {} : { setup }),
    };
  }

  /** Everything that a driver elsewhere needs, stored. */
  async record(offer: Offer): Promise<RecordedRuntimeEnvs | undefined> {
    if (this.byTask.size === 0) return undefined;
    const ids = new Set([...this.byTask.values()].flatMap((env) => ("id" in env ? [env.id] : [])));
    const specs = [...ids].flatMap((id) =>
      platformsOf(offer).map(async (platform) => {
        const spec = await this.#specFor(id, platform).catch(asBroken);
        return [id, nameOfPlatform(platform), spec] as const;
      }),
    );
    return { byTask: [...this.byTask], specs: await Promise.all(specs) };
  }

  /**
   * Executors elsewhere have nothing of this machine's `node_modules`.
   *
   * @throws LabError that names a package with compiled code which tasks would not find there.
   */
  requireNative(native: readonly NativePackage[], tasks: RunnerOpening["tasks"]): void {
    const namesOf = (task: string) => {
      const env = this.byTask.get(task);
      return env && "id" in env ? (this.#known.get(env.id)?.packages?.names ?? new Set<string>()) : new Set<string>();
    };
    for (const { name, version, isStatic } of native) {
      // A module that imports it is loaded for every task.
      const lacking = tasks.filter(([task]) => {
        const env = this.byTask.get(task);
        return !(env && "problem" in env) && !namesOf(task).has(name);
      });
      if (isStatic ? lacking.length === 0 : lacking.length < tasks.length) continue;
      const where = isStatic ? "new Lab({ runtimeEnv })" : "the runtimeEnv of the task that imports it";
      throw new LabError(
        "native-package",
        `the task module reaches ${name}, a package with compiled code, which a bundle cannot hold. ` +
          `Have it installed for the executors: packages: { ${JSON.stringify(name)}: ${JSON.stringify(version)} } in ${where}`,
      );
    }
  }
}

async function lookAt(declared: RuntimeEnv, versions: Sources["versions"], objects: ObjectStore): Promise<Known> {
  const { env, excludes, packages, setup, setupTimeoutMs, workingDir } = declared;
  if (setup !== undefined && !versions.has(setup)) {
    const known = [...versions.keys()].sort().join(", ");
    throw new SetupProblem(`setup: the task module exports no ${setup}; it exports ${known}`);
  }
  if (excludes !== undefined && workingDir === undefined) {
    throw new SetupProblem("excludes: there is no workingDir that they could leave something out of");
  }
  const [files, locked] = await Promise.all([
    workingDir === undefined ? undefined : workingFiles(String(workingDir), excludes),
    packages === undefined ? undefined : lockPackages(packages as Record<string, string> | string, objects),
  ]);
  const code = [files?.hash, locked?.hash, setup && [setup, versions.get(setup)]];
  const variables = Object.entries(env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const version = code.every((part) => part === undefined) ? "" : hashOf(code);
  return { id: hashOf([code, variables, setupTimeoutMs]), version, declared, files, packages: locked };
}

function asBroken(error: unknown): BrokenRuntimeEnv {
  const { message, log = [] } = error as SetupProblem;
  return { problem: message, log };
}
