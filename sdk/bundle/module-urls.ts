import { readFile } from "node:fs/promises";
import { extname, relative, sep } from "node:path";
import type { Loader, Plugin } from "esbuild";
import { importsArrow, withArrow } from "./arrow.ts";
import { changeCode } from "./source-code.ts";
import { importsTracing, withTracing } from "./tracing.ts";

const LOADERS: Record<string, Loader> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".jsx": "jsx",
  ".js": "jsx",
  ".mjs": "js",
  ".cjs": "js",
};

const OWN_PLACE = /\bimport\.meta\.(url|dirname|filename)\b|\b__(?:dirname|filename)\b/;

/** What a module imports from the library: names, or all of it under one. */
const IMPORTS = /\bimport\s*(?:\{([^}]*)\}|\*\s*as\s+([\w$]+)\s)\s*from\s*["']stratolab["']/g;

/** By what names a module calls `task`. */
function namesOfTask(source: string): string[] {
  return [...source.matchAll(IMPORTS)].flatMap(([, imported = "", namespace]) => {
    if (namespace !== undefined) return [`${namespace}.task`];
    const own = imported.split(",").map((each) => /^\s*task(?:\s+as\s+([\w$]+))?\s*$/.exec(each));
    return own.flatMap((match) => (match ? [match[1] ?? "task"] : []));
  });
}

/** A call `task(` or `task<…>(` that is not a property or a declaration. */
function callOf(names: readonly string[]): RegExp {
  const alternatives = names.map((name) => name.replace(/[.$]/g, "\\$&")).join("|");
  return new RegExp(`(?<![.\\w$]|function\\s)(?:${alternatives})(?=\\s*[<(])`, "g");
}

/**
 * Adjustments of the source text before bundling, so that modules behave as they do unbundled:
 *
 * - `import.meta.url` and its kin name the module's own place, below the root that the executor says,
 *   instead of the bundle's.
 * - definitions of tasks count as free of side effects, so that the code of one task does not hang on
 *   the others in its module. (esbuild honours such a mark on a function only within one file.)
 * - modules that import apache-arrow make its Tables known to the codec, and those that import OpenTelemetry's API
 *   make it known to the executor.
 */
export function moduleAdjustments(root: string): Plugin {
  return {
    name: "stratolab-module-adjustments",
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const names = namesOfTask(source);
        const knowsItsPlace = OWN_PLACE.test(source);
        const hasTables = importsArrow(source);
        const makesSpans = importsTracing(source);
        if (names.length === 0 && !knowsItsPlace && !hasTables && !makesSpans) return undefined;
        const loader = LOADERS[extname(path)] ?? "js";
        const calls = callOf(names);
        const place = relative(root, path).split(sep).join("/");
        const contents = changeCode(source, (code) => {
          const marked = names.length === 0 ? code : code.replace(calls, "/* @__PURE__ */ $&");
          return knowsItsPlace ? placed(marked, place) : marked;
        });
        const adjusted = hasTables ? withArrow(contents) : contents;
        return { contents: makesSpans ? withTracing(adjusted) : adjusted, loader };
      });
    },
  };
}

function placed(source: string, path: string): string {
  const place = `globalThis[Symbol.for("stratolab.place")](${JSON.stringify(path)})`;
  return source
    .replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, property: string) => `${place}.${property}`)
    .replace(/(?<![.\w$])__(dirname|filename)\b(?!\s*=[^=])/g, (_, property: string) => `${place}.${property}`);
}
