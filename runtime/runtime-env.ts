import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fetchSecrets } from "../sdk/stores/secrets.ts";
import type { Stores } from "../sdk/stores/stores.ts";
import type { RuntimeEnvSpec, SecretRef } from "../sdk/wire/runtime-env.ts";
import type { StoreAddress } from "../sdk/wire/store-address.ts";
import { type EnvPlace, envFolders } from "./env-folders.ts";
import { asSetupFailure, SetupFailure, withLog } from "./setup-log.ts";

/** A runtime environment that is set up in this process. */
export class SetUpEnv {
  readonly #spec: RuntimeEnvSpec;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #folder: string | undefined;
  readonly #packages: string | undefined;

  /** @throws SetupFailure that says what could not be had. */
  static async setUp(
    spec: RuntimeEnvSpec,
    { stores, address, place }: { stores: Stores; address: StoreAddress; place: EnvPlace },
  ): Promise<SetUpEnv> {
    try {
      const [variables, folders] = await Promise.all([
        resolved(spec.env, address),
        envFolders(spec, stores.objects, place),
      ]);
      return new SetUpEnv(spec, variables, folders.filesFolder, folders.packagesFolder);
    } catch (error) {
      throw asSetupFailure(error, "fetching what it is made of");
    }
  }

  private constructor(
    spec: RuntimeEnvSpec,
    variables: Readonly<Record<string, string>>,
    folder: string | undefined,
    packages: string | undefined,
  ) {
    this.#spec = spec;
    this.#variables = variables;
    this.#folder = folder;
    this.#packages = packages;
  }

  /**
   * Sets variables and the working folder.
   *
   * @returns What brings back how it was before.
   */
  enter(): () => void {
    const before = Object.keys(this.#variables).map((name) => [name, process.env[name]] as const);
    const folder = this.#folder === undefined ? undefined : process.cwd();
    Object.assign(process.env, this.#variables);
    if (this.#folder !== undefined) process.chdir(this.#folder);
    return () => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      if (folder !== undefined) process.chdir(folder);
    };
  }

  /** The bundle as it is loaded in this environment: with its packages in the place of those installed here. */
  async bundleFor(path: string, hash: string): Promise<string> {
    if (this.#packages === undefined) return path;
    const own = join(this.#packages, `bundle-${hash.slice(0, 32)}.mjs`);
    if (existsSync(own)) return own;
    const code = withPackagesOf(await readFile(path, "utf8"), this.#packages);
    const map = relative(this.#packages, `${path}.map`).split(sep).join("/");
    const mapped = code.replace(/(?<=^\/\/# sourceMappingURL=)[^\n]+(?=\n$)/m, map);
    const unfinished = `${own}.${process.pid}`;
    await mkdir(dirname(own), { recursive: true });
    await writeFile(unfinished, mapped);
    await rename(unfinished, own);
    return own;
  }

  /** Calls the `setup` function, where there is one. @param said Is given what is written meanwhile. */
  async prepare(exported: Readonly<Record<string, unknown>>, said?: string[]): Promise<void> {
    const { setup } = this.#spec;
    if (setup === undefined) return;
    const call = exported[setup];
    if (typeof call !== "function") {
      throw new SetupFailure(`the task module exports no function ${setup}, which is to set it up`);
    }
    await withLog(() => call(), `its setup function ${setup} failed`, said);
  }
}

async function resolved(env: RuntimeEnvSpec["env"], address: StoreAddress): Promise<Record<string, string>> {
  const entries = Object.entries(env);
  const secret = entries.filter((entry): entry is [string, SecretRef] => typeof entry[1] !== "string");
  const values = await fetchSecrets(
    secret.map(([, ref]) => ref),
    address,
  );
  const plain = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries([...plain, ...secret.map(([name], at) => [name, values[at] as string] as const)]);
}

/** Where a bundle loads a package with compiled code from: where it was installed when it was bundled. */
const INSTALLED = /"file:\/\/[^"]*\/node_modules\/((?:@[^/"]+\/)?[^/"]+)(\/[^"]*)"/g;

function withPackagesOf(code: string, folder: string): string {
  const modules = join(folder, "node_modules");
  const names = new Set(
    readdirSync(modules).flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
    ),
  );
  return code.replace(INSTALLED, (whole, name: string, rest: string) => {
    if (!names.has(name)) return whole;
    const url = pathToFileURL(join(modules, name)).href + rest;
    if (existsSync(fileURLToPath(url))) return JSON.stringify(url);
    throw new SetupFailure(
      `${name} in runtimeEnv.packages has no file ${rest.slice(1)}, which the bundle needs of the version installed beside the task module: give the same version in both`,
    );
  });
}
