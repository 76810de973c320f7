import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Loader, type Message, type Plugin } from "esbuild";
import { changeCode } from "../sdk/bundle/source-code.ts";
import { packageFile } from "../sdk/package-files.ts";
import { LabError } from "../sdk/wire/lab-error.ts";

/** Modules of the script's own packages are loaded from where they are, however far the bundle lies. */
const ownPackages: Plugin = {
  name: "stratolab-own-packages",
  setup({ onResolve, resolve: find }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === "resolving" || kind === "entry-point" || isBuiltin(path)) return undefined;
      const {
        path: found,
        errors,
        external,
      } = await find(path, { importer, kind, resolveDir, pluginData: "resolving" });
      if (external) return undefined;
      if (errors.length === 0) return { path: pathToFileURL(found).href, external: true };
      // Without an installation of its own the script takes the one that the command is of.
      const own = path === "stratolab" ? packageFile("dist/sdk/index.js") : undefined;
      return own ? { path: pathToFileURL(own).href, external: true } : { path, external: true };
    });
  },
};

const LOADERS: Readonly<Record<string, Loader>> = {
  ".tsx": "tsx",
  ".jsx": "jsx",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
};

/** `import.meta` of every module names its own place, as if it had not been bundled. */
const ownPlaces: Plugin = {
  name: "stratolab-own-places",
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const loader = LOADERS[path.slice(path.lastIndexOf("."))] ?? "ts";
      if (!source.includes("import.meta")) return { contents: source, loader };
      const place = `globalThis[Symbol.for("stratolab.script")](${JSON.stringify(pathToFileURL(path).href)})`;
      const contents = changeCode(source, (code) =>
        code.replace(
          /\bimport\.meta\.(url|dirname|filename|resolve)\b/g,
          (_, property: string) => `${place}.${property}`,
        ),
      );
      return { contents, loader };
    });
  },
};

/** What those places are made with, before the first module. */
const BANNER = `
import { createRequire as __createRequire } from "node:module";
import { dirname as __dirnameOf } from "node:path";
import { fileURLToPath as __fileURLToPath, pathToFileURL as __pathToFileURL } from "node:url";
globalThis[Symbol.for("stratolab.script")] = (url) => ({
  url,
  filename: __fileURLToPath(url),
  dirname: __dirnameOf(__fileURLToPath(url)),
  resolve: (specifier) => {
    if (/^(\\.{0,2}\\/|[a-z]+:)/.test(specifier)) return new URL(specifier, url).href;
    return __pathToFileURL(__createRequire(url).resolve(specifier)).href;
  },
});`;

/**
 * A script with all modules of its own project as one JavaScript module, that any Node can run wherever it lies.
 *
 * @throws LabError when there is no such script, or with what esbuild says of it.
 */
export async function bundleScript(script: string): Promise<string> {
  const path = resolve(script);
  if (!existsSync(path)) throw new LabError("no-script", `there is no script ${script}`);
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      platform: "node",
      format: "esm",
      target: "node20",
      sourcemap: "inline",
      logLevel: "silent",
      // Packages are found as Node finds them.
      conditions: [],
      banner: { js: BANNER },
      plugins: [ownPackages, ownPlaces],
    });
    return outputFiles[0].text;
  } catch (error) {
    const [first] = (error as { errors?: readonly Message[] }).errors ?? [];
    const at = first?.location ? `${first.location.file}:${first.location.line}: ` : "";
    throw new LabError("script", `the script ${script} cannot be read: ${at}${first?.text ?? String(error)}`);
  }
}
