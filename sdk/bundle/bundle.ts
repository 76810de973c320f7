import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions, BuildResult, Message } from "esbuild";
import { LabError, LabOptionError } from "../errors.ts";
import { packageFile } from "../package-files.ts";
import type { CodePart } from "../wire/code-part.ts";
import { VERSIONS_EXPORT } from "../wire/task-tools.ts";
import { arrowShim, holdsArrow } from "./arrow.ts";
import { moduleAdjustments } from "./module-urls.ts";
import { type NativePackage, packageRules } from "./packages.ts";
import { CodeReader } from "./reached-code.ts";
import { tracingShim } from "./tracing.ts";

/** The user's code as one file. */
export interface Bundle {
  /** SHA-256 of the code in hexadecimal. */
  readonly hash: string;
  readonly code: string;
  /** Source map of the code; its sources are relative to `root`. */
  readonly sourceMap: string;
  /** Where paths in the code start: the project's folder. */
  readonly root: string;
  /** The task module, as messages name it. */
  readonly taskModule: string;
  /** Hash of the code that each export reaches, by export name. */
  readonly versions: ReadonlyMap<string, string>;
  /** What such a hash is made of, by file and package. */
  readonly parts: ReadonlyMap<string, readonly CodePart[]>;
  /** Packages with compiled code, loaded from where they are installed. */
  readonly native: readonly NativePackage[];
  /** Its modules have Apache Arrow Tables in their hands. */
  readonly hasArrow: boolean;
}

/** Name of the bundle's file, in a folder of its own. */
export const BUNDLE_FILE = "bundle.mjs";

/** Written in one piece, tools that load this very file would take it for theirs, and strip it. */
const SOURCE_MAP = ["source", "Mapping", "URL"].join("");

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Bundled CommonJS packages still ask for `require`. */
const REQUIRE_BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** When it is needed, and by `require`: imported, Node would look through all of it for what it exports first. */
const loadEsbuild = () => createRequire(import.meta.url)("esbuild") as typeof import("esbuild");

/** The file of a task module given as a path, a `file:` URL, or a URL object. */
function taskModulePath(tasks: string | URL): string {
  const given = String(tasks);
  const path = given.startsWith("file:") ? fileURLToPath(given) : resolve(given);
  if (!existsSync(path)) {
    throw new LabOptionError(
      `tasks: there is no module ${path}. Give the module that exports your tasks, such as import.meta.resolve("./tasks.ts")`,
    );
  }
  return path;
}

/** The folder of the project that a module belongs to: the nearest with a package.json. */
function projectRoot(path: string): string {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  return dirname(path);
}

/**
 * Bundles a task module with everything it imports, and finds for each of its exports the hash of
 * the code it reaches: what another task reaches, or a comment, does not count.
 *
 * @throws LabError with what esbuild says, file and line, when the module cannot be bundled.
 */
export async function buildBundle(tasks: string | URL): Promise<Bundle> {
  const entry = taskModulePath(tasks);
  const root = projectRoot(entry);
  const taskModule = relative(process.cwd(), entry) || entry;
  const { build, transform, version: esbuildVersion } = loadEsbuild();
  const native = new Map<string, NativePackage>();
  const shared: BuildOptions = {
    bundle: true,
    write: false,
    outfile: join(root, BUNDLE_FILE),
    platform: "node",
    format: "esm",
    target: "node20",
    absWorkingDir: root,
    logLevel: "silent",
    plugins: [arrowShim(), tracingShim(), packageRules(native), moduleAdjustments(root)],
  };
  const run = (options: BuildOptions) => build({ ...shared, ...options }).catch((error) => refuse(taskModule, error));

  const whole = await run({
    entryPoints: [entry],
    alias: { stratolab: packageFile("dist/sdk/in-task.js") },
    // Errors are matched by the names of their classes, so names must survive.
    keepNames: true,
    metafile: true,
    sourcemap: "external",
    sourcesContent: false,
    banner: { js: REQUIRE_BANNER },
  });
  const [output] = Object.values(whole.metafile?.outputs ?? {}).filter(({ entryPoint }) => entryPoint !== undefined);
  const reader = new CodeReader({ root, native, esbuildVersion, transform });
  const reached = await Promise.all(
    (output?.exports ?? []).map(async (name) => {
      const bundled = await run({
        stdin: { contents: `export { ${name} } from ${JSON.stringify(entry)};`, resolveDir: root, loader: "ts" },
        // The library is no part of a task's code: a new version of it must not make results stale.
        external: ["stratolab"],
        legalComments: "none",
        metafile: true,
      });
      const inputs = Object.keys(bundled.metafile?.inputs ?? {});
      return [name, await reader.read({ text: textOf(bundled, ".mjs"), inputs })] as const;
    }),
  );
  const versions = reached.map(([name, { version }]) => [name, version] as const);
  const told = `export const ${VERSIONS_EXPORT} = ${JSON.stringify(Object.fromEntries(versions))};\n`;
  const code = `${withoutPathComments(textOf(whole, ".mjs"))}${told}//# ${SOURCE_MAP}=${BUNDLE_FILE}.map\n`;
  const sourceMap = textOf(whole, ".map");
  return {
    hash: sha256(code),
    code,
    sourceMap,
    root,
    taskModule,
    versions: new Map(versions),
    parts: new Map(reached.map(([, { version, parts }]) => [version, parts])),
    native: [...native.values()],
    hasArrow: holdsArrow(whole.metafile?.inputs),
  };
}

/** esbuild heads each module with its path; those outside the project would differ between machines. */
const withoutPathComments = (code: string) => code.replace(/^\/\/ \.\.\/.*$/gm, "//");

const textOf = (result: BuildResult, extension: string): string =>
  result.outputFiles?.find(({ path }) => path.endsWith(extension))?.text ?? "";

function refuse(taskModule: string, error: unknown): never {
  const { errors } = error as { errors?: Message[] };
  const details = (errors ?? [])
    .slice(0, 5)
    .map(({ text, location }) => (location ? `${location.file}:${location.line}:${location.column}: ${text}` : text))
    .join("\n  ");
  throw new LabError("task-module", `the task module ${taskModule} cannot be bundled:\n  ${details || String(error)}`, {
    cause: error,
  });
}
