import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly gypfile?: boolean;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** Packages that load compiled code; who depends on one of them is native. */
const NATIVE_LOADERS = [
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "node-pre-gyp",
  "@mapbox/node-pre-gyp",
  "prebuild-install",
  "cmake-js",
];

/** A package with compiled code often has it in others, one for each platform. */
const PLATFORM = /(linux|linuxmusl|darwin|win32)[-_](x64|arm64)/;

/** A package with compiled code that a task reaches. */
export interface NativePackage {
  readonly name: string;
  readonly version: string;
  /** Where it is installed. */
  readonly folder: string;
  /** Something imports it as it is loaded, not only when it is called. */
  readonly isStatic: boolean;
}

function packageOf(path: string): string | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const named = folder.split(sep).at(-2) === "node_modules" || folder.split(sep).at(-3) === "node_modules";
    if (named && existsSync(join(folder, "package.json"))) return folder;
  }
  return undefined;
}

function nativePackageAt(folder: string): Omit<NativePackage, "isStatic"> | undefined {
  const json = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageJson;
  const native =
    json.gypfile === true ||
    json.napi !== undefined ||
    existsSync(join(folder, "binding.gyp")) ||
    Object.keys(json.dependencies ?? {}).some((name) => NATIVE_LOADERS.includes(name)) ||
    readdirSync(folder).some((file) => file.endsWith(".node")) ||
    Object.keys(json.optionalDependencies ?? {}).some((name) => PLATFORM.test(name));
  return native ? { name: json.name ?? folder, version: json.version ?? "0", folder } : undefined;
}

/**
 * Decides what of a user's packages goes into the bundle: all but those with compiled code, which no
 * bundle can hold. They are loaded from where they are installed, on this machine, and noted.
 */
export function packageRules(native: Map<string, NativePackage>): Plugin {
  const verdicts = new Map<string, Omit<NativePackage, "isStatic"> | undefined>();
  return {
    name: "stratolab-packages",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        const isOurs = path === "stratolab" || isBuiltin(path);
        if (pluginData === "resolving" || kind === "entry-point" || isOurs) return undefined;
        const resolved = await build.resolve(path, { importer, kind, resolveDir, pluginData: "resolving" });
        if (resolved.errors.length > 0 || resolved.external) return resolved;
        const folder = packageOf(resolved.path);
        if (!folder) return resolved;
        if (!verdicts.has(folder)) verdicts.set(folder, nativePackageAt(folder));
        const verdict = verdicts.get(folder);
        if (!verdict) return resolved;
        const isStatic = native.get(verdict.name)?.isStatic || kind !== "dynamic-import";
        native.set(verdict.name, { ...verdict, isStatic });
        return { path: pathToFileURL(resolved.path).href, external: true };
      });
    },
  };
}
