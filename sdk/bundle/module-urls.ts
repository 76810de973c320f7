import { readFile } from "node:fs/promises";
import { extname, relative, sep } from "node:path";
import type { Loader, Plugin } from "esbuild";

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

/** A call `task(` or `task<…>(` that is not a property, a declaration or an import. */
const TASK_CALL = /(?<![.\w$]|function\s)task(?=\s*[<(])/g;
const IMPORTS_STRATOLAB = /from\s*["']stratolab["']/;

/**
 * Two adjustments of the source text before bundling, so that modules behave as they do unbundled:
 *
 * - `import.meta.url` and its kin name the module's own place, below the root that the executor says,
 *   instead of the bundle's.
 * - definitions of tasks count as free of side effects, so that the code of one task does not hang on
 *   the others in its module. (esbuild honours such a mark on a function only within one file.)
 */
export function moduleAdjustments(root: string): Plugin {
  return {
    name: "stratolab-module-adjustments",
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const definesTasks = IMPORTS_STRATOLAB.test(source);
        const knowsItsPlace = OWN_PLACE.test(source);
        if (!definesTasks && !knowsItsPlace) return undefined;
        let contents = definesTasks ? source.replace(TASK_CALL, "/* @__PURE__ */ task") : source;
        if (knowsItsPlace) contents = placed(contents, relative(root, path).split(sep).join("/"));
        return { contents, loader: LOADERS[extname(path)] ?? "js" };
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
